import { isData } from '../extents';
import type { ByteSource } from '../model';
import type { Effect, Target } from './target';
import type { Write } from './writes';

/** What a file system gives and takes at a time: what is no whole block of it stays. */
const BLOCK = 4096;

/** A raw file: data fills its holes, zeros punch new ones. */
export class RawTarget implements Target {
  private moved = 0;
  private growth = 0;
  /** Up to where blocks are counted as data by a write before. */
  private counted = 0;

  constructor(private readonly source: ByteSource) {}

  write({ start, end, how }: Write): void {
    if (how === 'copy') {
      this.moved += end - start;
      const from = Math.max(this.counted, Math.floor(start / BLOCK));
      const to = Math.ceil(end / BLOCK);
      this.growth += this.blocks(from, to, false);
      this.counted = Math.max(this.counted, to);
    } else {
      const from = Math.max(this.counted, Math.ceil(start / BLOCK));
      this.growth -= this.blocks(from, Math.floor(end / BLOCK), true);
    }
  }

  grow(): void {
    // What is past the end is a hole.
  }

  finish(): Effect {
    return { moved: this.moved, growth: this.growth, exact: this.source.extents !== undefined };
  }

  /** Bytes of the blocks `[from, to)` that are data, or that are none. */
  private blocks(from: number, to: number, data: boolean): number {
    const extents = this.source.extents?.();
    let bytes = 0;
    for (let block = from; block < to; block += 1) {
      const at = block * BLOCK;
      const isThere = at < this.source.size && (!extents || isData(extents, at));
      if (isThere === data) bytes += BLOCK;
    }
    return bytes;
  }
}
