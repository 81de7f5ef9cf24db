import { readPadded, u32be, u32le } from '../../bytes';
import type { ByteSource, Kind, Lookup } from '../../model';
import { hostOffset, Kind as K } from '../../model';
import { formatEntry } from '../../units';
import type { BlockMap, BlockRun } from './blockMap';
import type { TableOffsets } from './nestedTables';
import { IMPOSSIBLE_TABLE, NestedTables, NO_TABLE } from './nestedTables';
import type { TableDirectory } from './tableDirectory';
import { zeroExtended } from './zeroExtended';

const ENTRY_BYTES = 8;
/** Larger tables are read a piece at a time. */
const PIECE_ENTRIES = 8192;

/** What the entries of an image's L2 tables mean. */
export interface EntryRule {
  kindOf(high: number, low: number): Kind;
  /** Where the block's bytes begin in the file; asked of what has any. */
  hostOf(high: number, low: number): number;
  flagsOf(high: number, low: number): readonly string[];
}

/** Clusters that an L1 table and L2 tables of 64-bit entries map, as in qcow version 1 and QED. */
export class TwoLevels implements BlockMap {
  readonly perReading: number;
  private readonly tables: NestedTables;
  private kinds = new Uint8Array();
  private hosts = new Float64Array();

  /** @param tables to take for those of the directory, where that differs */
  constructor(
    private readonly file: ByteSource,
    readonly blockSize: number,
    private readonly directory: TableDirectory,
    private readonly rule: EntryRule,
    windowBytes: number,
    tables = directory.tables,
  ) {
    const { entriesPerTable } = directory.layout;
    this.perReading = Math.min(entriesPerTable, PIECE_ENTRIES);
    this.tables = new NestedTables(directory.isCut ? zeroExtended(file) : file, {
      offsets: new Pieces(tables, entriesPerTable, file.size),
      entriesPerTable: this.perReading,
      entryBytes: ENTRY_BYTES,
      windowBytes,
    });
  }

  tell(first: number, most: number): BlockRun {
    const entries = this.tables.read(first, most);
    const { count } = entries;
    if ('missing' in entries) return { count, kind: entries.missing === NO_TABLE ? K.Absent : K.Invalid, host: -1 };
    if (this.kinds.length < count) {
      this.kinds = new Uint8Array(count);
      this.hosts = new Float64Array(count);
    }
    const { kinds, hosts, rule } = this;
    const { bytes } = entries;
    const view = new DataView(bytes.buffer, bytes.byteOffset, count * ENTRY_BYTES);
    const { littleEndian } = this.directory.layout;
    const [highAt, lowAt] = littleEndian ? [4, 0] : [0, 4];
    for (let i = 0, at = 0; i < count; i += 1, at += ENTRY_BYTES) {
      const high = view.getUint32(at + highAt, littleEndian);
      const low = view.getUint32(at + lowAt, littleEndian);
      const kind = rule.kindOf(high, low);
      kinds[i] = kind;
      hosts[i] = kind === K.Data || kind === K.Compressed ? rule.hostOf(high, low) : -1;
    }
    return { count, kinds, hosts };
  }

  lookups(block: number): readonly Lookup[] {
    const { offset, entriesPerTable } = this.directory.layout;
    const l1Index = Math.floor(block / entriesPerTable);
    const l1 = this.lookup('L1', l1Index, offset, () => []);
    const table = this.directory.tables[l1Index] ?? NO_TABLE;
    if (table === NO_TABLE || table === IMPOSSIBLE_TABLE) return [l1];
    const index = block - l1Index * entriesPerTable;
    return [l1, this.lookup('L2', index, table, (high, low) => this.rule.flagsOf(high, low))];
  }

  /** The entry of a block, as two words. @throws DiskError */
  entry(block: number): readonly [high: number, low: number] {
    const { entriesPerTable } = this.directory.layout;
    const table = this.directory.tables[Math.floor(block / entriesPerTable)] ?? NO_TABLE;
    return table <= NO_TABLE ? [0, 0] : this.words(table + (block % entriesPerTable) * ENTRY_BYTES);
  }

  private lookup(
    table: string,
    index: number,
    offset: number,
    flagsOf: (high: number, low: number) => readonly string[],
  ): Lookup {
    const at = offset + index * ENTRY_BYTES;
    const [high, low] = this.words(at);
    return { table, index, entryOffset: hostOffset(at), entry: formatEntry(high, low), flags: flagsOf(high, low) };
  }

  private words(at: number): readonly [high: number, low: number] {
    const bytes = new Uint8Array(ENTRY_BYTES);
    readPadded(this.file, bytes, at);
    return this.directory.layout.littleEndian ? [u32le(bytes, 4), u32le(bytes, 0)] : [u32be(bytes, 0), u32be(bytes, 4)];
  }
}

/** Where each piece of each table begins, of tables that are read in pieces. */
class Pieces implements TableOffsets {
  private readonly perTable: number;

  /** @param end what begins there or behind is not there */
  constructor(
    private readonly tables: Float64Array,
    entriesPerTable: number,
    private readonly end: number,
  ) {
    this.perTable = Math.ceil(entriesPerTable / PIECE_ENTRIES);
  }

  at(piece: number): number | undefined {
    const index = Math.floor(piece / this.perTable);
    const table = this.tables[index];
    if (table === undefined || table <= NO_TABLE) return table;
    const offset = table + (piece - index * this.perTable) * PIECE_ENTRIES * ENTRY_BYTES;
    return offset < this.end ? offset : NO_TABLE;
  }
}
