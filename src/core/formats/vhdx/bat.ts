import { readExactly } from '../../bytes';
import type { ByteSource, Lookup } from '../../model';
import { hostOffset, Kind } from '../../model';
import { formatEntry } from '../../units';
import type { BlockMap, BlockRun, SectorBits } from '../blocks/blockMap';
import { MIXED } from '../blocks/blockMap';
import { EntryTable } from '../blocks/entries';

/** [MS-VHDX] 2.4: a sector bitmap block has a bit for as many sectors of the disk. */
export const BITMAP_BYTES = 2 ** 20;
const SECTORS_PER_BITMAP = BITMAP_BYTES * 8;
export const ENTRY_BYTES = 8;
/** What is read of a bitmap at a time where many blocks are told. */
const BITMAP_WINDOW = 64 << 10;

/** 2.5.1: the lowest 20 bits are no part of an offset, the lowest three are the state. */
const OFFSET_MASK = 0xfff0_0000;
const STATE_MASK = 7;
/** From here on an offset's upper half is past 2^53. */
const UPPER_LIMIT = 2 ** 21;
const TWO_32 = 2 ** 32;

/** 2.5.1.1; 5 is what version 0.95 had for 3. */
export const State = {
  NotPresent: 0,
  Undefined: 1,
  Zero: 2,
  Unmapped: 3,
  FormerUnmapped: 5,
  FullyPresent: 6,
  PartiallyPresent: 7,
} as const;
const STATE_NAMES: Readonly<Partial<Record<number, string>>> = {
  [State.NotPresent]: 'not present',
  [State.Undefined]: 'undefined',
  [State.Zero]: 'zero',
  [State.Unmapped]: 'unmapped',
  [State.FormerUnmapped]: 'unmapped',
  [State.FullyPresent]: 'fully present',
  [State.PartiallyPresent]: 'partially present',
};

/** The shape of a block allocation table, which is the same for all kinds of VHDX. */
export class BatLayout {
  /** Blocks of data for each sector bitmap block, whose entry follows theirs. */
  readonly chunkRatio: number;
  readonly blocks: number;
  /** Entries that describe the disk. */
  readonly entries: number;

  constructor(
    readonly offset: number,
    readonly blockSize: number,
    readonly sectorSize: number,
    diskSize: number,
    readonly hasParent: boolean,
  ) {
    this.chunkRatio = (SECTORS_PER_BITMAP * sectorSize) / blockSize;
    this.blocks = Math.ceil(diskSize / blockSize);
    const chunks = Math.ceil(this.blocks / this.chunkRatio);
    this.entries = hasParent ? chunks * (this.chunkRatio + 1) : this.blocks + Math.max(0, chunks - 1);
  }

  /** Index of the entry of a block of data. */
  entryOf(block: number): number {
    return block + Math.floor(block / this.chunkRatio);
  }

  isBitmap(entry: number): boolean {
    return entry % (this.chunkRatio + 1) === this.chunkRatio;
  }

  /** Index of the entry of the sector bitmap block that is about a block of data. */
  bitmapEntryOf(block: number): number {
    return Math.floor(block / this.chunkRatio) * (this.chunkRatio + 1) + this.chunkRatio;
  }
}

/** Where an entry says that its block is; -1 where it says nowhere, or past 2^53. */
export function offsetIn(high: number, low: number): number {
  const offset = high * TWO_32 + ((low & OFFSET_MASK) >>> 0);
  return offset === 0 || high >= UPPER_LIMIT ? -1 : offset;
}

export const stateIn = (low: number): number => low & STATE_MASK;

export class Bat implements BlockMap {
  readonly blockSize: number;
  readonly perReading: number;
  private readonly table: EntryTable;
  private readonly bitmaps: EntryTable;
  private readonly bitmapWindow: number;
  private kinds = new Uint8Array();
  private hosts = new Float64Array();
  /** Which chunk's sector bitmap was looked for last, and where it is. */
  private bitmap = { chunk: -1, offset: -1 };
  private bits: { readonly offset: number; readonly bytes: Uint8Array } = { offset: -1, bytes: new Uint8Array() };

  /** @param windowBytes of the table that may be read at a time, @param random whether single blocks are asked for */
  constructor(
    private readonly source: ByteSource,
    private readonly layout: BatLayout,
    { windowBytes, random }: { readonly windowBytes: number; readonly random: boolean },
  ) {
    const { offset, chunkRatio, blockSize } = layout;
    this.blockSize = blockSize;
    this.table = new EntryTable(source, offset, ENTRY_BYTES, windowBytes);
    this.bitmaps = new EntryTable(source, offset, ENTRY_BYTES, ENTRY_BYTES);
    this.perReading = Math.floor((this.table.perReading * chunkRatio) / (chunkRatio + 1));
    this.bitmapWindow = random ? 0 : BITMAP_WINDOW;
  }

  tell(first: number, most: number): BlockRun {
    const { layout } = this;
    const start = layout.entryOf(first);
    const { bytes, count } = this.table.read(start, layout.entryOf(first + most - 1) - start + 1);
    if (this.kinds.length < count) {
      this.kinds = new Uint8Array(count);
      this.hosts = new Float64Array(count);
    }
    const { kinds, hosts } = this;
    const entries = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let blocks = 0;
    for (let i = 0; i < count; i += 1) {
      if (layout.isBitmap(start + i)) continue;
      const low = entries.getUint32(i * ENTRY_BYTES, true);
      const offset = offsetIn(entries.getUint32(i * ENTRY_BYTES + 4, true), low);
      const kind = this.kindOf(stateIn(low), offset, first + blocks);
      kinds[blocks] = kind;
      hosts[blocks] = kind === Kind.Data || kind === Kind.ZeroAllocated || kind === MIXED ? offset : -1;
      blocks += 1;
    }
    return { count: blocks, kinds, hosts };
  }

  sectors(block: number): SectorBits {
    const { blockSize, sectorSize, chunkRatio } = this.layout;
    const length = blockSize / sectorSize / 8;
    const within = (block % chunkRatio) * length;
    const window = Math.max(length, this.bitmapWindow);
    const skipped = within % window;
    const offset = this.bitmapOf(block) + within - skipped;
    if (this.bits.offset !== offset) {
      this.bits = { offset, bytes: readExactly(this.source, offset, Math.min(window, BITMAP_BYTES)) };
    }
    const bytes = this.bits.bytes.subarray(skipped, skipped + length);
    return { bytes, highestFirst: false, unit: sectorSize, unset: Kind.Absent };
  }

  lookups(block: number): readonly Lookup[] {
    const { layout } = this;
    const own = this.lookup(layout.entryOf(block));
    const isPartial = own.flags.includes(STATE_NAMES[State.PartiallyPresent] ?? '');
    return isPartial ? [own, this.lookup(layout.bitmapEntryOf(block))] : [own];
  }

  /**
   * What a state means (2.5.1.1). Of blocks that are undefined or unmapped a reader may return zeros, or what was there
   * before: zeros, as QEMU's `vhdx_co_readv` does; the parent is asked for none of them, but for those not present.
   */
  private kindOf(state: number, offset: number, block: number): number {
    switch (state) {
      case State.NotPresent:
        return Kind.Absent;
      case State.Zero:
        return Kind.Zero;
      case State.Undefined:
      case State.Unmapped:
      case State.FormerUnmapped:
        return offset < 0 ? Kind.Zero : Kind.ZeroAllocated;
      case State.FullyPresent:
        return offset < 0 ? Kind.Invalid : Kind.Data;
      case State.PartiallyPresent:
        return !this.layout.hasParent || offset < 0 || this.bitmapOf(block) < 0 ? Kind.Invalid : MIXED;
      default:
        return Kind.Invalid;
    }
  }

  /** Where the sector bitmap block about a block of data is; -1 where there is none. @throws DiskError */
  private bitmapOf(block: number): number {
    const chunk = Math.floor(block / this.layout.chunkRatio);
    if (this.bitmap.chunk !== chunk) {
      const { bytes } = this.bitmaps.read(this.layout.bitmapEntryOf(block), 1);
      const entry = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const low = entry.getUint32(0, true);
      const isPresent = stateIn(low) === State.FullyPresent;
      this.bitmap = { chunk, offset: isPresent ? offsetIn(entry.getUint32(4, true), low) : -1 };
    }
    return this.bitmap.offset;
  }

  private lookup(index: number): Lookup {
    const entryOffset = this.layout.offset + index * ENTRY_BYTES;
    const entry = new DataView(readExactly(this.source, entryOffset, ENTRY_BYTES).buffer);
    const low = entry.getUint32(0, true);
    const isBitmap = this.layout.isBitmap(index);
    const state = STATE_NAMES[stateIn(low)] ?? `state ${stateIn(low)}`;
    return {
      table: isBitmap ? 'BAT, sector bitmap' : 'BAT',
      index,
      entryOffset: hostOffset(entryOffset),
      entry: formatEntry(entry.getUint32(4, true), low),
      flags: [isBitmap && stateIn(low) === State.FullyPresent ? 'present' : state],
    };
  }
}
