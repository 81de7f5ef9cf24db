import { DiskError } from '../errors';
import type { Accounting, LayerAccount, OwnershipMap, Pixels } from '../model';
import { Kind, NOBODY } from '../model';
import { MapBuilder } from '../scan/mapBuilder';
import { codeCount, kindOf, ownerOf, UNKNOWN_CODE } from '../scan/codes';
import { assertDrawable } from '../pixels';
import { CellBuilder } from './cellBuilder';
import type { Chunk } from './chunk';

/** The disk is cut into at most so many chunks. */
const MAX_CHUNKS = 1024;
const SMALLEST_CHUNK = 2 ** 30;

/** How much of the disk one chunk is: a power of two. */
export function chunkBytesOf(guestSize: number): number {
  return Math.max(SMALLEST_CHUNK, 2 ** Math.ceil(Math.log2(Math.max(1, guestSize / MAX_CHUNKS))));
}

/** Bytes of the disk that all tiles together, or parts of them, hold of each code. */
type Take = (code: number, bytes: number) => void;

type Sums = { -readonly [K in keyof LayerAccount]: LayerAccount[K] };

/**
 * Everything that is known of a disk from one standpoint: who answers each byte, in chunks that come in any order. What
 * is not there yet is unknown. It has two levels: runs, and what they add up to in tiles of a few hundred units, so that
 * drawing the whole disk looks at no run and drawing a part of it at few.
 */
export class Picture {
  readonly chunkCount: number;
  private readonly chunks: (Chunk | undefined)[];
  private missing: number;

  /**
   * @param guestSize bytes of the disk from the standpoint, @param depth of the standpoint
   * @param layers of the whole chain, @param chunkBytes how much of the disk one chunk is
   */
  constructor(
    readonly guestSize: number,
    private readonly depth: number,
    private readonly layers: number,
    readonly chunkBytes = chunkBytesOf(guestSize),
  ) {
    this.chunkCount = Math.ceil(guestSize / this.chunkBytes);
    this.chunks = new Array<Chunk | undefined>(this.chunkCount).fill(undefined);
    this.missing = this.chunkCount;
  }

  /** True once all chunks are there. */
  get complete(): boolean {
    return this.missing === 0;
  }

  /** Chunks that are there. */
  get known(): number {
    return this.chunkCount - this.missing;
  }

  /** Whether all of `[start, end)` is there. */
  knows(start: number, end: number): boolean {
    for (let index = Math.floor(start / this.chunkBytes); index * this.chunkBytes < end; index += 1) {
      if (!this.chunks[index]) return false;
    }
    return true;
  }

  put(index: number, chunk: Chunk): void {
    if (this.chunks[index] === undefined) this.missing -= 1;
    this.chunks[index] = chunk;
  }

  /** Adds up who owns what. A broken entry counts as data: the layer claims that range. Indexed by depth. */
  get accounting(): Accounting {
    const owned = new Float64Array(codeCount(this.layers));
    const held = new Float64Array(this.layers);
    this.take(0, this.guestSize, (code, bytes) => (owned[code] = (owned[code] ?? 0) + bytes));
    for (const chunk of this.chunks) {
      chunk?.held.forEach((bytes, index) => (held[this.depth + index] = (held[this.depth + index] ?? 0) + bytes));
    }
    const sums: Sums[] = Array.from({ length: this.layers }, () => ({ ...NOTHING }));
    let nobody = 0;
    let unknown = 0;
    owned.forEach((bytes, code) => {
      const owner = ownerOf(code);
      const sum = sums[owner];
      if (sum) addTo(sum, kindOf(code), bytes);
      else if (owner === NOBODY) nobody += bytes;
      else unknown += bytes;
    });
    sums.forEach((sum, depth) => {
      sum.shadowed = (held[depth] ?? 0) - sum.owned;
    });
    return { guestSize: this.guestSize, nobody, unknown, layers: sums };
  }

  /** @throws DiskError `out-of-range` for a range that can't be; see `Pixels` */
  pixels(start: number, cellBytes: number, cells: number): Pixels {
    assertDrawable(start, cellBytes, cells);
    const end = Math.min(this.guestSize, start + cells * cellBytes);
    const builder = new CellBuilder(cells, this.layers);
    const take: Take = (code, bytes) => {
      builder.add(code, bytes);
    };
    const cursor = new Cursor(this.chunks, this.chunkBytes, this.guestSize, start);
    for (let cell = 0; cell < cells; cell += 1) {
      const cellEnd = Math.min(end, start + (cell + 1) * cellBytes);
      if (cellEnd > start + cell * cellBytes) cursor.take(cellEnd, take);
      builder.finishCell();
    }
    return builder.take({ rangeStart: start, rangeEnd: Math.max(start, end), cellBytes });
  }

  /** The exact map of `[start, end)`, without host offsets. @throws DiskError `out-of-range` */
  part(start: number, end: number): OwnershipMap {
    if (!(start >= 0 && start <= end && end <= this.guestSize)) {
      throw new DiskError('out-of-range', `bytes ${start} to ${end} are not all inside the disk (${this.guestSize} bytes)`);
    }
    const map = new MapBuilder(start, false);
    const cursor = new Cursor(this.chunks, this.chunkBytes, this.guestSize, start);
    cursor.runs(end, (code, bytes) => {
      map.append(bytes, ownerOf(code), kindOf(code), -1);
    });
    return map.finish();
  }

  /** The exact map of the whole disk, without host offsets. */
  get map(): OwnershipMap {
    return this.part(0, this.guestSize);
  }

  private take(start: number, end: number, take: Take): void {
    new Cursor(this.chunks, this.chunkBytes, this.guestSize, start).take(end, take);
  }
}

const NOTHING: LayerAccount = { owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0, shadowed: 0 };

function addTo(sum: Sums, kind: Kind, bytes: number): void {
  sum.owned += bytes;
  if (kind === Kind.Compressed) sum.ownedCompressed += bytes;
  else if (kind === Kind.Zero || kind === Kind.ZeroAllocated) sum.ownedZero += bytes;
  else sum.ownedData += bytes;
}

/** Goes through the disk from one place on: whole tiles where it can, runs where a tile is cut. */
class Cursor {
  private index: number;
  private tile = -1;
  /** The run at work in a tile that was cut; -1 where the cursor stands at a tile's beginning. */
  private run = -1;

  constructor(
    private readonly chunks: readonly (Chunk | undefined)[],
    private readonly chunkBytes: number,
    private readonly guestSize: number,
    private at: number,
  ) {
    this.index = Math.floor(at / chunkBytes);
    this.seek();
  }

  /** Up to `end`, tiles as a whole in the order of their codes' first appearance. */
  take(end: number, take: Take): void {
    while (this.at < end) {
      const chunk = this.chunks[this.index];
      if (!chunk) {
        this.passUnknown(end, take);
        continue;
      }
      const tileEnd = chunk.start[this.tile + 1] ?? this.at;
      if (this.run >= 0 || tileEnd > end) this.takeRuns(chunk, Math.min(end, tileEnd), take);
      else {
        const unit = chunk.unit[this.tile] ?? 0;
        const last = (chunk.firstSum[this.tile + 1] ?? 0) * 2;
        for (let sum = (chunk.firstSum[this.tile] ?? 0) * 2; sum < last; sum += 2) {
          take(chunk.sums[sum] ?? 0, (chunk.sums[sum + 1] ?? 0) * unit);
        }
        this.at = tileEnd;
      }
      if (this.at >= tileEnd) this.nextTile(chunk);
    }
  }

  /** Up to `end`, run by run. */
  runs(end: number, take: Take): void {
    while (this.at < end) {
      const chunk = this.chunks[this.index];
      if (!chunk) {
        this.passUnknown(end, take);
        continue;
      }
      const tileEnd = chunk.start[this.tile + 1] ?? this.at;
      this.takeRuns(chunk, Math.min(end, tileEnd), take);
      if (this.at >= tileEnd) this.nextTile(chunk);
    }
  }

  private takeRuns(chunk: Chunk, end: number, take: Take): void {
    const start = chunk.start[this.tile] ?? 0;
    const unit = chunk.unit[this.tile] ?? 0;
    if (this.run < 0) this.run = this.firstRunFrom(chunk, (this.at - start) / unit);
    while (this.at < end) {
      const runEnd = start + (chunk.runs[this.run * 2] ?? 0) * unit;
      const stop = Math.min(runEnd, end);
      take(chunk.runs[this.run * 2 + 1] ?? UNKNOWN_CODE, stop - this.at);
      this.at = stop;
      if (stop === runEnd) this.run += 1;
    }
  }

  /** The run of the tile at work that holds a place, in units of the tile. */
  private firstRunFrom(chunk: Chunk, units: number): number {
    let low = chunk.firstRun[this.tile] ?? 0;
    let high = (chunk.firstRun[this.tile + 1] ?? 0) - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((chunk.runs[middle * 2] ?? 0) > units) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private passUnknown(end: number, take: Take): void {
    const chunkEnd = Math.min((this.index + 1) * this.chunkBytes, this.guestSize);
    const stop = Math.min(end, chunkEnd);
    take(UNKNOWN_CODE, stop - this.at);
    this.at = stop;
    if (stop === chunkEnd) this.nextChunk();
  }

  private nextTile(chunk: Chunk): void {
    this.tile += 1;
    this.run = -1;
    if (this.tile >= chunk.tiles) this.nextChunk();
  }

  private nextChunk(): void {
    this.index += 1;
    this.tile = 0;
    this.run = -1;
  }

  /** Finds the tile that holds the place. */
  private seek(): void {
    const chunk = this.chunks[this.index];
    if (!chunk) {
      this.tile = 0;
      return;
    }
    let low = 0;
    let high = chunk.tiles - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((chunk.start[middle] ?? 0) <= this.at) low = middle;
      else high = middle - 1;
    }
    this.tile = low;
    if ((chunk.start[low] ?? 0) < this.at) {
      this.run = this.firstRunFrom(chunk, (this.at - (chunk.start[low] ?? 0)) / (chunk.unit[low] ?? 1));
    }
  }
}

/** All chunks, in an order that spreads over the whole disk before it fills in: a picture is coarse before it is fine. */
export function spread(count: number): number[] {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(1, count))));
  const order: number[] = [];
  for (let i = 0; i < 2 ** bits; i += 1) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit += 1) if ((i & (1 << bit)) !== 0) reversed |= 1 << (bits - 1 - bit);
    if (reversed < count) order.push(reversed);
  }
  return order;
}
