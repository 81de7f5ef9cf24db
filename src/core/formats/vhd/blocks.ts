import { readPadded, readStrewn, u32be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Lookup } from '../../model';
import { hostOffset, Kind } from '../../model';
import type { BlockMap, BlockRun, Blocks, SectorBits } from '../blocks/blockMap';
import { MIXED } from '../blocks/blockMap';
import type { Entries } from '../blocks/entries';
import { EntryTable } from '../blocks/entries';
import { endOfRun, isSet } from '../blocks/sectorBits';
import { SECTOR } from '../parts/flatPart';

export const ENTRY_BYTES = 4;
/** Of a block that has no space in the file. */
export const UNUSED = 0xffff_ffff;

/** Bitmaps that are read at a time, and blocks that are told together. */
const BITMAP_WINDOW_BYTES = 128 << 10;
const MOST_TOLD = 1024;

/** Where everything is in a dynamic or differencing image. */
export interface Layout {
  /** Bytes of the disk. */
  readonly size: number;
  readonly blockSize: number;
  readonly tableOffset: number;
  /** Entries that the file has: fewer than the disk has blocks where the table is too small or cut off. */
  readonly entries: number;
  readonly differencing: boolean;
}

/** Bytes of a block's sector bitmap, as far as it says something. */
export const bitmapBytes = ({ blockSize }: Pick<Layout, 'blockSize'>): number => Math.ceil(blockSize / SECTOR / 8);

/** Bytes that the bitmap takes in the file, in front of the block's data: whole sectors, one at least. */
export const bitmapSpace = (layout: Pick<Layout, 'blockSize'>): number =>
  Math.ceil(bitmapBytes(layout) / SECTOR) * SECTOR;

/**
 * The blocks of a dynamic or differencing image. A table has the sector of the file where each block begins: with a bitmap
 * of the sectors that it holds, then their data.
 *
 * What is not in a differencing image is its parent's to tell. In a dynamic one it reads as zeros, sectors whose bit is not
 * set too, whatever the file has there: so says the specification ("Block Allocation Table and Data Blocks"), and so read
 * libvhdi, VirtualBox and blktap. QEMU does not look at bitmaps; what it reads is the same of all images whose writers
 * keep new blocks zeroed or set all bits, as QEMU, Hyper-V and VirtualBox do.
 */
export class VhdBlocks implements Blocks {
  readonly sectorUnit = SECTOR;

  /**
   * @param lookups the same file, for what is read at random
   * @param bitmaps whether they are read: without them a block with space is data as a whole
   */
  constructor(
    private readonly source: ByteSource,
    private readonly lookups: ByteSource,
    private readonly layout: Layout,
    private readonly bitmaps: 'read' | 'ignored' = 'read',
  ) {}

  get size(): number {
    return this.layout.size;
  }

  get blockSize(): number {
    return this.layout.blockSize;
  }

  get dataEnd(): number {
    return this.source.size;
  }

  open(random: boolean, windowBytes: number): BlockMap {
    return new VhdBlockMap(random ? this.lookups : this.source, this.layout, windowBytes, this.bitmaps === 'read');
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.lookups, target, host);
  }

  close(): void {
    this.lookups.close();
  }
}

class VhdBlockMap implements BlockMap {
  readonly blockSize: number;
  private readonly table: EntryTable;
  /** Entries that were read last, the first of them of block `first`. */
  private window: Entries & { readonly first: number } = { first: 0, count: 0, bytes: new Uint8Array() };
  private readonly kinds = new Uint8Array(MOST_TOLD);
  private readonly hosts = new Float64Array(MOST_TOLD);
  private readonly bitmapBytes: number;
  private readonly bitmapSpace: number;
  private readonly mostBitmaps: number;
  /** The bitmaps of blocks that were told last, one after the other. */
  private bitmaps: Uint8Array;
  private readonly bitmapOf = new Map<number, Uint8Array>();
  private isBitmapBroken = false;

  constructor(
    private readonly source: ByteSource,
    private readonly layout: Layout,
    windowBytes: number,
    private readonly readsBitmaps: boolean,
  ) {
    const { blockSize, tableOffset } = layout;
    this.blockSize = blockSize;
    this.table = new EntryTable(source, tableOffset, ENTRY_BYTES, windowBytes);
    this.bitmapBytes = bitmapBytes(layout);
    this.bitmapSpace = bitmapSpace(layout);
    this.mostBitmaps = Math.max(1, Math.floor(Math.min(windowBytes, BITMAP_WINDOW_BYTES) / this.bitmapBytes));
    this.bitmaps = new Uint8Array(this.mostBitmaps * this.bitmapBytes);
  }

  /** Of the table's entries, or one block: that whose bitmap could not be read. */
  get perReading(): number {
    return this.isBitmapBroken ? 1 : this.table.perReading;
  }

  tell(first: number, most: number): BlockRun {
    const { entries, differencing } = this.layout;
    this.isBitmapBroken = false;
    if (first >= entries) return { count: most, kind: Kind.Unknown, host: -1 };
    this.fetch(first, Math.min(most, entries - first));
    const count = Math.min(most, this.window.first + this.window.count - first);
    const absent = differencing ? Kind.Absent : Kind.Zero;
    let unused = 0;
    while (unused < count && this.entry(first + unused) === UNUSED) unused += 1;
    if (unused > 0) return { count: unused, kind: absent, host: -1 };
    return { count: this.tellOneByOne(first, count, absent), kinds: this.kinds, hosts: this.hosts };
  }

  sectors(block: number): SectorBits {
    const bytes = this.bitmapOf.get(block);
    if (!bytes) throw new Error('sectors are asked for of blocks that were told last');
    return { bytes, highestFirst: true, unit: SECTOR, unset: this.unset };
  }

  lookups(block: number, within: number): readonly Lookup[] {
    const { tableOffset, entries } = this.layout;
    if (block >= entries) return [];
    this.fetch(block, 1);
    const entry = this.entry(block);
    const place = hostOffset(tableOffset + block * ENTRY_BYTES);
    const flags = entry === UNUSED ? ['unused'] : [];
    const found: Lookup = { table: 'BAT', index: block, entryOffset: place, entry: hex(entry, ENTRY_BYTES), flags };
    return entry === UNUSED ? [found] : [found, this.bitLookup(entry * SECTOR, within)];
  }

  /** Which byte of a block's bitmap tells of the sector. */
  private bitLookup(bitmapAt: number, within: number): Lookup {
    const sector = Math.floor(within / SECTOR);
    const at = Math.floor(sector / 8);
    const bytes = new Uint8Array(1);
    const isThere = readPadded(this.source, bytes, bitmapAt + at) > 0;
    const bits: SectorBits = { bytes, highestFirst: true, unit: SECTOR, unset: this.unset };
    return {
      table: 'sector bitmap',
      index: sector,
      entryOffset: hostOffset(bitmapAt + at),
      entry: hex(bytes[0] ?? 0, 1),
      flags: [isThere ? (isSet(bits, sector % 8) ? 'set' : 'not set') : 'past end of file'],
    };
  }

  /** What a sector of a block is whose bit is not set: a block's space is all there. */
  private get unset(): Kind {
    return this.layout.differencing ? Kind.Absent : Kind.ZeroAllocated;
  }

  /** Has the entry of a block in the window, and of as many after it as can be read at a time. @throws DiskError */
  private fetch(first: number, most: number): void {
    const { window } = this;
    if (first >= window.first && first < window.first + window.count) return;
    this.window = { first, count: 0, bytes: new Uint8Array() };
    this.window = { first, ...this.table.read(first, most) };
  }

  private entry(block: number): number {
    return u32be(this.window.bytes, (block - this.window.first) * ENTRY_BYTES);
  }

  /** Blocks from one with space on, until there are bitmaps enough. @returns how many @throws DiskError */
  private tellOneByOne(first: number, most: number, absent: Kind): number {
    const used: number[] = [];
    let count = 0;
    for (; count < most && count < MOST_TOLD && used.length < this.mostBitmaps; count += 1) {
      const entry = this.entry(first + count);
      this.kinds[count] = entry === UNUSED ? absent : Kind.Data;
      this.hosts[count] = entry === UNUSED ? -1 : entry * SECTOR + this.bitmapSpace;
      // A block whose bitmap the file ends before is one that was written, and is cut off: nothing below shows instead.
      const isHere = entry !== UNUSED && entry * SECTOR + this.bitmapBytes <= this.source.size;
      if (isHere && this.readsBitmaps) used.push(count);
    }
    const read = this.readBitmaps(first, used);
    if (read === used.length) return count;
    return used[read] ?? count;
  }

  /** @returns how many bitmaps were read, of the first blocks of those that were asked for @throws DiskError when none was */
  private readBitmaps(first: number, used: readonly number[]): number {
    const { bitmapBytes, bitmaps } = this;
    this.bitmapOf.clear();
    const positions = used.map((index) => (this.hosts[index] ?? 0) - this.bitmapSpace);
    const read = this.readable(positions);
    for (let i = 0; i < read; i += 1) {
      const index = used[i] ?? 0;
      const bytes = bitmaps.subarray(i * bitmapBytes, (i + 1) * bitmapBytes);
      const kind = this.kindOf(bytes);
      this.kinds[index] = kind;
      if (kind === MIXED) this.bitmapOf.set(first + index, bytes);
    }
    return read;
  }

  private readable(positions: readonly number[]): number {
    const { bitmapBytes, bitmaps } = this;
    try {
      readStrewn(this.source, positions, bitmapBytes, bitmaps);
      return positions.length;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
    for (const [i, position] of positions.entries()) {
      try {
        this.source.readInto(bitmaps.subarray(i * bitmapBytes, (i + 1) * bitmapBytes), position);
      } catch (error) {
        if (i > 0 && error instanceof DiskError) return i;
        this.isBitmapBroken = true;
        throw error;
      }
    }
    return positions.length;
  }

  private kindOf(bytes: Uint8Array): number {
    const sectors = this.blockSize / SECTOR;
    const bits: SectorBits = { bytes, highestFirst: true, unit: SECTOR, unset: this.unset };
    if (endOfRun(bits, 0, sectors) < sectors) return MIXED;
    return isSet(bits, 0) ? Kind.Data : this.unset;
  }
}

const hex = (value: number, bytes: number): string => `0x${value.toString(16).padStart(bytes * 2, '0')}`;
