import type { Pixels } from '../../core/model';
import { isUnknown } from './cells';
import type { MarkedPixels } from './cells';

/** Where the cells of one picture start and how large they are. */
export interface CellRange {
  readonly start: number;
  readonly cellBytes: number;
  readonly cells: number;
}

/** Columns that grow, for building pictures cell by cell. */
class PixelsBuilder {
  private readonly first: Uint32Array;
  private owner: Int16Array;
  private kind: Uint8Array;
  private bytes: Float64Array;
  private cell = 0;
  private cellFrom = 0;
  private count = 0;

  constructor(private readonly range: CellRange, private readonly end: number) {
    this.first = new Uint32Array(range.cells + 1);
    const likely = 2 * range.cells + 1;
    this.owner = new Int16Array(likely);
    this.kind = new Uint8Array(likely);
    this.bytes = new Float64Array(likely);
  }

  add(owner: number, kind: number, bytes: number): void {
    for (let part = this.cellFrom; part < this.count; part += 1) {
      if (this.owner[part] === owner && this.kind[part] === kind) {
        this.bytes[part] = (this.bytes[part] ?? 0) + bytes;
        return;
      }
    }
    if (this.count === this.owner.length) this.grow();
    this.owner[this.count] = owner;
    this.kind[this.count] = kind;
    this.bytes[this.count] = bytes;
    this.count += 1;
  }

  closeCell(): void {
    this.cell += 1;
    this.first[this.cell] = this.count;
    this.cellFrom = this.count;
  }

  finish(): Pixels {
    return {
      rangeStart: this.range.start,
      rangeEnd: this.end,
      cellBytes: this.range.cellBytes,
      cells: this.range.cells,
      first: this.first,
      owner: this.owner.subarray(0, this.count),
      kind: this.kind.subarray(0, this.count),
      bytes: this.bytes.subarray(0, this.count),
    };
  }

  private grow(): void {
    const grown = <T extends Int16Array | Uint8Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const length = this.count * 2;
    this.owner = grown(this.owner, new Int16Array(length));
    this.kind = grown(this.kind, new Uint8Array(length));
    this.bytes = grown(this.bytes, new Float64Array(length));
  }
}

/**
 * Draws a picture from others, in any cell size: each cell from the first of `sources` that covers all of it. Finer
 * sources are summed, coarser ones cut: the parts of a cell are taken to lie side by side in their order, or where some of
 * it is unknown, to be in every piece of it alike.
 * Cells that no source covers stay empty.
 */
export function resample(range: CellRange, diskSize: number, sources: readonly MarkedPixels[]): MarkedPixels {
  const end = Math.min(range.start + range.cells * range.cellBytes, diskSize);
  const builder = new PixelsBuilder(range, end);
  const marked = (marks: 'different' | 'damaged'): Float64Array | undefined =>
    sources.some((source) => source[marks]) ? new Float64Array(range.cells) : undefined;
  const different = marked('different');
  const damaged = marked('damaged');
  for (let cell = 0; cell < range.cells; cell += 1) {
    const from = range.start + cell * range.cellBytes;
    const to = Math.min(from + range.cellBytes, end);
    const source = sources.find((each) => each.rangeStart <= from && to <= each.rangeEnd);
    if (source && to > from) {
      addRange(builder, source, from, to);
      if (different && source.different) different[cell] = bytesMarked(source.different, source, from, to);
      if (damaged && source.damaged) damaged[cell] = bytesMarked(source.damaged, source, from, to);
    }
    builder.closeCell();
  }
  return { ...builder.finish(), different, damaged };
}

function addRange(builder: PixelsBuilder, source: Pixels, from: number, to: number): void {
  const firstCell = Math.floor((from - source.rangeStart) / source.cellBytes);
  for (let cell = firstCell; cell < source.cells; cell += 1) {
    let at = source.rangeStart + cell * source.cellBytes;
    if (at >= to) return;
    const end = Math.min(at + source.cellBytes, source.rangeEnd);
    const cut = from > at || to < end;
    // What is read of a cell may lie anywhere in it: none of its pieces is known better than the whole.
    const share = cut && isPartlyUnknown(source, cell) ? (Math.min(end, to) - Math.max(at, from)) / (end - at) : undefined;
    for (let part = source.first[cell] ?? 0; part < (source.first[cell + 1] ?? 0); part += 1) {
      const bytes = source.bytes[part] ?? 0;
      const inside = share === undefined ? Math.min(at + bytes, to) - Math.max(at, from) : bytes * share;
      if (inside > 0) builder.add(source.owner[part] ?? 0, source.kind[part] ?? 0, inside);
      at += bytes;
    }
  }
}

function isPartlyUnknown({ first, owner, kind }: Pixels, cell: number): boolean {
  for (let part = first[cell] ?? 0; part < (first[cell + 1] ?? 0); part += 1) {
    if (isUnknown(owner[part] ?? 0, kind[part] ?? 0)) return true;
  }
  return false;
}

/** Where in a cell its marked bytes lie is not known: each part of it has its share of them. */
function bytesMarked(marks: Float64Array, { rangeStart, cellBytes, cells }: Pixels, from: number, to: number): number {
  let bytes = 0;
  const last = Math.min(cells, Math.ceil((to - rangeStart) / cellBytes));
  for (let cell = Math.floor((from - rangeStart) / cellBytes); cell < last; cell += 1) {
    const start = rangeStart + cell * cellBytes;
    const inside = Math.min(start + cellBytes, to) - Math.max(start, from);
    bytes += ((marks[cell] ?? 0) * inside) / cellBytes;
  }
  return bytes;
}
