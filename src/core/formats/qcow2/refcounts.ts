import { readPadded, readUpTo, u32be } from '../../bytes';
import type { ByteSource, HostExtents } from '../../model';
import type { Geometry } from './mapping';

const TWO_32 = 2 ** 32;
/** docs/interop/qcow2.rst, "Refcount table entry": bits 9-63 are the offset. */
const TABLE_LOW_MASK = 0xffff_fe00;
const BLOCK_PIECE = 64 * 1024;
/** Ours: refcount blocks that are counted, bytes. 16-bit counts of 64 KiB clusters come to that at 4 TiB. */
const MOST_COUNTED_BYTES = 128 * 2 ** 20;

/** Reference counts of host clusters: docs/interop/qcow2.rst, "Host cluster management". */
export class Refcounts {
  private readonly bits: number;
  private readonly perBlock: number;

  constructor(
    private readonly source: ByteSource,
    private readonly geometry: Geometry,
  ) {
    this.bits = 2 ** geometry.header.refcountOrder;
    this.perBlock = (geometry.clusterSize * 8) / this.bits;
  }

  /** Counts the clusters of `[0, clusters)` in use, stopping once there are `enough` or it has read too much. */
  countInUse(clusters: number, enough: number): number {
    const { header, clusterSize } = this.geometry;
    const table = readUpTo(this.source, header.refcountTableOffset, header.refcountTableClusters * clusterSize);
    const blocks = Math.min(Math.floor(table.length / 8), Math.ceil(clusters / this.perBlock));
    let blocksLeft = Math.floor(MOST_COUNTED_BYTES / clusterSize);
    let used = 0;
    for (let block = 0; block < blocks && used < enough && blocksLeft > 0; block += 1) {
      const offset = u32be(table, block * 8) * TWO_32 + ((u32be(table, block * 8 + 4) & TABLE_LOW_MASK) >>> 0);
      // Where there is no block, or it lies past the end, the counts are 0.
      if (offset === 0 || offset >= this.source.size) continue;
      used += this.countInBlock(offset, Math.min(this.perBlock, clusters - block * this.perBlock));
      blocksLeft -= 1;
    }
    return used;
  }

  /** How many of the first `entries` counts of the block at `offset` are not zero. */
  private countInBlock(offset: number, entries: number): number {
    let used = 0;
    const bytes = Math.ceil((entries * this.bits) / 8);
    for (let at = 0; at < bytes; at += BLOCK_PIECE) {
      const piece = new Uint8Array(Math.min(BLOCK_PIECE, bytes - at));
      readPadded(this.source, piece, offset + at);
      used += this.bits < 8 ? this.countNarrow(piece, entries - (at * 8) / this.bits) : this.countWide(piece);
    }
    return used;
  }

  /** Counts of 1, 2 and 4 bits stand in a byte from its least significant bits up. */
  private countNarrow(piece: Uint8Array, entries: number): number {
    const perByte = 8 / this.bits;
    const mask = 2 ** this.bits - 1;
    const end = Math.min(entries, piece.length * perByte);
    let used = 0;
    for (let entry = 0; entry < end; entry += 1) {
      const shift = (entry % perByte) * this.bits;
      if ((((piece[Math.floor(entry / perByte)] ?? 0) >>> shift) & mask) !== 0) used += 1;
    }
    return used;
  }

  private countWide(piece: Uint8Array): number {
    const step = this.bits / 8;
    let used = 0;
    for (let at = 0; at < piece.length; at += step) {
      for (let i = at; i < at + step; i += 1) {
        if ((piece[i] ?? 0) !== 0) {
          used += 1;
          break;
        }
      }
    }
    return used;
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
