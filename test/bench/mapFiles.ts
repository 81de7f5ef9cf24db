import { closeSync, openSync, readSync } from 'node:fs';

const PIECE = 2 ** 20;
const LINE_FEED = 10;

/** The ranges in a map as `vmdisk map --output json` prints it: one a line. */
export function countRanges(path: string): number {
  let lines = 0;
  for (const bytes of pieces(path)) {
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
  }
  return lines;
}

export function sameBytes(a: string, b: string): boolean {
  const other = pieces(b);
  for (const piece of pieces(a)) {
    const { value } = other.next();
    if (!value || !piece.equals(value)) return false;
  }
  return other.next().done === true;
}

/** The bytes of a file, a piece at a time; each is good until the next is asked for. */
function* pieces(path: string): Generator<Buffer, undefined> {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(PIECE);
    for (let at = 0; ;) {
      const length = readSync(file, buffer, 0, PIECE, at);
      if (length === 0) return undefined;
      yield buffer.subarray(0, length);
      at += length;
    }
  } finally {
    closeSync(file);
  }
}
