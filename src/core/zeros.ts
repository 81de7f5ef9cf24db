/**
 * Where a buffer holds anything but zeros. The loop is the whole cost of finding holes in data, so it takes eight
 * bytes at a time.
 */

/** @param length of `bytes` from `from` on; at most up to its end */
export function isZero(bytes: Uint8Array, from: number, length: number): boolean {
  let at = from;
  const end = from + length;
  for (; at < end && (bytes.byteOffset + at) % 4 !== 0; at += 1) if (bytes[at] !== 0) return false;
  if (at === end) return true;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >>> 2);
  if (!areZero(words, 0, words.length)) return false;
  for (at += words.length * 4; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

function areZero(words: Int32Array, from: number, to: number): boolean {
  let at = from;
  for (; at + 1 < to; at += 2) if (((words[at] ?? 0) | (words[at + 1] ?? 0)) !== 0) return false;
  return at === to || words[at] === 0;
}

/** Calls `found` for each longest stretch of blocks that are not all zero. The last block may be cut short. */
export function eachStretch(bytes: Uint8Array, block: number, found: (start: number, end: number) => void): void {
  const { length, byteOffset } = bytes;
  // Most blocks of data are told by their first word: a view for each would take longer than that.
  const inWords = byteOffset % 4 === 0 && block % 4 === 0;
  const words = new Int32Array(bytes.buffer, inWords ? byteOffset : 0, inWords ? length >>> 2 : 0);
  let start = -1;
  for (let at = 0; at < length; at += block) {
    const end = Math.min(at + block, length);
    const zero = inWords && end % 4 === 0 ? areZero(words, at >>> 2, end >>> 2) : isZero(bytes, at, end - at);
    if (zero && start >= 0) found(start, at);
    start = zero ? -1 : start < 0 ? at : start;
  }
  if (start >= 0) found(start, length);
}
