import { DiskError } from './errors';
import type { OwnershipMap, Pixels } from './model';
import { CellBuilder } from './picture/cellBuilder';
import { runAt } from './runs';
import { codeOf } from './scan/codes';

/** A screen has fewer cells than this. */
export const MAX_CELLS = 1 << 20;

/** Layers of a chain, or uses of a file. */
const MAX_OWNERS = 256;

/** @throws DiskError `out-of-range` for a range that can't be drawn */
export function assertDrawable(start: number, cellBytes: number, cells: number): void {
  const sane =
    Number.isSafeInteger(start) &&
    start >= 0 &&
    Number.isFinite(cellBytes) &&
    cellBytes > 0 &&
    Number.isInteger(cells) &&
    cells >= 0 &&
    cells <= MAX_CELLS;
  if (!sane)
    throw new DiskError('out-of-range', `${cells} cells of ${cellBytes} bytes from byte ${start} can't be drawn`);
}

/** Where the columns are kept, each buffer once: all that a message moves of pixels that were made for it. */
export const buffersOfPixels = ({ first, owner, kind, bytes }: Pixels): ArrayBuffer[] => [
  ...new Set([first, owner, kind, bytes].map(({ buffer }) => buffer as ArrayBuffer)),
];

/**
 * Cuts `[start, start + cells × cellBytes)` of a map into cells and says what each holds, in bytes per owner and
 * kind. Cells past the end of the map have no parts.
 * @throws DiskError `out-of-range` for a range that can't be
 */
export function pixels(map: OwnershipMap, start: number, cellBytes: number, cells: number): Pixels {
  assertDrawable(start, cellBytes, cells);
  const size = map.start[map.count] ?? 0;
  const end = Math.min(size, start + cells * cellBytes);
  const builder = new CellBuilder(cells, MAX_OWNERS);
  let run = start < end ? runAt(map, start) : 0;
  for (let cell = 0; cell < cells; cell += 1) {
    const cellEnd = Math.min(end, start + (cell + 1) * cellBytes);
    for (let at = start + cell * cellBytes; at < cellEnd;) {
      const runEnd = map.start[run + 1] ?? cellEnd;
      const stop = Math.min(runEnd, cellEnd);
      builder.cell.add(codeOf(map.owner[run] ?? 0, map.kind[run] ?? 0), stop - at);
      if (stop === runEnd) run += 1;
      at = stop;
    }
    builder.finishCell();
  }
  return builder.take({ rangeStart: start, rangeEnd: Math.max(start, end), cellBytes });
}
