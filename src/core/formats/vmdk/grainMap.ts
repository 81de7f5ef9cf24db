import { readPadded, u32le } from '../../bytes';
import type { ByteSource, Lookup } from '../../model';
import { hostOffset, Kind } from '../../model';
import type { BlockMap, BlockRun } from '../blocks/blockMap';
import { IMPOSSIBLE_TABLE, NestedTables, NO_TABLE } from '../blocks/nestedTables';
import { zeroExtended } from '../blocks/zeroExtended';
import { entriesThere, GrainDirectory } from './directory';
import type { GrainLayout } from './grainLayout';

/** Grains that are told one by one at a time. */
const MOST_AT_ONCE = 64 << 10;

/** What a grain map is made of. */
export interface GrainMapParts {
  readonly source: ByteSource;
  readonly layout: GrainLayout;
  /** Where the file begins in the layer's host space. */
  readonly base: number;
  /** The first table that is not read, since there are more than the file has room for. */
  readonly tooMany: number | undefined;
  /** Which extent this is, for people, of a disk that has several. */
  readonly name: string | undefined;
}

/** Grain tables, as the scan and the reader of blocks ask for them. */
export class GrainMap implements BlockMap {
  readonly blockSize: number;
  readonly perReading: number;
  private readonly directory: GrainDirectory;
  private readonly tables: NestedTables;
  /** Tables that are read: the disk may go on behind its directory, too. */
  private readonly readable: number;
  /** Entries of the directory that the file has. */
  private readonly there: number;
  private kinds = new Uint8Array();
  private hosts = new Float64Array();

  constructor(
    private readonly parts: GrainMapParts,
    directoryBytes: number,
    windowBytes: number,
  ) {
    const { source, layout } = parts;
    const { entriesPerTable, entries } = layout;
    this.blockSize = layout.grainSize;
    this.perReading = entriesPerTable;
    this.readable = Math.min(layout.directory.entries, parts.tooMany ?? Infinity);
    this.there = entriesThere(source, layout);
    this.directory = new GrainDirectory(source, layout, directoryBytes);
    this.tables = new NestedTables(zeroExtended(source), {
      offsets: this.directory,
      entriesPerTable,
      entryBytes: entries.entryBytes,
      windowBytes,
    });
  }

  tell(first: number, most: number): BlockRun {
    const { layout, base } = this.parts;
    const { entriesPerTable } = layout;
    const table = Math.floor(first / entriesPerTable);
    if (table >= this.readable) return { count: most, kind: Kind.Unknown, host: -1 };
    // What the file has not of its directory is zeros.
    if (table >= this.there) {
      return { count: Math.min(most, this.readable * entriesPerTable - first), kind: Kind.Absent, host: -1 };
    }
    const end = Math.min(this.directory.load(table), this.readable, this.there);
    const entries = this.tables.read(first, Math.min(most, MOST_AT_ONCE, end * entriesPerTable - first));
    const { count } = entries;
    if ('missing' in entries) {
      return { count, kind: entries.missing === NO_TABLE ? Kind.Absent : Kind.Invalid, host: -1 };
    }
    if (this.kinds.length < count) {
      this.kinds = new Uint8Array(count);
      this.hosts = new Float64Array(count);
    }
    layout.entries.tell(entries.bytes, count, base, this.kinds, this.hosts);
    return { count, kinds: this.kinds, hosts: this.hosts };
  }

  lookups(grain: number): readonly Lookup[] {
    const { layout, name, source } = this.parts;
    const { entriesPerTable, directory, entries } = layout;
    const index = Math.floor(grain / entriesPerTable);
    if (index >= this.readable) return [];
    const of = name === undefined ? '' : ` of ${name}`;
    const inDirectory = readEntry(source, directory.offset + index * entries.entryBytes, entries.entryBytes);
    const lookup = { table: `grain directory${of}`, index, ...inDirectory.told };
    const table = entries.tableAt(inDirectory.bytes, 0);
    if (table === NO_TABLE || table === IMPOSSIBLE_TABLE) return [lookup];
    const within = grain % entriesPerTable;
    const inTable = readEntry(source, table + within * entries.entryBytes, entries.entryBytes);
    return [lookup, { table: `grain table${of}`, index: within, ...inTable.told }];
  }
}

/** An entry that the file ends before reads as zero, and so as "not here": that must not look like knowledge. */
function readEntry(
  source: ByteSource,
  offset: number,
  length: 4 | 8,
): { readonly bytes: Uint8Array; readonly told: Pick<Lookup, 'entry' | 'entryOffset' | 'flags'> } {
  const bytes = new Uint8Array(length);
  const isThere = readPadded(source, bytes, offset) > 0;
  const words = length === 8 ? [u32le(bytes, 4), u32le(bytes, 0)] : [u32le(bytes, 0)];
  const entry = `0x${words.map((word) => word.toString(16).padStart(8, '0')).join('')}`;
  return { bytes, told: { entry, entryOffset: hostOffset(offset), flags: isThere ? [] : ['past end of file'] } };
}
