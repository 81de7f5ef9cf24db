import type { Accounting, LayerAccount, OwnershipMap, Pixels } from '../model';
import { Kind, NOBODY } from '../model';
import { MapBuilder } from '../scan/mapBuilder';
import { kindOf, ownerOf } from '../scan/codes';
import { assertDrawable } from '../pixels';
import { assertInside } from '../ranges';
import { cellsOf } from './cells';
import type { Chunk } from './chunk';
import { runsBetween, unknownChunk } from './chunkRuns';
import { CodeTally } from './codeTally';

/** The disk is cut into at most so many chunks. */
const MAX_CHUNKS = 128;
const SMALLEST_CHUNK = 2 ** 30;

/** How much of the disk one chunk is: a power of two. */
function chunkBytesOf(guestSize: number): number {
  return Math.max(SMALLEST_CHUNK, 2 ** Math.ceil(Math.log2(Math.max(1, guestSize / MAX_CHUNKS))));
}

type Sums = { -readonly [K in keyof LayerAccount]: LayerAccount[K] };

/**
 * Everything that is known of a disk from one standpoint: who answers each byte, in chunks that come in any order. What
 * is not there yet is unknown. It has three levels, so that drawing the whole disk looks at no run and drawing a part of it
 * at few: runs, what they add up to in tiles of a few hundred units, and what these add up to in groups.
 */
export class Picture {
  readonly chunkCount: number;
  private readonly chunks: (Chunk | undefined)[];
  private chunksKnown = 0;

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
  }

  /** True once all chunks are there. */
  get complete(): boolean {
    return this.chunksKnown === this.chunkCount;
  }

  /** Chunks that are there. */
  get known(): number {
    return this.chunksKnown;
  }

  /** Of the chunk's tables at the standpoint, when it was scanned. */
  fingerprintOf(index: number): number | undefined {
    return this.chunks[index]?.fingerprint;
  }

  /** Indexes of the chunks that are not there. */
  get missing(): number[] {
    return this.chunks.flatMap((chunk, index) => (chunk ? [] : [index]));
  }

  /** Whether all of `[start, end)` is there, run by run. */
  isExact(start: number, end: number): boolean {
    for (let index = Math.floor(start / this.chunkBytes); index * this.chunkBytes < end; index += 1) {
      if (this.chunks[index]?.coarse !== false) return false;
    }
    return true;
  }

  put(index: number, chunk: Chunk): void {
    if (this.chunks[index] === undefined) this.chunksKnown += 1;
    this.chunks[index] = chunk;
  }

  /** Adds up who owns what. A broken entry counts as data: the layer claims that range. Indexed by depth. */
  get accounting(): Accounting {
    const held = new Float64Array(this.layers);
    const tally = new CodeTally(this.layers);
    for (const chunk of this.chunksOf(0, this.guestSize)) {
      chunk.groupCode.forEach((code, part) => {
        tally.add(code, chunk.groupBytes[part] ?? 0);
      });
      chunk.held.forEach((bytes, index) => (held[this.depth + index] = (held[this.depth + index] ?? 0) + bytes));
    }
    const sums: Sums[] = Array.from({ length: this.layers }, () => ({ ...NOTHING }));
    let nobody = 0;
    let unknown = 0;
    tally.flush((code, bytes) => {
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
    const end = Math.max(start, Math.min(this.guestSize, start + cells * cellBytes));
    return cellsOf({ start, end, cellBytes, cells }, this.chunksOf(start, end), this.layers);
  }

  /**
   * The map of `[start, end)`, without host offsets; where chunks are missing it is unknown. None of them may be coarse.
   * @throws DiskError `out-of-range`
   */
  part(start: number, end: number): OwnershipMap {
    assertInside({ start, end }, this.guestSize);
    if (this.isCoarse(start, end)) throw new Error('a picture tells runs only where it has them');
    const map = new MapBuilder(start, false);
    for (const chunk of this.chunksOf(start, end)) {
      runsBetween(chunk, start, end, (code, bytes) => {
        map.append(bytes, ownerOf(code), kindOf(code), -1);
      });
    }
    return map.finish();
  }

  /** The exact map of the whole disk, without host offsets. */
  get map(): OwnershipMap {
    return this.part(0, this.guestSize);
  }

  private isCoarse(start: number, end: number): boolean {
    for (let index = Math.floor(start / this.chunkBytes); index * this.chunkBytes < end; index += 1) {
      if (this.chunks[index]?.coarse) return true;
    }
    return false;
  }

  /** What there is of `[start, end)`, without a gap: in place of what is not there yet, something that says so. */
  private chunksOf(start: number, end: number): Chunk[] {
    const { chunkBytes, guestSize } = this;
    const found: Chunk[] = [];
    for (let index = Math.floor(start / chunkBytes); index * chunkBytes < end; index += 1) {
      const from = index * chunkBytes;
      found.push(this.chunks[index] ?? unknownChunk(from, Math.min(from + chunkBytes, guestSize)));
    }
    return found;
  }
}

const NOTHING: LayerAccount = { owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0, shadowed: 0 };

function addTo(sum: Sums, kind: Kind, bytes: number): void {
  sum.owned += bytes;
  if (kind === Kind.Compressed) sum.ownedCompressed += bytes;
  else if (kind === Kind.Zero || kind === Kind.ZeroAllocated) sum.ownedZero += bytes;
  else sum.ownedData += bytes;
}
