import { readUpTo } from '../../bytes';
import { DiskError } from '../../errors';
import type { Shelf } from '../../cache/byteBudget';
import type { ByteSource, Codecs } from '../../model';
import type { Compression } from './header';
import { zstdFrameLength } from './zstdFrame';

/** What decompressing takes: the file, how its clusters are compressed, and room for the last of them. */
export interface CompressedParts {
  readonly lookups: ByteSource;
  readonly header: { readonly compression: Compression };
  readonly codecs: Codecs;
  readonly clusters: Shelf;
}

/** Decompresses clusters, keeping the last few: neighbours in a read, and the inspector's second look. */
export class CompressedClusters {
  private edition: number | undefined;

  constructor(
    private readonly parts: CompressedParts,
    private readonly clusterSize: number,
  ) {}

  /**
   * @param offset host offset of the first compressed byte, @param length bytes up to the end of its last sector
   * @returns one whole cluster
   * @throws DiskError `corrupt` when the bytes are no stream of a cluster
   */
  read(offset: number, length: number): Uint8Array {
    const { lookups, clusters } = this.parts;
    const { edition } = lookups;
    if (edition !== this.edition) clusters.clear();
    this.edition = edition;
    const kept = clusters.get(offset);
    if (kept) return kept;
    const cluster = this.decompress(offset, length);
    clusters.put(offset, cluster);
    return cluster;
  }

  private decompress(offset: number, length: number): Uint8Array {
    const { lookups, codecs, header } = this.parts;
    const input = readUpTo(lookups, offset, length);
    let output: Uint8Array;
    try {
      output = header.compression === 'zlib' ? codecs.inflateRaw(input, this.clusterSize) : this.unzstd(input);
    } catch (cause) {
      throw new DiskError(
        'corrupt',
        `the compressed cluster can't be decompressed (${header.compression})`,
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
      const part = this.parts.codecs.zstd(input.subarray(at, at + length), this.clusterSize - filled);
      output.set(part, filled);
      filled += part.length;
      at += length;
    }
    return output;
  }
}

const DAMAGED = 'The image is damaged there: restore it from a backup.';
