import type { FileMap } from '../model';
import { Use } from '../model';

/** A part of a file, bytes, `[start, end)`. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** What a repair has no reason to touch: data that nothing is wrong with, and space kept for zeros. */
const UNTOUCHED: ReadonlySet<number> = new Set([Use.Data, Use.Compressed, Use.SnapshotData, Use.Preallocated]);
/** Ranges that are told apart; of more, those with the least between them are taken together with that. */
const MAX_RANGES = 1 << 16;

/**
 * The parts of an image's file that a repair may change: tables, counts, what is free, lost, contested or not understood.
 * A repair takes new clusters from what is free, or behind the end.
 * @param length of the file: a cluster that it ends in counts as far as it goes
 */
export function keptRanges(map: FileMap, length: number): readonly FileRange[] {
  const ranges: { start: number; end: number }[] = [];
  const add = (start: number, end: number): void => {
    const last = ranges.at(-1);
    if (last?.end === start) last.end = end;
    else if (end > start) ranges.push({ start, end });
  };
  for (let i = 0; i < map.count; i += 1) {
    const start = map.start[i] ?? 0;
    const end = Math.min(map.start[i + 1] ?? 0, length);
    if (!UNTOUCHED.has(map.use[i] ?? Use.Unknown) && start < end) add(start, end);
  }
  // What lies behind the last cluster that was looked at is understood by nobody.
  add(Math.min(length, map.start[map.count] ?? 0), length);
  return ranges.length <= MAX_RANGES ? ranges : fewer(ranges);
}

function fewer(ranges: readonly FileRange[]): readonly FileRange[] {
  const gaps = ranges.slice(1).map(({ start }, i) => start - (ranges[i]?.end ?? start));
  const least = gaps.toSorted((a, b) => b - a)[MAX_RANGES - 1] ?? 0;
  const merged: { start: number; end: number }[] = [];
  ranges.forEach(({ start, end }, i) => {
    const last = merged.at(-1);
    if (last && (gaps[i - 1] ?? 0) <= least) last.end = end;
    else merged.push({ start, end });
  });
  return merged;
}
