import { ascii, readPadded } from '../../bytes';
import { crc32c } from '../../crc';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';

/** Where a structure that is kept twice stands, and how it begins: its signature, then its checksum. */
export interface Twice {
  readonly what: string;
  readonly offsets: readonly number[];
  readonly length: number;
  readonly signature: string;
}

export interface Copy {
  /** For people: "header 1". */
  readonly name: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Why it can't be used, where it can't. */
  readonly fault: string | undefined;
}

const CHECKSUM_AT = 4;
const CHECKSUM_BYTES = 4;
const NO_CHECKSUM = new Uint8Array(CHECKSUM_BYTES);

export function readCopies(source: ByteSource, { what, offsets, length, signature }: Twice): readonly Copy[] {
  return offsets.map((offset, index) => {
    const bytes = new Uint8Array(length);
    return { name: `${what} ${index + 1}`, offset, bytes, fault: readCopy(source, bytes, offset, signature) };
  });
}

function readCopy(source: ByteSource, bytes: Uint8Array, offset: number, signature: string): string | undefined {
  try {
    if (readPadded(source, bytes, offset) < bytes.length) return 'the file ends before it does';
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return "it can't be read";
  }
  if (ascii(bytes, 0, signature.length) !== signature) return 'its signature is missing';
  return isIntact(bytes) ? undefined : 'its checksum is wrong';
}

/** Whether the CRC-32C behind a signature fits, which is made while it is zero itself (2.2.2, 2.2.3.1, 2.3.1.1). */
export function isIntact(bytes: Uint8Array): boolean {
  const rest = CHECKSUM_AT + CHECKSUM_BYTES;
  const before = crc32c(crc32c(0xffff_ffff, bytes.subarray(0, CHECKSUM_AT)), NO_CHECKSUM);
  const sum = ~crc32c(before, bytes.subarray(rest)) >>> 0;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(CHECKSUM_AT, true) === sum;
}

/** What is told of copies that are damaged, where another could be used. */
export function damageOf(code: string, copies: readonly Copy[], used: Copy): readonly Finding[] {
  return damaged(copies).map(({ name, fault, offset }) => ({
    code,
    severity: 'warning',
    message: `${name} is damaged (${fault}): ${used.name} was used`,
    advice: 'What was written last may be missing. Compare with a backup.',
    offset,
  }));
}

/** @throws DiskError always */
export function noneUsable(copies: readonly Copy[]): never {
  throw new DiskError(
    'corrupt',
    `neither can be used: ${damaged(copies)
      .map(({ name, fault }) => `${name} (${fault})`)
      .join(', ')}`,
    { offset: copies[0]?.offset },
    'Restore the image from a backup.',
  );
}

const damaged = (copies: readonly Copy[]): readonly (Copy & { readonly fault: string })[] =>
  copies.flatMap(({ fault, ...copy }) => (fault === undefined ? [] : [{ ...copy, fault }]));
