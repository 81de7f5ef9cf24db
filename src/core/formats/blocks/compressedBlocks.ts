import { readUpTo } from '../../bytes';
import type { Shelf } from '../../cache/byteBudget';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';

/** How the blocks of an image are compressed. */
export interface Unpacker {
  /** What the format calls a block: "cluster". */
  readonly block: string;
  /** "zlib", "zstd". */
  readonly method: string;
  /**
   * @param block receives all of one
   * @returns how many bytes there were
   * @throws when the bytes are no stream of a block
   */
  unpack(input: Uint8Array, block: Uint8Array): number;
}

/** What decompressing takes: the file, and room for the last blocks. */
export interface CompressedParts {
  readonly source: ByteSource;
  /** The same file, with pages of it kept. */
  readonly lookups: ByteSource;
  readonly shelf: Shelf;
}

/** Where a compressed block stands in the file. */
export interface CompressedPlace {
  /** Of its first compressed byte. */
  readonly offset: number;
  /** Bytes, up to where the block may end. */
  readonly length: number;
}

const DAMAGED = 'The image is damaged there: restore it from a backup.';

/**
 * Decompresses blocks. Of those that were asked for in part the last few are kept: for neighbours in a read, and the
 * inspector's second look. Who asks for whole ones goes on to the next.
 */
export class CompressedBlocks {
  private edition: number | undefined;
  /** The compressed bytes of a whole block, used again for the next. */
  private input = new Uint8Array();

  constructor(
    private readonly parts: CompressedParts,
    private readonly blockSize: number,
    private readonly unpacker: Unpacker,
  ) {}

  /**
   * Fills `target` with the bytes of a block from its byte `from` on.
   * @param least how many bytes the block holds at least; what it has less of all is zero
   * @throws DiskError `corrupt` when the bytes are no stream of a block
   */
  readInto(target: Uint8Array, from: number, { offset, length }: CompressedPlace, least = this.blockSize): void {
    const { shelf, lookups, source } = this.parts;
    const { edition } = lookups;
    if (edition !== this.edition) shelf.clear();
    this.edition = edition;
    const kept = shelf.get(offset);
    if (kept) {
      target.set(kept.subarray(from, from + target.length));
    } else if (target.length === this.blockSize && least === this.blockSize) {
      this.decompress(this.onceRead(source, offset, length), target, offset, least);
    } else {
      const block = new Uint8Array(this.blockSize);
      this.decompress(readUpTo(lookups, offset, length), block, offset, least);
      shelf.put(offset, block);
      target.set(block.subarray(from, from + target.length));
    }
  }

  private onceRead(source: ByteSource, offset: number, length: number): Uint8Array {
    const available = Math.max(0, Math.min(length, source.size - offset));
    if (this.input.length < available) this.input = new Uint8Array(available);
    const input = this.input.subarray(0, available);
    source.readInto(input, offset);
    return input;
  }

  private decompress(input: Uint8Array, target: Uint8Array, offset: number, least: number): void {
    const { block, method } = this.unpacker;
    let filled: number;
    try {
      filled = this.unpacker.unpack(input, target);
    } catch (cause) {
      const message = `the compressed ${block} can't be decompressed (${method})`;
      throw new DiskError('corrupt', message, { offset }, DAMAGED, { cause });
    }
    if (filled < least) {
      const message = `the compressed ${block} holds ${filled} bytes instead of ${least}`;
      throw new DiskError('corrupt', message, { offset }, DAMAGED);
    }
  }
}
