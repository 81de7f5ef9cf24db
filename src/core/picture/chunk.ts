import type { Kernel } from '../kernel/kernel';
import { codeCount } from '../scan/codes';
import type { Part } from '../scan/resolver';
import { MAX_UNITS } from '../scan/resolver';
import { Packed } from './packed';
import { Slices } from './slices';

/**
 * A chunk of the disk, resolved. It is cut into **tiles** of a few hundred units, or so many that a chunk has some
 * hundred tiles; each has its runs and, so that a picture need not look at them, what they add up to. Tile `i` covers
 * `[start[i], start[i + 1])`, whole units of `unit[i]` bytes. Its runs are pairs of 16 bits, from `2 × firstRun[i]`
 * on: where the run ends, in units of the tile, and its code. Its sums are pairs, too, from `2 × firstSum[i]` on: a
 * code and how many units have it, in the order in which the codes appear. Tiles are added up again in **groups** of
 * `perGroup`: group `g` has the codes `groupCode[j]` with `groupBytes[j]` bytes for `j` from `firstInGroup[g]` on.
 *
 * A chunk that would take more than `MAX_BYTES` is **coarse**: its tiles are slices, of which only the groups, one of
 * each, are kept.
 */
export interface Chunk {
  readonly coarse: boolean;
  readonly tiles: number;
  readonly perGroup: number;
  readonly start: Float64Array;
  readonly unit: Float64Array;
  readonly firstRun: Uint32Array;
  readonly runs: Uint16Array;
  readonly firstSum: Uint32Array;
  readonly sums: Uint16Array;
  readonly firstInGroup: Uint32Array;
  readonly groupCode: Uint16Array;
  readonly groupBytes: Float64Array;
  /** By index of the layer from the standpoint down: bytes that it holds here, seen or hidden. */
  readonly held: Float64Array;
  /** Of the tables of the layer at the standpoint; see `LayerScan`. */
  readonly fingerprint: number | undefined;
}

/** Of a tile. Runs and sums count units in 16 bits. */
const LEAST_UNITS = 256;
const MOST_UNITS = 16384;
/** A chunk has about as many tiles. */
const TILES = 512;
/** Tiles in a group; the last group of a chunk may have fewer. */
const PER_GROUP = 16;
/**
 * Of runs, sums and groups. There are at most 128 chunks: what is known of a disk stays below 160 MiB, however it is made.
 */
const MAX_BYTES = 2 ** 20;
/** A sum takes four bytes, and in a group of its own ten more. */
const SUM_BYTES = 14;
const MAX_CHUNK_TILES = 2 ** 14;
/** What is put together at a time: a chunk that is not coarse, and one part more. */
const ROOM = {
  tiles: MAX_CHUNK_TILES + MAX_UNITS / LEAST_UNITS + 3,
  runs: MAX_BYTES / 4 + MAX_UNITS,
  sums: Math.ceil(MAX_BYTES / SUM_BYTES) + MAX_UNITS,
};

/** The arrays of a chunk, to be handed to another thread without a copy. */
export function buffersOf(chunk: Chunk): ArrayBuffer[] {
  const all = Object.values(chunk).flatMap((each: unknown) =>
    ArrayBuffer.isView(each) ? [each.buffer as ArrayBuffer] : [],
  );
  return [...new Set(all)];
}

/** Puts parts of a disk together to a chunk. */
export class ChunkBuilder {
  /** Where in the kernel's memory the arrays of a chunk are put together. */
  private readonly at: Readonly<
    Record<Exclude<keyof Chunk, 'coarse' | 'tiles' | 'perGroup' | 'held' | 'fingerprint'>, number>
  >;
  private slices: Slices | undefined;

  /**
   * @param kernel puts no other chunk together meanwhile
   * @param chunkBytes of the disk, a power of two
   * @param layers how many codes there may be depends on their number, those above the standpoint included
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly chunkBytes: number,
    private readonly layers: number,
  ) {
    const counters = (bytes: number): number => {
      const at = kernel.reserve(codeCount(layers) * bytes);
      kernel.u8.fill(0, at, at + codeCount(layers) * bytes);
      return at;
    };
    const at = {
      start: kernel.reserve(ROOM.tiles * 8),
      unit: kernel.reserve(ROOM.tiles * 8),
      firstRun: kernel.reserve(ROOM.tiles * 4),
      runs: kernel.reserve(ROOM.runs * 4),
      firstSum: kernel.reserve(ROOM.tiles * 4),
      sums: kernel.reserve(ROOM.sums * 4),
      firstInGroup: kernel.reserve(ROOM.tiles * 4),
      groupCode: kernel.reserve(ROOM.sums * 2),
      groupBytes: kernel.reserve(ROOM.sums * 8),
    };
    this.at = at;
    kernel.run.layChunk(at.start, at.unit, at.firstRun, at.firstSum, at.runs, at.sums, counters(4), counters(8));
  }

  add(part: Part): void {
    const { run } = this.kernel;
    this.addTiles(part);
    const bytes = run.chunkRuns.value * 4 + run.chunkSums.value * SUM_BYTES;
    if (this.slices || bytes > MAX_BYTES || run.chunkTiles.value > MAX_CHUNK_TILES) this.coarsen(part.to);
  }

  private addTiles({ from, to, unit, units, code, codes }: Part): void {
    const { run } = this.kernel;
    if (code !== undefined) {
      run.addOne(from, to - from, code);
      return;
    }
    const size = Math.min(MOST_UNITS, Math.max(LEAST_UNITS, this.chunkBytes / TILES / unit));
    run.addUnits(codes, units, size, (from / unit) % size, from, unit);
  }

  /** The chunk that ends at `end`; what is added from here on belongs to another one. */
  take(end: number, { held, fingerprint }: Pick<Chunk, 'held' | 'fingerprint'>): Chunk {
    if (this.slices) {
      const taken = this.slices.take(end);
      this.slices = undefined;
      return { ...taken, held, fingerprint };
    }
    const { at, kernel } = this;
    const { run } = kernel;
    run.endChunk(end);
    const grouped = run.addGroups(PER_GROUP, at.firstInGroup, at.groupCode, at.groupBytes);
    const [tiles, runs, sums] = [run.chunkTiles.value, run.chunkRuns.value, run.chunkSums.value];
    const groups = Math.ceil(tiles / PER_GROUP);
    run.clearChunk();
    const packed = new Packed(kernel, {
      doubles: tiles * 2 + 1 + grouped,
      words: (tiles + 1) * 2 + groups + 1,
      halves: runs * 2 + sums * 2 + grouped,
    });
    return {
      coarse: false,
      tiles,
      perGroup: PER_GROUP,
      start: packed.doubles(at.start, tiles + 1),
      unit: packed.doubles(at.unit, tiles),
      groupBytes: packed.doubles(at.groupBytes, grouped),
      firstRun: packed.words(at.firstRun, tiles + 1),
      firstSum: packed.words(at.firstSum, tiles + 1),
      firstInGroup: packed.words(at.firstInGroup, groups + 1),
      runs: packed.halves(at.runs, runs * 2),
      sums: packed.halves(at.sums, sums * 2),
      groupCode: packed.halves(at.groupCode, grouped),
      held,
      fingerprint,
    };
  }

  /** Puts what there is, up to `end`, into slices. */
  private coarsen(end: number): void {
    const { kernel, at } = this;
    const { run, f64, u32, u16 } = kernel;
    run.endChunk(end);
    const tiles = run.chunkTiles.value;
    const start = f64.subarray(at.start / 8, at.start / 8 + tiles + 1);
    this.slices ??= new Slices(start[0] ?? 0, this.chunkBytes, this.layers);
    for (let tile = 0; tile < tiles; tile += 1) {
      const unit = f64[at.unit / 8 + tile] ?? 0;
      const last = (u32[at.firstSum / 4 + tile + 1] ?? 0) * 2;
      const held: (readonly [code: number, bytes: number])[] = [];
      for (let sum = (u32[at.firstSum / 4 + tile] ?? 0) * 2; sum < last; sum += 2) {
        held.push([u16[at.sums / 2 + sum] ?? 0, (u16[at.sums / 2 + sum + 1] ?? 0) * unit]);
      }
      this.slices.add(start[tile] ?? 0, start[tile + 1] ?? 0, held);
    }
    run.clearChunk();
  }
}
