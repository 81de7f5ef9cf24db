import { readUpTo } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Codecs } from '../../model';
import type { Compression } from './header';
import { zstdFrameLength } from './zstdFrame';

const CACHE_BYTES = 8 << 20;

/** Decompresses clusters, keeping the last few: neighbours in a read, and the inspector's second look. */
export class CompressedClusters {
  private readonly cache = new Map<number, Uint8Array>();

  constructor(
    private readonly source: ByteSource,
    private readonly codecs: Codecs,
    private readonly compression: Compression,
    private readonly clusterSize: number,
  ) {}

  /**
   * @param offset host offset of the first compressed byte, @param length bytes up to the end of its last sector
   * @returns one whole cluster
   * @throws DiskError `corrupt` when the bytes are no stream of a cluster
   */
  read(offset: number, length: number): Uint8Array {
    const cached = this.cache.get(offset);
    if (cached) {
      this.cache.delete(offset);
      this.cache.set(offset, cached);
      return cached;
    }
    const cluster = this.decompress(offset, length);
    this.cache.set(offset, cluster);
    for (const oldest of this.cache.keys()) {
      if (this.cache.size * this.clusterSize <= CACHE_BYTES || this.cache.size === 1) break;
      this.cache.delete(oldest);
    }
    return cluster;
  }

  private decompress(offset: number, length: number): Uint8Array {
    const input = readUpTo(this.source, offset, length);
    let output: Uint8Array;
    try {
      output = this.compression === 'zlib' ? this.codecs.inflateRaw(input, this.clusterSize) : this.unzstd(input);
    } catch (cause) {
      throw new DiskError(
        'corrupt',
        `the compressed cluster can't be decompressed (${this.compression})`,
        { offset },
        DAMAGED,
        { cause },
      );
    }
    if (output.length !== this.clusterSize) {
      throw new DiskError(
        'corrupt',
        `the compressed cluster holds ${output.length} bytes instead of ${this.clusterSize}`,
        { offset },
        DAMAGED,
      );
    }
    return output;
  }

  /** A cluster may be several frames; each is cut at its end, since decoders choke on the sector's padding. */
  private unzstd(input: Uint8Array): Uint8Array {
    const output = new Uint8Array(this.clusterSize);
    let filled = 0;
    let at = 0;
    while (filled < this.clusterSize) {
      const length = zstdFrameLength(input.subarray(at));
      const part = this.codecs.zstd(input.subarray(at, at + length), this.clusterSize - filled);
      output.set(part, filled);
      filled += part.length;
      at += length;
    }
    return output;
  }
}

const DAMAGED = 'The image is damaged there: restore it from a backup.';
