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
  const pairs = words.length & ~1;
  for (let i = 0; i < pairs; i += 2) if (((words[i] ?? 0) | (words[i + 1] ?? 0)) !== 0) return false;
  for (at += pairs * 4; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

/** Calls `found` for each longest stretch of blocks that are not all zero. The last block may be cut short. */
export function eachStretch(bytes: Uint8Array, block: number, found: (start: number, end: number) => void): void {
  let start = -1;
  for (let at = 0; at < bytes.length; at += block) {
    const zero = isZero(bytes, at, Math.min(block, bytes.length - at));
    if (zero && start >= 0) found(start, at);
    start = zero ? -1 : start < 0 ? at : start;
  }
  if (start >= 0) found(start, bytes.length);
}
