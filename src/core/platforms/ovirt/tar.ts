/**
 * The files in a tar archive (POSIX.1-2024, pax: ustar interchange format) held in memory. Names are not paths here and
 * open nothing; whatever does not add up ends the reading.
 */

const BLOCK = 512;
const MAX_ENTRIES = 10_000;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const TYPE_AT = 156;

export function* tarFiles(archive: Uint8Array): Generator<{ readonly name: string; readonly bytes: Uint8Array }> {
  let at = 0;
  for (let entries = 0; entries < MAX_ENTRIES && at + BLOCK <= archive.length; entries += 1) {
    const header = archive.subarray(at, at + BLOCK);
    const size = octal(header.subarray(SIZE_AT, SIZE_AT + SIZE_BYTES));
    const sum = octal(header.subarray(CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES));
    // Two blocks of zeros end an archive; their checksum is none, so one is enough.
    if (size === undefined || sum !== checksum(header)) return;
    const start = at + BLOCK;
    if (size > archive.length - start) return;
    const type = String.fromCharCode(header[TYPE_AT] ?? 0);
    if (type === '0' || type === '\0')
      yield { name: text(header.subarray(0, 100)), bytes: archive.subarray(start, start + size) };
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** The sum of a header's bytes, those of the checksum itself taken as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  header.forEach((byte, at) => {
    sum += at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES ? 32 : byte;
  });
  return sum;
}

/** Digits of an octal number, closed by a space or NUL. */
function octal(field: Uint8Array): number | undefined {
  const digits = /^ *([0-7]{1,11})[ \0]*$/.exec(String.fromCharCode(...field))?.[1];
  return digits === undefined ? undefined : parseInt(digits, 8);
}

const text = (field: Uint8Array): string => String.fromCharCode(...field).replace(/\0.*$/s, '');
