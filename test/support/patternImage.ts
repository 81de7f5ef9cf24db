import type { Chunk } from '../fixtures/build/index';
import { SparseImage } from '../fixtures/build/index';

/** A stretch of a file in which one piece of bytes comes again and again. */
export interface Pattern {
  readonly offset: number;
  readonly length: number;
  readonly piece: Uint8Array;
  /** Added to the piece's first eight bytes, as one number, from each time to the next. */
  readonly step?: bigint;
}

/** A sparse image with stretches that would take too much memory to hold. What is written to it covers them. */
export class PatternImage extends SparseImage {
  constructor(
    size: number,
    chunks: Iterable<Chunk>,
    private readonly patterns: readonly Pattern[],
  ) {
    super(size, chunks);
  }

  /** Another image of the same content, to be changed by itself. */
  copy(): PatternImage {
    return new PatternImage(this.size, this.chunks(), this.patterns);
  }

  override peek(offset: number, length: number): Uint8Array {
    const out = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    for (const pattern of this.patterns) repeat(out, offset, pattern);
    for (const chunk of this.chunks()) {
      const from = Math.max(offset, chunk.offset);
      const to = Math.min(offset + out.length, chunk.offset + chunk.bytes.length);
      if (from < to) out.set(chunk.bytes.subarray(from - chunk.offset, to - chunk.offset), from - offset);
    }
    return out;
  }
}

function repeat(out: Uint8Array, outOffset: number, { offset, length, piece, step }: Pattern): void {
  const from = Math.max(outOffset, offset);
  const to = Math.min(outOffset + out.length, offset + length);
  if (from >= to) return;
  const first = Math.floor((from - offset) / piece.length);
  const moved = piece.slice();
  const words = new DataView(moved.buffer);
  let value = step === undefined ? 0n : words.getBigUint64(0) + step * BigInt(first);
  for (let at = offset + first * piece.length; at < to; at += piece.length) {
    if (step !== undefined) {
      words.setBigUint64(0, BigInt.asUintN(64, value));
      value += step;
    }
    const begin = Math.max(from, at);
    const end = Math.min(to, at + piece.length);
    out.set(moved.subarray(begin - at, end - at), begin - outOffset);
    if (step === undefined && begin === at && end === at + piece.length) {
      // The rest is the same again: copied twice as much each time.
      let done = at + piece.length;
      while (done < to) {
        const more = Math.min(done - at, to - done);
        out.copyWithin(done - outOffset, at - outOffset, at - outOffset + more);
        done += more;
      }
      return;
    }
  }
}
