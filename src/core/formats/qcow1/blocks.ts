import { readPadded } from '../../bytes';
import type { ByteSource, GuestPart } from '../../model';
import { Kind } from '../../model';
import type { Blocks } from '../blocks/blockMap';
import type { CompressedBlocks } from '../blocks/compressedBlocks';
import { IMPOSSIBLE_TABLE } from '../blocks/nestedTables';
import { TableDirectory } from '../blocks/tableDirectory';
import type { EntryRule } from '../blocks/twoLevels';
import { TwoLevels } from '../blocks/twoLevels';
import type { Qcow1Header } from './header';

const TWO_32 = 2 ** 32;
/** `QCOW_OFLAG_COMPRESSED`, of an entry's high word. */
const COMPRESSED = 0x8000_0000;
const SECTOR = 512;
const ENTRY_BYTES = 8;
const LOOK_BYTES = 512;

export interface Qcow1Parts {
  readonly source: ByteSource;
  /** The same file with pages of it kept, for what is read at random. */
  readonly lookups: ByteSource;
  readonly header: Qcow1Header;
  readonly directory: TableDirectory;
  readonly compressed: CompressedBlocks;
}

/** @throws DiskError `io` */
export function readDirectory(source: ByteSource, header: Qcow1Header): TableDirectory {
  const { l1Offset, l1Entries, l2Bits, clusterBits } = header;
  return new TableDirectory(source, {
    offset: l1Offset,
    bytes: l1Entries * ENTRY_BYTES,
    entries: l1Entries,
    littleEndian: false,
    entriesPerTable: 2 ** l2Bits,
    tableBytes: 2 ** (l2Bits + 3),
    span: 2 ** (l2Bits + clusterBits),
    // QEMU reads an L2 table from wherever it is said to be.
    tableOf: (high, low) => (isSafe(high) ? high * TWO_32 + low : IMPOSSIBLE_TABLE),
  });
}

/** The clusters of a qcow image of version 1. */
export class Qcow1Blocks implements Blocks {
  readonly size: number;
  readonly blockSize: number;
  readonly dataEnd: number;
  private readonly rule: Qcow1Entries;

  constructor(private readonly parts: Qcow1Parts) {
    const { header, source } = parts;
    this.size = header.guestSize;
    this.blockSize = 2 ** header.clusterBits;
    this.dataEnd = source.size;
    this.rule = new Qcow1Entries(header.clusterBits);
  }

  open(random: boolean, windowBytes: number): TwoLevels {
    const { source, lookups, directory } = this.parts;
    return new TwoLevels(random ? lookups : source, this.blockSize, directory, this.rule, windowBytes);
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.parts.lookups, target, host);
  }

  readCompressed(host: number, block: number, within: number, target: Uint8Array): void {
    this.parts.compressed.readInto(target, within, { offset: host, length: this.compressedLength(host, block) });
  }

  compressedLength(_host: number, block: number): number {
    return this.rule.lengthOf(this.open(true, LOOK_BYTES).entry(block)[0]);
  }

  lostTables(): Iterable<GuestPart> {
    const { directory, source } = this.parts;
    return directory.lost(this.size, source.size);
  }

  close(): void {
    this.parts.lookups.close();
  }
}

/**
 * L2 entries of version 1 (block/qcow.c, `get_cluster_offset` and `decompress_cluster`): the offset of a cluster, or the
 * highest bit, as many bits of a length in bytes as a cluster's size has, and an offset in bytes.
 */
class Qcow1Entries implements EntryRule {
  /** Where in the high word the length begins. */
  private readonly shift: number;

  constructor(clusterBits: number) {
    this.shift = 31 - clusterBits;
  }

  kindOf(high: number, low: number): Kind {
    if (high >= COMPRESSED) {
      return isSafe(this.offsetHigh(high)) && this.lengthOf(high) > 0 ? Kind.Compressed : Kind.Invalid;
    }
    if ((high | low) === 0) return Kind.Absent;
    return low % SECTOR === 0 && isSafe(high) ? Kind.Data : Kind.Invalid;
  }

  hostOf(high: number, low: number): number {
    return (high >= COMPRESSED ? this.offsetHigh(high) : high) * TWO_32 + low;
  }

  flagsOf(high: number): readonly string[] {
    return high >= COMPRESSED ? ['compressed', `${this.lengthOf(high)} bytes`] : [];
  }

  /** Bytes of a compressed cluster in the file. */
  lengthOf(high: number): number {
    return (high & (COMPRESSED - 1)) >>> this.shift;
  }

  private offsetHigh(high: number): number {
    return high & (2 ** this.shift - 1);
  }
}

/** Whether an offset with this high word, and a cluster behind it, is a safe integer. */
const isSafe = (high: number): boolean => high < 2 ** 21 - 1;
