import type { Kernel } from '../kernel/kernel';
import { codeCount } from '../scan/codes';
import { CodeTally } from './codeTally';
import type { Part } from '../scan/resolver';
import { MAX_UNITS } from '../scan/resolver';

/**
 * A chunk of the disk, resolved. It is cut into **tiles** of a few hundred units, or so many that a chunk has some hundred
 * tiles; each has its runs and, so that a picture need not look at them, what they add up to. Tile `i` covers `[start[i], start[i + 1])`, whole units of
 * `unit[i]` bytes. Its runs are pairs of 16 bits, from `2 × firstRun[i]` on: where the run ends, in units of the tile, and
 * its code. Its sums are pairs, too, from `2 × firstSum[i]` on: a code and how many units have it, in the order in which
 * the codes appear. Tiles are added up again in **groups** of `perGroup`: group `g` has the codes `groupCode[j]` with
 * `groupBytes[j]` bytes for `j` from `firstInGroup[g]` on.
 *
 * A chunk that would take more than `MAX_BYTES` is **coarse**: its tiles are slices, of which only the groups, one of each, are
 * kept.
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

const LEAST_UNITS = 256;
/** A chunk has about as many tiles. */
const TILES = 512;
/** Tiles in a group; the last group of a chunk may have fewer. */
const PER_GROUP = 16;
/** Of runs, sums and groups. There are at most 128 chunks: what is known of a disk stays below 160 MiB, however it is made. */
const MAX_BYTES = 2 ** 20;
/** A sum takes four bytes, and in a group of its own ten more. */
const SUM_BYTES = 14;
const MAX_CHUNK_TILES = 2 ** 14;
/** Slices of a coarse chunk: all together are finer than any picture of the whole disk. */
const SLICES = 256;
const MAX_TILES = MAX_UNITS / LEAST_UNITS + 2;

/** The arrays of a chunk, to be handed to another thread without a copy. */
export const buffersOf = (chunk: Chunk): ArrayBuffer[] =>
  Object.values(chunk).flatMap((each: unknown) => (ArrayBuffer.isView(each) ? [each.buffer as ArrayBuffer] : []));

type Groups = Pick<Chunk, 'firstInGroup' | 'groupCode' | 'groupBytes'>;

/** Puts parts of a disk together to a chunk. */
export class ChunkBuilder {
  private readonly counts: number;
  private readonly out: number;
  private readonly runsOut: number;
  private readonly sumsOut: number;
  private readonly start = new Numbers(Float64Array);
  private readonly unit = new Numbers(Float64Array);
  private readonly firstRun = new Numbers(Uint32Array);
  private readonly runs = new Numbers(Uint16Array);
  private readonly firstSum = new Numbers(Uint32Array);
  private readonly sums = new Numbers(Uint16Array);
  private readonly groupCode = new Numbers(Uint16Array);
  private readonly groupBytes = new Numbers(Float64Array);
  private readonly tally: CodeTally;
  private slices: Slices | undefined;

  /** @param chunkBytes of the disk, a power of two, @param layers how many codes there may be depends on their number, those above the standpoint included */
  constructor(
    private readonly kernel: Kernel,
    private readonly chunkBytes: number,
    private readonly layers: number,
  ) {
    this.tally = new CodeTally(layers);
    const counters = codeCount(layers) * 4;
    this.counts = kernel.reserve(counters);
    kernel.u8.fill(0, this.counts, this.counts + counters);
    this.out = kernel.reserve(MAX_TILES * 6);
    this.runsOut = kernel.reserve(MAX_UNITS * 4);
    this.sumsOut = kernel.reserve(MAX_UNITS * 4);
  }

  add(part: Part): void {
    this.addTiles(part);
    const bytes = this.runs.length * 2 + (this.sums.length / 2) * SUM_BYTES;
    if (this.slices || bytes > MAX_BYTES || this.start.length > MAX_CHUNK_TILES) this.coarsen(part.to);
  }

  private addTiles(part: Part): void {
    if (part.code !== undefined) {
      this.begin(part.from, part.to - part.from);
      this.runs.push(1, part.code);
      this.sums.push(part.code, 1);
      return;
    }
    const { kernel, out, runsOut, sumsOut } = this;
    const { from, unit, units } = part;
    const size = Math.min(MAX_UNITS, Math.max(LEAST_UNITS, this.chunkBytes / TILES / unit));
    const phase = (from / unit) % size;
    const tiles = kernel.run.tiles(part.codes, units, size, phase, this.counts, out, runsOut, sumsOut);
    const { u16 } = kernel;
    let at = from;
    let run = this.runs.length / 2;
    let sum = this.sums.length / 2;
    for (let tile = 0; tile < tiles; tile += 1) {
      const entry = out / 2 + tile * 3;
      this.start.push(at);
      this.unit.push(unit);
      this.firstRun.push(run);
      this.firstSum.push(sum);
      at += (u16[entry] ?? 0) * unit;
      run += u16[entry + 1] ?? 0;
      sum += u16[entry + 2] ?? 0;
    }
    const runsIn = run * 2 - this.runs.length;
    const sumsIn = sum * 2 - this.sums.length;
    this.runs.append(u16.subarray(runsOut / 2, runsOut / 2 + runsIn));
    this.sums.append(u16.subarray(sumsOut / 2, sumsOut / 2 + sumsIn));
  }

  /** The chunk that ends at `end`; what is added from here on belongs to another one. */
  take(end: number, { held, fingerprint }: Pick<Chunk, 'held' | 'fingerprint'>): Chunk {
    if (this.slices) {
      const taken = this.slices.take(end);
      this.slices = undefined;
      return { ...taken, held, fingerprint };
    }
    const tiles = this.start.length;
    this.begin(end, 0);
    this.unit.pop();
    const unit = this.unit.take();
    const firstSum = this.firstSum.take();
    const sums = this.sums.take();
    return {
      coarse: false,
      tiles,
      perGroup: PER_GROUP,
      start: this.start.take(),
      unit,
      firstRun: this.firstRun.take(),
      runs: this.runs.take(),
      firstSum,
      sums,
      ...this.groups({ tiles, unit, firstSum, sums }),
      held,
      fingerprint,
    };
  }

  /** Puts what there is, up to `end`, into slices. */
  private coarsen(end: number): void {
    const { start, unit, firstSum, sums } = this;
    this.slices ??= new Slices(start.at(0), this.chunkBytes, this.layers);
    for (let tile = 0; tile < start.length; tile += 1) {
      const to = tile + 1 < start.length ? start.at(tile + 1) : end;
      const last = tile + 1 < firstSum.length ? firstSum.at(tile + 1) * 2 : sums.length;
      const held: (readonly [code: number, bytes: number])[] = [];
      for (let sum = firstSum.at(tile) * 2; sum < last; sum += 2) {
        held.push([sums.at(sum), sums.at(sum + 1) * unit.at(tile)]);
      }
      this.slices.add(start.at(tile), to, held);
    }
    for (const numbers of [start, unit, this.firstRun, this.runs, firstSum, sums]) numbers.length = 0;
  }

  private groups({ tiles, unit, firstSum, sums }: Pick<Chunk, 'tiles' | 'unit' | 'firstSum' | 'sums'>): Groups {
    const { tally } = this;
    const count = Math.ceil(tiles / PER_GROUP);
    const firstInGroup = new Uint32Array(count + 1);
    for (let group = 0, tile = 0; group < count; group += 1) {
      for (const end = Math.min(tile + PER_GROUP, tiles); tile < end; tile += 1) {
        const last = (firstSum[tile + 1] ?? 0) * 2;
        const bytes = unit[tile] ?? 0;
        for (let sum = (firstSum[tile] ?? 0) * 2; sum < last; sum += 2) {
          tally.add(sums[sum] ?? 0, (sums[sum + 1] ?? 0) * bytes);
        }
      }
      tally.flush((code, bytes) => {
        this.groupCode.push(code);
        this.groupBytes.push(bytes);
      });
      firstInGroup[group + 1] = this.groupCode.length;
    }
    return { firstInGroup, groupCode: this.groupCode.take(), groupBytes: this.groupBytes.take() };
  }

  private begin(start: number, unit: number): void {
    this.start.push(start);
    this.unit.push(unit);
    this.firstRun.push(this.runs.length / 2);
    this.firstSum.push(this.sums.length / 2);
  }
}

/** A chunk's sums in equal slices, from its beginning on. */
class Slices {
  private readonly bytes: number;
  private readonly tally: CodeTally;
  private readonly start = new Numbers(Float64Array);
  private readonly firstInGroup = new Numbers(Uint32Array);
  private readonly groupCode = new Numbers(Uint16Array);
  private readonly groupBytes = new Numbers(Float64Array);
  private sliceEnd: number;

  /** @param from where the chunk begins */
  constructor(from: number, chunkBytes: number, layers: number) {
    this.bytes = chunkBytes / SLICES;
    this.tally = new CodeTally(layers);
    this.start.push(from);
    this.firstInGroup.push(0);
    this.sliceEnd = from + this.bytes;
  }

  /** Adds what `[from, to)` holds of each code; ranges come in order. One that is in several slices is shared out. */
  add(from: number, to: number, held: readonly (readonly [code: number, bytes: number])[]): void {
    for (let at = from; at < to;) {
      if (at >= this.sliceEnd) this.finish(this.sliceEnd);
      const stop = Math.min(to, this.sliceEnd);
      for (const [code, bytes] of held) {
        // All of one code is shared out to the byte.
        const share = bytes === to - from ? stop - at : bytes * ((stop - at) / (to - from));
        if (share > 0) this.tally.add(code, share);
      }
      at = stop;
    }
  }

  take(end: number): Omit<Chunk, 'held' | 'fingerprint'> {
    if (this.tally.codes > 0) this.finish(end);
    const tiles = this.start.length - 1;
    return {
      coarse: true,
      tiles,
      perGroup: 1,
      start: this.start.take(),
      unit: new Float64Array(tiles),
      firstRun: new Uint32Array(tiles + 1),
      runs: new Uint16Array(0),
      firstSum: new Uint32Array(tiles + 1),
      sums: new Uint16Array(0),
      firstInGroup: this.firstInGroup.take(),
      groupCode: this.groupCode.take(),
      groupBytes: this.groupBytes.take(),
    };
  }

  private finish(end: number): void {
    this.tally.flush((code, bytes) => {
      this.groupCode.push(code);
      this.groupBytes.push(bytes);
    });
    this.start.push(end);
    this.firstInGroup.push(this.groupCode.length);
    this.sliceEnd = end + this.bytes;
  }
}

type Typed = Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Numbers that become more, in one array that is used again and again. */
class Numbers<A extends Typed> {
  length = 0;
  private all: A;

  constructor(private readonly type: new (length: number) => A) {
    this.all = new type(1024);
  }

  push(...values: readonly number[]): void {
    this.room(values.length);
    for (const value of values) this.all[this.length++] = value;
  }

  append(values: Uint16Array): void {
    this.room(values.length);
    this.all.set(values, this.length);
    this.length += values.length;
  }

  pop(): void {
    this.length -= 1;
  }

  at(index: number): number {
    return this.all[index] ?? 0;
  }

  take(): A {
    const taken = this.all.slice(0, this.length) as A;
    this.length = 0;
    return taken;
  }

  private room(more: number): void {
    if (this.length + more <= this.all.length) return;
    const grown = new this.type(Math.max(this.length + more, this.all.length * 2));
    grown.set(this.all.subarray(0, this.length));
    this.all = grown;
  }
}
