import { DiskError } from '../../errors';
import type { Kernel } from '../../kernel/kernel';
import type { LayerScan, Oddities, Outlook, Strip } from '../../model';
import { Kind } from '../../model';
import { LARGEST_UNIT, unitWithin } from '../parts/part';
import { Tally } from '../tally';
import type { BlockMap, BlockRun, Blocks, SectorBits } from './blockMap';
import { MIXED } from './blockMap';
import type { BlockOddity } from './findings';
import { endOfRun, sectorKind } from './sectorBits';

/** Blocks of one kind that together are as long are told as a whole, where units are smaller than blocks. */
const LONG = 1 << 20;
const TWO_32 = 2 ** 32;

/** Tells a table of blocks, unit by unit: a unit is a block, or what a block is a multiple of. */
export class BlockScan implements LayerScan {
  readonly unit: number;
  private readonly tally = new Tally<BlockOddity>();
  private readonly map: BlockMap;
  private readonly blockSize: number;
  /** Blocks of the disk. */
  private readonly count: number;
  /** What the table says from block `first` on, and which blocks it is of. */
  private told: { readonly first: number; readonly end: number; readonly run: BlockRun } | undefined;
  /** Nothing past this block matters. */
  private until = 0;
  /** Whether something odd was seen since `begin`: it is counted in the end. */
  private isOdd = false;

  /** @param windowBytes of tables that may be read at a time */
  constructor(
    private readonly blocks: Blocks,
    private readonly kernel: Kernel,
    windowBytes: number,
    largestUnit: number,
  ) {
    const { blockSize, sectorUnit = blockSize, size } = blocks;
    this.unit = unitWithin(blockSize, Math.min(largestUnit, largestWithin(sectorUnit)));
    this.map = blocks.open(false, windowBytes);
    this.blockSize = blockSize;
    this.count = Math.ceil(size / blockSize);
  }

  get block(): number {
    return this.unit;
  }

  endOfPiece(at: number): number {
    const piece = this.blockSize * this.map.perReading;
    return (Math.floor(at / piece) + 1) * piece;
  }

  get oddities(): Oddities {
    return this.tally.oddities;
  }

  begin(_from: number, to: number): void {
    this.until = Math.min(this.count, Math.ceil(to / this.blockSize));
    this.told = undefined;
    this.isOdd = false;
  }

  ahead(at: number, limit: number): Outlook {
    const { blockSize } = this;
    const block = Math.floor(at / blockSize);
    if (!this.isReadable(block)) return { end: this.endOfPiece(at), kind: undefined, host: -1 };
    const { run, first, end } = this.tell(block);
    const stop = Math.min(end * blockSize, limit);
    if ('kind' in run) return this.whole(at, stop, run.kind, run.host < 0 ? -1 : run.host + at - first * blockSize);
    if (this.unit === blockSize) return { end: stop, kind: undefined, host: -1 };
    const alike = this.alike(run, first, block, end);
    const kind = run.kinds[block - first] ?? Kind.Unknown;
    if (kind !== MIXED && (alike - block) * blockSize >= LONG) {
      const host = run.hosts[block - first] ?? -1;
      return this.whole(at, Math.min(alike * blockSize, limit), kind as Kind, host < 0 ? -1 : host + (at % blockSize));
    }
    return { end: Math.min(this.shortUntil(run, first, block, end) * blockSize, limit), kind: undefined, host: -1 };
  }

  paint(from: number, blocks: number, strip: Strip): void {
    const { unit, blockSize, kernel } = this;
    const end = from + blocks * unit;
    for (let at = from; at < end;) {
      const block = Math.floor(at / blockSize);
      const skip = (at - from) / unit;
      const to = { ...strip, kinds: strip.kinds + skip, hosts: strip.hosts === 0 ? 0 : strip.hosts + skip * 8 };
      if (block >= this.count) {
        kernel.run.fill(to.kinds, to.hosts, (end - at) / unit, Kind.Absent, -1, unit);
        return;
      }
      const { run, first, end: told } = this.tell(block);
      const stop = Math.min(told * blockSize, end);
      if ('kind' in run) {
        const host = run.host < 0 ? -1 : run.host + (at - first * blockSize);
        kernel.run.fill(to.kinds, to.hosts, Math.ceil((stop - at) / unit), run.kind, host, unit);
      } else if (unit === blockSize) {
        this.copy(run, block - first, (stop - at) / unit, to);
      } else {
        this.paintParts(run, first, at, stop, to);
      }
      at = stop;
    }
  }

  conclude(from: number, to: number): void {
    if (!this.isOdd) return;
    const { blockSize } = this;
    const end = Math.min(this.count, Math.ceil(to / blockSize));
    for (let block = Math.ceil(from / blockSize); block < end;) {
      const { run, first, end: told } = this.tell(block);
      const stop = Math.min(told, end);
      if ('kind' in run) this.countWhole(run, first, block, stop);
      else for (let odd = block; odd < stop; odd += 1) this.countOdd(run, odd - first, odd);
      block = stop;
    }
  }

  /** What the table says of a block, read anew only where that is not what it said last. */
  private tell(block: number): { readonly first: number; readonly end: number; readonly run: BlockRun } {
    const { told } = this;
    if (told && block >= told.first && block < told.end) return told;
    const run = this.map.tell(block, Math.max(this.until, block + 1) - block);
    this.told = { first: block, end: block + run.count, run };
    this.isOdd ||= this.looksOdd(run, block);
    return this.told;
  }

  /** What can't be read is `paint`'s to tell: so no more is unknown than was asked for at once. */
  private isReadable(block: number): boolean {
    try {
      this.tell(block);
      return true;
    } catch (error) {
      if (error instanceof DiskError) return false;
      throw error;
    }
  }

  private looksOdd(run: BlockRun, first: number): boolean {
    if ('kind' in run) {
      if (run.kind === Kind.Invalid) return true;
      const last = run.count - 1;
      return run.kind === Kind.Data && this.isPastEnd(first + last, run.kind, run.host + last * this.blockSize);
    }
    const { kinds, hosts } = run;
    for (let i = 0; i < run.count; i += 1) {
      if (kinds[i] === Kind.Invalid || this.isPastEnd(first + i, kinds[i], hosts[i] ?? -1)) return true;
    }
    return false;
  }

  /** Whether the file ends before a block of data, or inside of one of which that can be told. */
  private isPastEnd(block: number, kind: number | undefined, host: number): boolean {
    const { dataEnd, size, spaceIsWhole = false } = this.blocks;
    if (host + this.blockSize <= dataEnd || !holdsData(kind)) return false;
    if (host >= dataEnd) return true;
    return (
      spaceIsWhole && kind === Kind.Data && host + Math.min(this.blockSize, size - block * this.blockSize) > dataEnd
    );
  }

  private countOdd({ kinds, hosts }: Extract<BlockRun, { kinds: Uint8Array }>, index: number, block: number): void {
    const kind = kinds[index];
    if (kind === Kind.Invalid) this.tally.add('entry', block * this.blockSize);
    else if (this.isPastEnd(block, kind, hosts[index] ?? -1)) this.tally.add('data-past-end', block * this.blockSize);
  }

  /** The blocks `[from, end)` of a run that is told as one: a table may be nearly all of such, and as long as a disk can be. */
  private countWhole(
    { kind, host }: Extract<BlockRun, { kind: unknown }>,
    first: number,
    from: number,
    end: number,
  ): void {
    const { blockSize } = this;
    if (kind === Kind.Invalid) this.tally.add('entry', from * blockSize, end - from);
    if (!holdsData(kind)) return;
    let past = Math.max(from, first + Math.floor((this.blocks.dataEnd - host) / blockSize));
    // The file may end inside of the first of them.
    if (!this.isPastEnd(past, kind, host + (past - first) * blockSize)) past += 1;
    if (past < end) this.tally.add('data-past-end', past * blockSize, end - past);
  }

  /** What is of one kind; an offset that is not as far in as its place in the largest unit can't be told so (`Outlook`). */
  private whole(at: number, end: number, kind: Kind, host: number): Outlook {
    if (host < 0 || host >= at % LARGEST_UNIT) return { end, kind, host };
    return { end: Math.min(end, (Math.floor(at / this.blockSize) + 1) * this.blockSize), kind: undefined, host: -1 };
  }

  /** The first block after one that is not of its kind, or does not lie next to it in the file. */
  private alike({ kinds, hosts }: Extract<BlockRun, { kinds: Uint8Array }>, first: number, from: number, end: number) {
    let block = from + 1;
    for (; block < end; block += 1) {
      const index = block - first;
      if (kinds[index] !== kinds[index - 1]) break;
      const before = hosts[index - 1] ?? -1;
      if (hosts[index] !== (before < 0 ? -1 : before + this.blockSize)) break;
    }
    return block;
  }

  /** Where the next stretch begins that is told as a whole. */
  private shortUntil(run: Extract<BlockRun, { kinds: Uint8Array }>, first: number, from: number, end: number): number {
    let block = this.alike(run, first, from, end);
    while (block < end) {
      const next = this.alike(run, first, block, end);
      if (run.kinds[block - first] !== MIXED && (next - block) * this.blockSize >= LONG) break;
      block = next;
    }
    return block;
  }

  /** Blocks that are units. */
  private copy(
    { kinds, hosts }: Extract<BlockRun, { kinds: Uint8Array }>,
    index: number,
    count: number,
    to: Strip,
  ): void {
    const whole = Math.ceil(count);
    this.kernel.u8.set(kinds.subarray(index, index + whole), to.kinds);
    if (to.hosts === 0) return;
    const { u32 } = this.kernel;
    for (let i = 0, word = to.hosts / 4; i < whole; i += 1, word += 2) {
      const host = hosts[index + i] ?? -1;
      u32[word] = host < 0 ? 0xffffffff : host % TWO_32;
      u32[word + 1] = host < 0 ? 0xffffffff : Math.floor(host / TWO_32);
    }
  }

  /** Blocks of several units. */
  private paintParts(
    { kinds, hosts }: Extract<BlockRun, { kinds: Uint8Array }>,
    first: number,
    from: number,
    end: number,
    to: Strip,
  ): void {
    const { unit, blockSize, kernel } = this;
    for (let at = from; at < end;) {
      const block = Math.floor(at / blockSize);
      const kind = kinds[block - first] ?? Kind.Unknown;
      const host = hosts[block - first] ?? -1;
      const bits = kind === MIXED ? this.map.sectors?.(block) : undefined;
      const within = at - block * blockSize;
      const alike = bits ? this.endOfSectors(bits, within) : blockSize;
      const stop = Math.min(block * blockSize + alike, end);
      const told = bits ? sectorKind(bits, Math.floor(within / bits.unit)) : (kind as Kind);
      const skip = (at - from) / unit;
      const hostsAt = to.hosts === 0 ? 0 : to.hosts + skip * 8;
      const place = host < 0 ? -1 : host + within;
      kernel.run.fill(to.kinds + skip, hostsAt, Math.ceil((stop - at) / unit), told, place, unit);
      at = stop;
    }
  }

  private endOfSectors(bits: SectorBits, within: number): number {
    const sectors = this.blockSize / bits.unit;
    return endOfRun(bits, Math.floor(within / bits.unit), sectors) * bits.unit;
  }
}

const holdsData = (kind: number | undefined): boolean =>
  kind === Kind.Data || kind === MIXED || kind === Kind.Compressed;

/** The largest power of two that is no more than a number. */
const largestWithin = (bytes: number): number => 2 ** Math.floor(Math.log2(bytes));
