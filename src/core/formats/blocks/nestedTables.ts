import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import type { Entries } from './entries';

/** Instead of where a table is: it is not there, so nothing is mapped. */
export const NO_TABLE = 0;
/** Instead of where a table is: what names it can't be true. */
export const IMPOSSIBLE_TABLE = -1;

/** Strewn tables that are asked for at once. */
const AT_ONCE = 8;

/** Entries in a row, or so many that no table is there for (or none that can be). */
export type NestedEntries =
  Entries | { readonly count: number; readonly missing: typeof NO_TABLE | typeof IMPOSSIBLE_TABLE };

/** Where each table begins in the file, or NO_TABLE, IMPOSSIBLE_TABLE; undefined past the last: an array, or what reads it bit by bit. */
export interface TableOffsets {
  at(table: number): number | undefined;
}

export interface NestedLayout {
  readonly offsets: TableOffsets;
  readonly entriesPerTable: number;
  readonly entryBytes: number;
  /** Bytes of tables that are read at a time at most; one table always is. */
  readonly windowBytes: number;
}

/** Where tables are read from. */
export type TableSource = Pick<ByteSource, 'readInto' | 'readEach'>;

/**
 * Tables that another table leads to (L2 tables, grain tables): those that lie together are read together, strewn ones
 * some at a time.
 */
export class NestedTables {
  private buffer = new Uint8Array();
  /** Tables that are in the buffer. */
  private first = 0;
  private end = 0;

  constructor(
    private readonly source: TableSource,
    private readonly layout: NestedLayout,
  ) {}

  /** Entries that are read at once where reading more fails: a table's. */
  get perReading(): number {
    return this.layout.entriesPerTable;
  }

  /** Entries from `first` on, counted through all tables: at least one, at most `most`. @throws DiskError */
  read(first: number, most: number): NestedEntries {
    const { offsets, entriesPerTable, entryBytes } = this.layout;
    const table = Math.floor(first / entriesPerTable);
    const offset = offsets.at(table) ?? NO_TABLE;
    const within = first - table * entriesPerTable;
    if (offset === NO_TABLE || offset === IMPOSSIBLE_TABLE) {
      const last = Math.ceil((first + most) / entriesPerTable);
      let end = table + 1;
      while (end < last && (offsets.at(end) ?? NO_TABLE) === offset) end += 1;
      return { count: Math.min(most, end * entriesPerTable - first), missing: offset };
    }
    if (table < this.first || table >= this.end) {
      if (most <= 1) return this.one(offset + within * entryBytes);
      this.fetch(table, Math.ceil((first + most) / entriesPerTable));
    }
    const at = ((table - this.first) * entriesPerTable + within) * entryBytes;
    const count = Math.min(most, this.end * entriesPerTable - first);
    return { bytes: this.buffer.subarray(at, at + count * entryBytes), count };
  }

  private one(offset: number): Entries {
    const bytes = new Uint8Array(this.layout.entryBytes);
    this.source.readInto(bytes, offset);
    return { bytes, count: 1 };
  }

  private fetch(table: number, last: number): void {
    const { offsets, entriesPerTable, entryBytes, windowBytes } = this.layout;
    const tableBytes = entriesPerTable * entryBytes;
    const most = Math.min(last, table + Math.max(1, Math.floor(windowBytes / tableBytes)));
    let end = table + 1;
    while (end < most && offsets.at(end) === (offsets.at(end - 1) ?? 0) + tableBytes) end += 1;
    const isRow = end > table + 1;
    // Those that do not lie in a row: as many as there are until one is missing.
    if (!isRow) while (end < most && end < table + AT_ONCE && (offsets.at(end) ?? NO_TABLE) > NO_TABLE) end += 1;
    this.first = this.end = 0;
    try {
      this.fill(table, end, isRow);
    } catch (error) {
      if (!(error instanceof DiskError) || end === table + 1) throw error;
      this.fill(table, (end = table + 1), false);
    }
    this.first = table;
    this.end = end;
  }

  private fill(first: number, end: number, isRow: boolean): void {
    const { offsets, entriesPerTable, entryBytes } = this.layout;
    const tableBytes = entriesPerTable * entryBytes;
    const length = (end - first) * tableBytes;
    if (this.buffer.length < length) this.buffer = new Uint8Array(length);
    const bytes = this.buffer.subarray(0, length);
    const positions = Array.from({ length: isRow ? 1 : end - first }, (_, index) => offsets.at(first + index) ?? 0);
    const [only = 0] = positions;
    if (positions.length === 1) this.source.readInto(bytes, only);
    else if (this.source.readEach) this.source.readEach(bytes, positions);
    else {
      positions.forEach((position, index) => {
        this.source.readInto(bytes.subarray(index * tableBytes, (index + 1) * tableBytes), position);
      });
    }
  }
}
