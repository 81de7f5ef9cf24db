import type { ByteSource } from '../../model';
import type { L1Table } from './l1';
import { PER_PIECE } from './l1';
import type { TableHoles } from './tableHoles';

/** What an L1 entry leads to. */
export const NO_TABLE = 0;
export const IMPOSSIBLE = -1;

/**
 * What the entries of an L1 table lead to, as far as a scan goes: a table that is read, by its offset; `NO_TABLE`, also
 * where nothing of one is in the file; or `IMPOSSIBLE`. Some thousand entries are looked at once, and then only asked for.
 */
export class TableList {
  private readonly offsets: Float64Array;
  /** Where the run of entries of one sort ends that each is in, in indexes of the table. */
  private readonly ends: Float64Array;
  private first = 0;
  private count = 0;
  private odd = false;

  constructor(
    private readonly l1: L1Table,
    private readonly source: ByteSource,
    private readonly holes: TableHoles,
    private readonly tableBytes: number,
  ) {
    this.offsets = new Float64Array(Math.min(PER_PIECE, l1.entries));
    this.ends = new Float64Array(this.offsets.length);
  }

  /** @returns the offset of a table, `NO_TABLE` (also past the end of the list) or `IMPOSSIBLE` @throws DiskError `io` */
  at(index: number): number {
    return index < this.l1.entries ? (this.offsets[this.locate(index)] ?? NO_TABLE) : NO_TABLE;
  }

  /**
   * Where the entries of one sort end, tables, none or impossible ones, that follow each other from `index` on; or
   * sooner: some thousand of them are seen at a time. @throws DiskError `io`
   */
  runEnd(index: number): number {
    return index < this.l1.entries ? (this.ends[this.locate(index)] ?? Infinity) : Infinity;
  }

  /**
   * The entries of `[first, end)` that may be unsound, impossible or with a table that the file cuts: all of those that are
   * looked at together where one is. @throws DiskError `io`
   */
  *unsound(first: number, end: number): Generator<number, void, void> {
    for (let index = first; index < end;) {
      this.locate(index);
      if (this.odd) yield index++;
      else index = this.first + this.count;
    }
  }

  /** @returns where the entry stands in what is looked at */
  private locate(index: number): number {
    const at = index - this.first;
    if (at >= 0 && at < this.count) return at;
    this.look(index - (index % PER_PIECE));
    return index - this.first;
  }

  private look(first: number): void {
    const { l1, source, holes, tableBytes, offsets, ends } = this;
    const { size } = source;
    this.count = 0;
    this.odd = false;
    const count = l1.offsetsInto(offsets, first);
    for (let i = count - 1, end = first + count, sort = NaN; i >= 0; i -= 1) {
      const offset = offsets[i] ?? NO_TABLE;
      const isRead = offset > 0 && offset < size && !holes.hold(offset, tableBytes);
      const told = offset < 0 ? IMPOSSIBLE : isRead ? offset : NO_TABLE;
      if (offset < 0 || offset + tableBytes > size) this.odd = true;
      if (Math.sign(told) !== sort) end = first + i + 1;
      sort = Math.sign(told);
      offsets[i] = told;
      ends[i] = end;
    }
    this.first = first;
    this.count = count;
  }
}
