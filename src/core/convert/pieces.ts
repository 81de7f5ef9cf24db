import { CHUNK } from './imageWriter';

/** Bytes of the disk that are one piece of the work, the last one but for the rest: whole chunks. */
export const PIECE = 4 * CHUNK;

/** Which pieces of a disk are somebody's to do. Piece `p` begins at byte `p * PIECE`. */
export interface Pieces {
  /** The next one, in rising order, once the one before is done; undefined when there is none left. */
  next(): number | undefined;
}

/** All pieces, for who works alone. */
export function everyPiece(): Pieces {
  let piece = 0;
  return { next: () => piece++ };
}

/** The piece that is at work. */
export class PieceAtWork {
  start = 0;
  end = 0;

  constructor(private readonly pieces: Pieces) {}

  /** Takes pieces until one ends past `at`, a byte that no piece before holds. @returns false when there is none left */
  reach(at: number): boolean {
    while (at >= this.end) {
      const piece = this.pieces.next();
      if (piece === undefined) return false;
      this.start = piece * PIECE;
      this.end = this.start + PIECE;
    }
    return true;
  }
}
