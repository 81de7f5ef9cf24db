import { DiskError } from './errors';
import type { Ranges } from './model';

/**
 * @param size bytes of the disk, @param from where what is known of it begins
 * @throws DiskError `out-of-range` for a range that is no part of that
 */
export function assertInside(
  { start, end }: { readonly start: number; readonly end: number },
  size: number,
  from = 0,
): void {
  if (start >= from && start <= end && end <= size) return;
  throw new DiskError('out-of-range', `bytes ${start} to ${end} are not all inside the disk (${size} bytes)`);
}

/** Collects ranges that come in rising order, joining those that touch. */
export class RangesBuilder {
  private start = new Float64Array(64);
  private end = new Float64Array(64);
  private count = 0;
  private drained = 0;
  private seen = 0;
  private lastEnd = -1;
  private total = 0;

  /** @param limit how many ranges are kept, the first ones; what comes after is only counted */
  constructor(private readonly limit = Infinity) {}

  /** Bytes in all ranges, kept or not. */
  get bytes(): number {
    return this.total;
  }

  /** How many ranges there were, kept or not. */
  get length(): number {
    return this.seen;
  }

  add(start: number, end: number): void {
    if (end <= start) return;
    const joins = start === this.lastEnd;
    this.lastEnd = end;
    this.total += end - start;
    if (!joins) this.seen += 1;
    if (this.seen - this.drained > this.limit) return;
    if (joins) {
      this.end[this.count - 1] = end;
      return;
    }
    if (this.count === this.start.length) this.grow();
    this.start[this.count] = start;
    this.end[this.count] = end;
    this.count += 1;
  }

  /** Takes out all ranges but the last, which may still grow; that one stays. */
  drain(): Ranges {
    const last = Math.max(0, this.count - 1);
    const ranges = { count: last, start: this.start.slice(0, last), end: this.end.slice(0, last) };
    this.start.copyWithin(0, last, this.count);
    this.end.copyWithin(0, last, this.count);
    this.drained += last;
    this.count -= last;
    return ranges;
  }

  finish(): Ranges {
    return { count: this.count, start: this.start.slice(0, this.count), end: this.end.slice(0, this.count) };
  }

  private grow(): void {
    const widen = (from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.start = widen(this.start);
    this.end = widen(this.end);
  }
}

/** Ranges in any order, overlapping or not, as rising ones that do not touch. */
export function unite(ranges: readonly { readonly start: number; readonly end: number }[]): Ranges {
  const builder = new RangesBuilder();
  let end = 0;
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    builder.add(Math.max(range.start, end), range.end);
    end = Math.max(end, range.end);
  }
  return builder.finish();
}

/** How many bytes of each of `cells` slices of `cellBytes` from `start` on lie in the ranges. */
export function bytesPerCell(ranges: Ranges, start: number, cellBytes: number, cells: number): Float64Array {
  const bytes = new Float64Array(cells);
  const end = start + cells * cellBytes;
  for (let i = firstEndingAfter(ranges, start); i < ranges.count && (ranges.start[i] ?? end) < end; i += 1) {
    const from = Math.max(start, ranges.start[i] ?? 0);
    const to = Math.min(end, ranges.end[i] ?? 0);
    const last = Math.min(cells - 1, Math.ceil((to - start) / cellBytes) - 1);
    for (let cell = Math.floor((from - start) / cellBytes); cell <= last; cell += 1) {
      const cellStart = start + cell * cellBytes;
      bytes[cell] = (bytes[cell] ?? 0) + Math.min(to, cellStart + cellBytes) - Math.max(from, cellStart);
    }
  }
  return bytes;
}

/**
 * Index of the range that begins next after `from` (`by` 1) or last before it (-1), going round at the ends.
 * @returns -1 where there are no ranges
 */
export function rangeBeside({ count, start }: Ranges, from: number, by: 1 | -1): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const before = (start[middle] ?? 0) < from || (by === 1 && start[middle] === from);
    if (before) low = middle + 1;
    else high = middle;
  }
  if (count === 0) return -1;
  return by === 1 ? low % count : (low - 1 + count) % count;
}

function firstEndingAfter({ count, end }: Ranges, offset: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((end[middle] ?? 0) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
