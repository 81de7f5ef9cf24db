import { readPadded } from '../../bytes';
import type { ByteSource } from '../../model';

/**
 * Tables this near to each other in the file are read in one go: the gap costs less than another read. With clusters of
 * 512 bytes, all data may lie between tables that are 32 KiB from each other: those are not.
 */
const MAX_GAP = 16 * 1024;
/** Bytes that are read at a time at most. */
export const MAX_READ = 4 << 20;

/**
 * Reads many equally large tables with few, large reads.
 * @param offsets where each table begins in the file, in any order
 * @param target receives table `i` at `i * tableBytes`
 */
export function readTables(
  source: ByteSource,
  offsets: readonly number[],
  tableBytes: number,
  target: Uint8Array,
): void {
  const order = offsets.map((_, index) => index).sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0));
  let from = 0;
  while (from < order.length) {
    const start = offsets[order[from] ?? 0] ?? 0;
    let end = start + tableBytes;
    let to = from + 1;
    for (; to < order.length; to += 1) {
      const next = offsets[order[to] ?? 0] ?? 0;
      if (next - end > MAX_GAP || next + tableBytes - start > MAX_READ) break;
      end = Math.max(end, next + tableBytes);
    }
    if (isConsecutive(order, from, to, offsets, tableBytes)) {
      // Already in the order of the target: no second copy.
      const first = (order[from] ?? 0) * tableBytes;
      readPadded(source, target.subarray(first, first + (to - from) * tableBytes), start);
    } else {
      const piece = new Uint8Array(end - start);
      readPadded(source, piece, start);
      for (const index of order.slice(from, to)) {
        const at = (offsets[index] ?? 0) - start;
        target.set(piece.subarray(at, at + tableBytes), index * tableBytes);
      }
    }
    from = to;
  }
}

/** Whether any two of the tables lie near enough to each other to be read in one go. */
export function canBeReadTogether(offsets: readonly number[], tableBytes: number): boolean {
  const sorted = Float64Array.from(offsets).sort();
  return sorted.some((offset, i) => i > 0 && offset - (sorted[i - 1] ?? 0) <= tableBytes + MAX_GAP);
}

function isConsecutive(
  order: readonly number[],
  from: number,
  to: number,
  offsets: readonly number[],
  tableBytes: number,
): boolean {
  for (let i = from + 1; i < to; i += 1) {
    const previous = order[i - 1] ?? 0;
    const index = order[i] ?? 0;
    if (index !== previous + 1 || (offsets[index] ?? 0) !== (offsets[previous] ?? 0) + tableBytes) return false;
  }
  return true;
}
