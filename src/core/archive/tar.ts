import { text } from '../bytes';

/**
 * Members of a tar archive (POSIX.1-2024, pax and ustar interchange formats; GNU tar's long names and large sizes). Names
 * are not paths here and open nothing; whatever does not add up ends the reading.
 */

const BLOCK = 512;
/** An archive of more members is no VM. */
const MAX_MEMBERS = 10_000;
/** Linux, PATH_MAX; a pax header has some more records. */
const MAX_NAME = 4096;
const MAX_EXTENDED = 64 << 10;

/** A plain file in an archive. */
export interface TarMember {
  readonly name: string;
  /** Where its bytes begin, and how many it says that there are: an archive that was cut short has less. */
  readonly start: number;
  readonly size: number;
}

/** How bytes of the archive are had: fewer where it ends. */
export type ReadBytes = (position: number, length: number) => Uint8Array;

/** Whether a file begins as a tar archive does. */
export const isTar = (head: Uint8Array): boolean => text(head.subarray(257, 262)) === 'ustar';

export function* tarMembers(read: ReadBytes, archiveSize: number): Generator<TarMember, void, void> {
  let said: Said = {};
  let at = 0;
  for (let members = 0; members < MAX_MEMBERS && at + BLOCK <= archiveSize; members += 1) {
    const header = read(at, BLOCK);
    const told = sizeOf(header.subarray(124, 136));
    // Two blocks of zeros end an archive; their checksum is none, so one is enough.
    if (told === undefined || octal(header.subarray(148, 156)) !== checksum(header)) return;
    const type = String.fromCharCode(header[156] ?? 0);
    const start = at + BLOCK;
    const isExtended = type === 'x' || type === 'L';
    const size = isExtended ? told : (said.size ?? told);
    if (type === '0' || type === '\0') yield { name: said.name ?? nameOf(header), start, size };
    // What is said beforehand is about the next member alone.
    if (isExtended) said = { ...said, ...extended(type, size, (length) => read(start, length)) };
    else said = {};
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** What a header before a member's own says of it. */
interface Said {
  readonly name?: string;
  readonly size?: number;
}

function extended(type: 'x' | 'L', size: number, read: (length: number) => Uint8Array): Said {
  if (size > MAX_EXTENDED) return {};
  const bytes = read(size);
  return type === 'L' ? { name: text(bytes).slice(0, MAX_NAME) } : paxRecords(bytes);
}

/** Records of a pax header: `LENGTH KEY=VALUE\n`, where the length is that of all of it. */
function paxRecords(bytes: Uint8Array): Said {
  let name: string | undefined;
  let size: number | undefined;
  for (let at = 0; at < bytes.length;) {
    const digits = /^(\d{1,6}) /.exec(String.fromCharCode(...bytes.subarray(at, at + 8)))?.[1];
    const length = Number(digits);
    if (digits === undefined || length <= digits.length + 1 || at + length > bytes.length) break;
    const record = text(bytes.subarray(at + digits.length + 1, at + length - 1));
    if (record.startsWith('path=')) name = record.slice(5, 5 + MAX_NAME);
    else if (/^size=\d{1,16}$/.test(record)) size = Number(record.slice(5));
    at += length;
  }
  return {
    ...(name !== undefined && { name }),
    ...(size !== undefined && Number.isSafeInteger(size) && { size }),
  };
}

/** The name, behind the folders that a long one is split off into. */
function nameOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  // GNU tar has something else there.
  const prefix = text(header.subarray(257, 263)) === 'ustar' ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** The sum of a header's bytes, those of the checksum itself taken as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  header.forEach((byte, at) => {
    sum += at >= 148 && at < 156 ? 32 : byte;
  });
  return sum;
}

/** In octal; or, of a member of 8 GiB and more, GNU tar's: a set highest bit, and the number in binary. */
function sizeOf(field: Uint8Array): number | undefined {
  if (((field[0] ?? 0) & 0x80) === 0) return octal(field);
  let size = (field[0] ?? 0) & 0x7f;
  for (const byte of field.subarray(1)) size = size * 256 + byte;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** Digits of an octal number, closed by a space or NUL, or by the end of the field. */
function octal(field: Uint8Array): number | undefined {
  const digits = /^ *([0-7]{1,12})[ \0]*$/.exec(String.fromCharCode(...field))?.[1];
  return digits === undefined ? undefined : parseInt(digits, 8);
}
