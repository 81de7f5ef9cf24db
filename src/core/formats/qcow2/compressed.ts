import { readUpTo } from '../../bytes';
import { DiskError } from '../../errors';
import type { Shelf } from '../../cache/byteBudget';
import type { ByteSource, Codecs } from '../../model';
import type { Compression } from './header';
import { zstdFrameLength } from './zstdFrame';

/** What decompressing takes: the file, how its clusters are compressed, and room for the last of them. */
export interface CompressedParts {
  readonly source: ByteSource;
  /** The same file, with pages of it kept. */
  readonly lookups: ByteSource;
  readonly header: { readonly compression: Compression };
  readonly codecs: Codecs;
  readonly clusters: Shelf;
}

/**
 * Decompresses clusters. Of those that were asked for in part the last few are kept: for neighbours in a read, and the
 * inspector's second look. Who asks for whole ones goes on to the next.
 */
export class CompressedClusters {
  private edition: number | undefined;
  /** The compressed bytes of a whole cluster, used again for the next. */
  private input = new Uint8Array();

  constructor(
    private readonly parts: CompressedParts,
    private readonly clusterSize: number,
  ) {}

  /**
   * Fills `target` with the bytes of a cluster from its byte `from` on.
   * @param offset host offset of the first compressed byte, @param length bytes up to the end of its last sector
   * @throws DiskError `corrupt` when the bytes are no stream of a cluster
   */
  readInto(target: Uint8Array, from: number, offset: number, length: number): void {
    const { clusters, lookups, source } = this.parts;
    const { edition } = lookups;
    if (edition !== this.edition) clusters.clear();
    this.edition = edition;
    const kept = clusters.get(offset);
    if (kept) {
      target.set(kept.subarray(from, from + target.length));
    } else if (target.length === this.clusterSize) {
      this.decompress(this.onceRead(source, offset, length), target, offset);
    } else {
      const cluster = new Uint8Array(this.clusterSize);
      this.decompress(readUpTo(lookups, offset, length), cluster, offset);
      clusters.put(offset, cluster);
      target.set(cluster.subarray(from, from + target.length));
    }
  }

  private onceRead(source: ByteSource, offset: number, length: number): Uint8Array {
    const available = Math.max(0, Math.min(length, source.size - offset));
    if (this.input.length < available) this.input = new Uint8Array(available);
    const input = this.input.subarray(0, available);
    source.readInto(input, offset);
    return input;
  }

  /** @param cluster receives all of one */
  private decompress(input: Uint8Array, cluster: Uint8Array, offset: number): void {
    const { codecs, header } = this.parts;
    let filled: number;
    try {
      filled = header.compression === 'zlib' ? inflate(codecs, input, cluster) : unzstd(codecs, input, cluster);
    } catch (cause) {
      throw new DiskError(
        'corrupt',
        `the compressed cluster can't be decompressed (${header.compression})`,
        { offset },
        DAMAGED,
        { cause },
      );
    }
    if (filled !== this.clusterSize) {
      throw new DiskError(
        'corrupt',
        `the compressed cluster holds ${filled} bytes instead of ${this.clusterSize}`,
        { offset },
        DAMAGED,
      );
    }
  }
}

/** @returns how many bytes there were */
function inflate(codecs: Codecs, input: Uint8Array, cluster: Uint8Array): number {
  const output = codecs.inflateRaw(input, cluster.length);
  cluster.set(output);
  return output.length;
}

/**
 * QEMU reads as many frames as fill a cluster, and writes one (block/qcow2-threads.c). More of them than the cluster has
 * sectors serve nothing but to keep who reads it busy: each costs a decoder's start and room for what is missing.
 */
const LEAST_PER_FRAME = 512;

/**
 * A cluster may be several frames; each is cut at its end, since decoders choke on the sector's padding.
 * @returns how many bytes there were
 */
function unzstd(codecs: Codecs, input: Uint8Array, cluster: Uint8Array): number {
  let filled = 0;
  let at = 0;
  for (let frames = 1; filled < cluster.length; frames += 1) {
    if (frames > cluster.length / LEAST_PER_FRAME) throw new Error('more zstd frames than the cluster has sectors');
    const length = zstdFrameLength(input.subarray(at));
    const part = codecs.zstd(input.subarray(at, at + length), cluster.length - filled);
    cluster.set(part, filled);
    filled += part.length;
    at += length;
  }
  return filled;
}

const DAMAGED = 'The image is damaged there: restore it from a backup.';
