/** What one thread tells another of `Claims`. */
export interface SharedClaims {
  readonly words: SharedArrayBuffer;
  readonly count: number;
}

const NEXT = 0;

/**
 * Pieces of work, numbered from 0, that threads claim one after the other: each is claimed once, in rising order. So when
 * one is claimed, all before it are, and are done once all threads have come back for more.
 */
export class Claims {
  private readonly words: Int32Array;

  private constructor(readonly shared: SharedClaims) {
    this.words = new Int32Array(shared.words);
  }

  /** @param count of the pieces, below 2^31 */
  static ofPieces(count: number): Claims {
    return new Claims({ words: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT), count });
  }

  /** The same pieces, in another thread. */
  static from(shared: SharedClaims): Claims {
    return new Claims(shared);
  }

  /** @returns a piece that nobody else has; undefined when there is none left */
  next(): number | undefined {
    const { count } = this.shared;
    for (let piece = Atomics.load(this.words, NEXT); piece < count;) {
      const found = Atomics.compareExchange(this.words, NEXT, piece, piece + 1);
      if (found === piece) return piece;
      piece = found;
    }
    return undefined;
  }

  /** How many pieces are claimed. */
  get claimed(): number {
    return Math.min(Atomics.load(this.words, NEXT), this.shared.count);
  }

  /** How many pieces are done at least, while this many threads share them. */
  done(threads: number): number {
    return Math.max(0, Atomics.load(this.words, NEXT) - threads);
  }

  /** Leaves the rest: nobody gets a piece from now on. What is claimed is still to be done. */
  close(): void {
    Atomics.store(this.words, NEXT, this.shared.count);
  }
}
