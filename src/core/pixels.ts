import { DiskError } from './errors';
import type { OwnershipMap, Pixels } from './model';
import { Kind, KIND_COUNT, UNKNOWN_OWNER } from './model';
import { runAt } from './runs';

/** A screen has fewer cells than this. */
export const MAX_CELLS = 1 << 20;

/**
 * Cuts `[start, start + cells × cellBytes)` of the map into cells and says what each holds, in bytes per owner and
 * kind. Cells past the end of the disk have no parts.
 * @throws DiskError `out-of-range` for a range that can't be
 */
export function pixels(map: OwnershipMap, start: number, cellBytes: number, cells: number): Pixels {
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
  const size = map.start[map.count] ?? 0;
  const end = Math.min(size, start + cells * cellBytes);
  const parts = new Parts(cells);
  if (start < end) {
    let run = runAt(map, start);
    for (let cell = 0; cell < cells; cell += 1) {
      parts.begin(cell);
      const cellEnd = Math.min(end, start + (cell + 1) * cellBytes);
      let at = start + cell * cellBytes;
      while (at < cellEnd) {
        const runEnd = map.start[run + 1] ?? cellEnd;
        const stop = Math.min(runEnd, cellEnd);
        parts.add(map.owner[run] ?? UNKNOWN_OWNER, (map.kind[run] ?? Kind.Unknown) as Kind, stop - at);
        at = stop;
        if (runEnd <= cellEnd) run += 1;
      }
    }
  }
  return parts.finish(start, Math.max(start, end), cellBytes);
}

/** Collects the parts of each cell, in the order of their first appearance. */
class Parts {
  private readonly first: Uint32Array;
  private owner = new Int16Array(4096);
  private kind = new Uint8Array(4096);
  private bytes = new Float64Array(4096);
  private count = 0;
  private cellStart = 0;
  private cellsBegun = 0;
  /** Where the current cell has its part for an (owner, kind). */
  private readonly place = new Map<number, number>();

  constructor(private readonly cells: number) {
    this.first = new Uint32Array(cells + 1);
  }

  begin(cell: number): void {
    this.first[cell] = this.count;
    this.cellStart = this.count;
    this.cellsBegun = cell + 1;
    this.place.clear();
  }

  add(owner: number, kind: Kind, bytes: number): void {
    const last = this.count - 1;
    // Most cells hold one run, or two owners in turns: look at the last part before the map.
    if (last >= this.cellStart && this.owner[last] === owner && this.kind[last] === kind) {
      this.bytes[last] = (this.bytes[last] ?? 0) + bytes;
      return;
    }
    const key = owner * KIND_COUNT + kind;
    const known = this.place.get(key);
    if (known !== undefined) {
      this.bytes[known] = (this.bytes[known] ?? 0) + bytes;
      return;
    }
    if (this.count === this.kind.length) this.grow();
    this.owner[this.count] = owner;
    this.kind[this.count] = kind;
    this.bytes[this.count] = bytes;
    this.place.set(key, this.count);
    this.count += 1;
  }

  finish(rangeStart: number, rangeEnd: number, cellBytes: number): Pixels {
    this.first.fill(this.count, this.cellsBegun);
    return {
      rangeStart,
      rangeEnd,
      cellBytes,
      cells: this.cells,
      first: this.first,
      owner: this.owner.slice(0, this.count),
      kind: this.kind.slice(0, this.count),
      bytes: this.bytes.slice(0, this.count),
    };
  }

  private grow(): void {
    const capacity = this.kind.length * 2;
    const owner = new Int16Array(capacity);
    owner.set(this.owner);
    const kind = new Uint8Array(capacity);
    kind.set(this.kind);
    const bytes = new Float64Array(capacity);
    bytes.set(this.bytes);
    Object.assign(this, { owner, kind, bytes });
  }
}
