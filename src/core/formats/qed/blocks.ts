import { readPadded } from '../../bytes';
import type { ByteSource } from '../../model';
import { Kind } from '../../model';
import type { Blocks } from '../blocks/blockMap';
import { IMPOSSIBLE_TABLE, NO_TABLE } from '../blocks/nestedTables';
import { TableDirectory } from '../blocks/tableDirectory';
import type { EntryRule } from '../blocks/twoLevels';
import { TwoLevels } from '../blocks/twoLevels';
import type { QedHeader } from './header';
import { offsetOf } from './header';

/** docs/interop/qed_spec.rst, "Data cluster offsets": the cluster reads as zeros. */
const ZERO_ENTRY = 1;

export interface QedParts {
  readonly source: ByteSource;
  /** The same file with pages of it kept, for what is read at random. */
  readonly lookups: ByteSource;
  readonly header: QedHeader;
  readonly directory: TableDirectory;
}

/** QEMU reads no table that does not end in the file. @throws DiskError `io` */
export function readDirectory(source: ByteSource, header: QedHeader): TableDirectory {
  const { l1Offset, l1Entries, entriesPerTable, tableBytes, clusterSize, fileEnd } = header;
  return new TableDirectory(source, {
    offset: l1Offset,
    bytes: tableBytes,
    entries: l1Entries,
    littleEndian: true,
    entriesPerTable,
    tableBytes,
    span: entriesPerTable * clusterSize,
    tableOf: (high, low) => {
      const offset = offsetOf(high, low);
      return isPlace(offset, header) && offset + tableBytes <= fileEnd ? offset : IMPOSSIBLE_TABLE;
    },
  });
}

/** The clusters of a QED image. */
export class QedBlocks implements Blocks {
  readonly size: number;
  readonly blockSize: number;
  readonly dataEnd: number;
  private readonly rule: QedEntries;

  /** @param end where clusters have to begin before to be taken for possible: QEMU gives an error for the others */
  constructor(
    private readonly parts: QedParts,
    end = parts.header.fileEnd,
    private readonly tables = parts.directory.tables,
  ) {
    const { header, source } = parts;
    this.size = header.guestSize;
    this.blockSize = header.clusterSize;
    this.dataEnd = source.size;
    this.rule = new QedEntries(header, end);
  }

  open(random: boolean, windowBytes: number): TwoLevels {
    const { source, lookups, directory } = this.parts;
    return new TwoLevels(random ? lookups : source, this.blockSize, directory, this.rule, windowBytes, this.tables);
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.parts.lookups, target, host);
  }

  close(): void {
    this.parts.lookups.close();
  }
}

/** Tables of which each is told once: QEMU's check looks into none whose place another has. */
export function eachTableOnce({ tables }: TableDirectory): Float64Array {
  const seen = new Set<number>();
  return tables.map((table) => {
    if (table <= NO_TABLE || seen.has(table)) return NO_TABLE;
    seen.add(table);
    return table;
  });
}

class QedEntries implements EntryRule {
  constructor(
    private readonly header: QedHeader,
    private readonly end: number,
  ) {}

  kindOf(high: number, low: number): Kind {
    if (high === 0) {
      if (low === 0) return Kind.Absent;
      if (low === ZERO_ENTRY) return Kind.Zero;
    }
    const offset = offsetOf(high, low);
    return isPlace(offset, this.header) && offset < this.end ? Kind.Data : Kind.Invalid;
  }

  hostOf(high: number, low: number): number {
    return offsetOf(high, low);
  }

  flagsOf(high: number, low: number): readonly string[] {
    return high === 0 && low === ZERO_ENTRY ? ['zero'] : [];
  }
}

/** Whether a cluster may begin there, or a table (block/qed.h, `qed_check_cluster_offset`), the end of the file aside. */
function isPlace(offset: number, { clusterSize, headerBytes, tableBytes }: QedHeader): boolean {
  return offset % clusterSize === 0 && offset >= headerBytes && Number.isSafeInteger(offset + tableBytes);
}
