import { readPadded, readUpTo, u32be } from '../../bytes';
import type { ByteSource, HostExtents } from '../../model';
import { isZero } from '../../zeros';
import type { Geometry } from './mapping';

const TWO_32 = 2 ** 32;
/** docs/interop/qcow2.rst, "Refcount table entry": bits 9-63 are the offset. */
const TABLE_LOW_MASK = 0xffff_fe00;
const PIECE_BYTES = 64 * 1024;
/** Pieces of blocks that are kept: as much as counts the clusters of 1 TiB, at 64 KiB and 16 bits each. */
const CACHE_BYTES = 32 << 20;
/** Where clusters are small, pieces are too, and more would take more to keep account of than they hold. */
const MAX_PIECES = 4096;

/** Ours: what is read to count the clusters in use. 16-bit counts of 64 KiB clusters come to that at 4 TiB. */
const MOST_COUNTED_BYTES = 128 << 20;

/** What is asked of a cluster whose refcount block can't be: its table entry points into the middle of a cluster. */
export const NOT_COUNTED = -1;

/** What stands for a piece in which all counts are 0. */
const NOTHING = new Uint8Array();

/** Reference counts of host clusters: docs/interop/qcow2.rst, "Host cluster management". */
export class Refcounts {
  /** The largest count that there is room for. */
  readonly most: number;
  private readonly bits: number;
  private readonly perBlock: number;
  private readonly perPiece: number;
  private readonly cache = new Map<number, Uint8Array>();
  private readonly maxPieces: number;
  /** The piece that was asked for last, and the clusters that it counts: `[lastFrom, lastFrom + perPiece)`. */
  private last: Uint8Array = NOTHING;
  private lastFrom = NaN;
  /** A piece's bytes that are used for none. */
  private spare: Uint8Array | undefined;
  private loaded: DataView | undefined;
  private bytesRead = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly geometry: Geometry,
  ) {
    this.bits = 2 ** geometry.header.refcountOrder;
    this.most = 2 ** this.bits - 1;
    this.perBlock = (geometry.clusterSize * 8) / this.bits;
    const pieceBytes = Math.min(PIECE_BYTES, geometry.clusterSize);
    this.perPiece = (pieceBytes * 8) / this.bits;
    this.maxPieces = Math.min(MAX_PIECES, CACHE_BYTES / pieceBytes);
  }

  /** The reference count table, as much of it as the file has: an entry of 64 bits for each block. */
  get table(): DataView {
    if (!this.loaded) {
      const { refcountTableOffset, refcountTableClusters } = this.geometry.header;
      const bytes = readUpTo(this.source, refcountTableOffset, refcountTableClusters * this.geometry.clusterSize);
      this.loaded = new DataView(bytes.buffer, 0, bytes.length - (bytes.length % 8));
    }
    return this.loaded;
  }

  /** The count of a cluster, or NOT_COUNTED. Past the table's end, and past the file's, it is 0. */
  of(cluster: number): number {
    const piece = this.pieceOf(cluster);
    if (piece === undefined) return NOT_COUNTED;
    return piece === NOTHING ? 0 : this.decode(piece, cluster - this.lastFrom);
  }

  /** The first cluster of `[from, to)` whose count is not 0, or `to`. */
  nextCounted(from: number, to: number): number {
    for (let cluster = from; cluster < to;) {
      const piece = this.pieceOf(cluster);
      if (piece === undefined) return cluster;
      const end = Math.min(to, this.lastFrom + this.perPiece);
      if (piece !== NOTHING) {
        for (let index = cluster - this.lastFrom; cluster < end; cluster += 1, index += 1) {
          if (this.decode(piece, index) !== 0) return cluster;
        }
      }
      cluster = end;
    }
    return to;
  }

  /** Counts the clusters of `[0, clusters)` in use, stopping once there are `enough` or it has read too much. */
  countInUse(clusters: number, enough: number): number {
    const end = Math.min(clusters, (this.table.byteLength / 8) * this.perBlock);
    const mostRead = this.bytesRead + MOST_COUNTED_BYTES;
    let used = 0;
    for (let from = 0; from < end && used < enough && this.bytesRead < mostRead; from += this.perPiece) {
      const piece = this.pieceOf(from);
      const counts = piece === undefined || piece === NOTHING ? 0 : Math.min(this.perPiece, end - from);
      for (let index = 0; piece && index < counts && used < enough; index += 1) {
        if (this.decode(piece, index) !== 0) used += 1;
      }
    }
    return used;
  }

  private pieceOf(cluster: number): Uint8Array | undefined {
    if (cluster >= this.lastFrom && cluster < this.lastFrom + this.perPiece) return this.last;
    const number = Math.floor(cluster / this.perPiece);
    const piece = this.cache.get(number) ?? this.read(number);
    if (!piece) return undefined;
    this.last = piece;
    this.lastFrom = number * this.perPiece;
    return piece;
  }

  private read(number: number): Uint8Array | undefined {
    const first = number * this.perPiece;
    const block = Math.floor(first / this.perBlock);
    if ((block + 1) * 8 > this.table.byteLength) return NOTHING;
    const high = this.table.getUint32(block * 8);
    const offset = high * TWO_32 + ((this.table.getUint32(block * 8 + 4) & TABLE_LOW_MASK) >>> 0);
    if (offset % this.geometry.clusterSize !== 0 || high >= 2 ** 31) return undefined;
    if (offset === 0 || offset >= this.source.size) return NOTHING;
    const bytes = this.spare ?? new Uint8Array((this.perPiece * this.bits) / 8);
    this.spare = undefined;
    readPadded(this.source, bytes, offset + ((first % this.perBlock) * this.bits) / 8);
    this.bytesRead += bytes.length;
    const empty = isZero(bytes, 0, bytes.length);
    if (empty) this.spare = bytes;
    // Empty pieces cost next to nothing, but there may be millions of them.
    if (this.cache.size >= this.maxPieces) this.dropOldest();
    const piece = empty ? NOTHING : bytes;
    this.cache.set(number, piece);
    return piece;
  }

  private dropOldest(): void {
    for (const [number, piece] of this.cache) {
      this.cache.delete(number);
      if (piece !== NOTHING) this.spare = piece;
      return;
    }
  }

  private decode(bytes: Uint8Array, index: number): number {
    switch (this.bits) {
      case 16:
        return ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0);
      case 8:
        return bytes[index] ?? 0;
      case 32:
        return u32be(bytes, index * 4);
      case 64:
        return u32be(bytes, index * 8) * TWO_32 + u32be(bytes, index * 8 + 4);
      default: {
        // Counts of 1, 2 and 4 bits stand in a byte from its least significant bits up.
        const perByte = 8 / this.bits;
        const byte = bytes[Math.floor(index / perByte)] ?? 0;
        return (byte >>> ((index % perByte) * this.bits)) & this.most;
      }
    }
  }
}

/**
 * QEMU's own test for space that was promised and never written (block/qcow2-refcount.c,
 * qcow2_detect_metadata_preallocation): clearly more clusters are in use than the host has given the file space for.
 * @param holder the file with the data clusters: the image's own, or its data file
 * @returns where that file has holes, or undefined when nothing points at any
 */
export function unwrittenSpace(source: ByteSource, holder: ByteSource, geometry: Geometry): HostExtents | undefined {
  if (source.diskUsage === undefined || !holder.extents) return undefined;
  const given = Math.floor(source.diskUsage / geometry.clusterSize);
  const threshold = Math.max(Math.floor((given * 10) / 9), given + 2);
  const clusters = Math.ceil(source.size / geometry.clusterSize);
  if (clusters < threshold) return undefined;
  return new Refcounts(source, geometry).countInUse(clusters, threshold) >= threshold ? holder.extents() : undefined;
}
