import { runAt } from '../runs';
import { UNKNOWN_CODE } from '../scan/codes';
import type { Chunk } from './chunk';

/** Tells the runs of what a chunk has of `[from, to)`, one by one; it must not be coarse. */
export function runsBetween(chunk: Chunk, from: number, to: number, tell: (code: number, bytes: number) => void): void {
  const { start, unit, firstRun, runs, tiles } = chunk;
  let at = Math.max(from, start[0] ?? 0);
  for (let tile = runAt({ count: tiles, start }, at); tile < tiles && at < to; tile += 1) {
    const tileStart = start[tile] ?? 0;
    const bytes = unit[tile] ?? 0;
    const stop = Math.min(to, start[tile + 1] ?? to);
    for (let run = firstRun[tile] ?? 0; at < stop; run += 1) {
      const runEnd = Math.min(stop, tileStart + (runs[run * 2] ?? Infinity) * bytes);
      if (runEnd <= at) continue;
      tell(runs[run * 2 + 1] ?? UNKNOWN_CODE, runEnd - at);
      at = runEnd;
    }
  }
}

/** Stands in for a chunk that is not there yet: one tile of which nothing is known. */
export function unknownChunk(from: number, to: number): Chunk {
  return {
    coarse: false,
    tiles: 1,
    perGroup: 1,
    start: Float64Array.of(from, to),
    unit: Float64Array.of(to - from),
    firstRun: Uint32Array.of(0, 1),
    runs: Uint16Array.of(1, UNKNOWN_CODE),
    firstSum: Uint32Array.of(0, 1),
    sums: Uint16Array.of(UNKNOWN_CODE, 1),
    firstInGroup: Uint32Array.of(0, 1),
    groupCode: Uint16Array.of(UNKNOWN_CODE),
    groupBytes: Float64Array.of(to - from),
    held: new Float64Array(0),
    fingerprint: undefined,
  };
}
