import type { Chunk } from './chunk';
import { CodeTally } from './codeTally';
import { Numbers } from './numbers';

/** Slices of a coarse chunk: all together are finer than any picture of the whole disk. */
const SLICES = 256;

/** A chunk's sums in equal slices, from its beginning on. */
export class Slices {
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
