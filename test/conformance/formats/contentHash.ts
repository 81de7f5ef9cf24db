import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { SparseImage } from '../../fixtures/build/index';

/** Disks up to this size are hashed whole, as `sha256sum` does; of larger ones only what is not zero. */
const WHOLE = 2 ** 28;
export const BLOCK = 2 ** 16;
const PIECE = 64 * BLOCK;
const ZEROS = new Uint8Array(PIECE);

/** The content of a disk of `size` bytes, as one text. */
export type Digest =
  | { readonly size: number; readonly sha256: string }
  /** SHA-256 of those blocks of 64 KiB that are not all zero, each behind its offset (u64, little-endian). */
  | { readonly size: number; readonly blocksSha256: string };

/** Takes the content of a disk front to back; what is left out is zero. */
export class ContentHash {
  private readonly hash = createHash('sha256');
  private at = 0;

  constructor(private readonly size: number) {}

  /** @param offset a multiple of `BLOCK`, no less than where the last bytes ended; of blocks, all but the disk's last are whole */
  add(offset: number, bytes: Uint8Array): void {
    this.fillTo(offset);
    if (this.size <= WHOLE) this.hash.update(bytes);
    else
      for (let from = 0; from < bytes.length; from += BLOCK)
        this.block(offset + from, bytes.subarray(from, from + BLOCK));
    this.at = offset + bytes.length;
  }

  digest(): Digest {
    const { size } = this;
    this.fillTo(size);
    const text = this.hash.digest('hex');
    return size <= WHOLE ? { size, sha256: text } : { size, blocksSha256: text };
  }

  private fillTo(offset: number): void {
    if (this.size > WHOLE) return;
    for (; this.at < offset; this.at += Math.min(PIECE, offset - this.at)) {
      this.hash.update(ZEROS.subarray(0, Math.min(PIECE, offset - this.at)));
    }
  }

  private block(offset: number, bytes: Uint8Array): void {
    if (Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0) return;
    const place = Buffer.alloc(8);
    place.writeBigUInt64LE(BigInt(offset));
    this.hash.update(place).update(bytes);
  }
}

/** Of a raw file. */
export function digestOfFile(file: string): Digest {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    return digestBy(size, [[0, size]], (offset, target) => {
      if (readSync(descriptor, target, 0, target.length, offset) !== target.length)
        throw new Error(`${file} ends early`);
    });
  } finally {
    closeSync(descriptor);
  }
}

/** Of a disk that is told by what it holds. */
export function digestOfDisk(disk: SparseImage): Digest {
  const held = disk.chunks().map(({ offset, bytes }) => [offset, offset + bytes.length] as const);
  return digestBy(disk.size, held, (offset, target) => {
    target.set(disk.peek(offset, target.length));
  });
}

/**
 * @param held ranges `[start, end)` beside which the disk is zero, rising; all is read of a disk that is hashed whole
 * @param read fills its target from an offset of the disk
 */
export function digestBy(
  size: number,
  held: Iterable<readonly [start: number, end: number]>,
  read: (offset: number, target: Uint8Array) => void,
): Digest {
  const hash = new ContentHash(size);
  let done = 0;
  for (const [start, end] of size <= WHOLE ? [[0, size] as const] : held) {
    const last = Math.min(size, Math.ceil(end / BLOCK) * BLOCK);
    for (let at = Math.max(done, Math.floor(start / BLOCK) * BLOCK); at < last; at += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, last - at));
      read(at, piece);
      hash.add(at, piece);
      done = at + piece.length;
    }
  }
  return hash.digest();
}
