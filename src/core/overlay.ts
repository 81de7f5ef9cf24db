import { setU16be, setU64be } from './bytes';
import { headerBytes } from './convert/qcow2/header';
import { ENTRY_BYTES, REFCOUNT_BYTES } from './convert/qcow2/layout';
import { DiskError } from './errors';
import { LIMITS } from './formats/qcow2/limits';
import type { Sink } from './model';
import type { OverlayShape } from './snapshots/model';
import { formatBytes } from './units';

/** A qcow2 image that holds nothing yet: all of its disk is its parent's. */
export interface Overlay {
  /** Bytes, whole sectors. */
  readonly guestSize: number;
  readonly shape: OverlayShape;
  /** The parent's name as it is to be written, and the format of the parent, which is never left to be guessed. */
  readonly backing: { readonly name: string; readonly format: string };
}

/** Where an overlay's tables lie, in whole clusters: the header's, then refcount table, refcount blocks, L1 table. */
export interface OverlayLayout {
  readonly refcountTableClusters: number;
  readonly refcountBlocks: number;
  readonly l1Entries: number;
  readonly l1Clusters: number;
  /** Bytes of the file. */
  readonly fileSize: number;
}

/** Cluster sizes that there are, in bytes, smallest first. */
export const CLUSTER_SIZES: readonly number[] = Array.from(
  { length: LIMITS.maxClusterBits - LIMITS.minClusterBits + 1 },
  (_, index) => 2 ** (LIMITS.minClusterBits + index),
);
/** An L2 entry with the two bitmaps of its subclusters; docs/interop/qcow2.rst, "Extended L2 Entries". */
const EXTENDED_ENTRY_BYTES = 16;
const SMALLEST_EXTENDED = 2 ** LIMITS.minClusterBitsExtendedL2;

/** The smallest clusters, in bytes, with which QEMU opens a disk of this size. */
export function smallestCluster(guestSize: number, extendedL2: boolean): number {
  const fits = CLUSTER_SIZES.find(
    (clusterSize) =>
      (!extendedL2 || clusterSize >= SMALLEST_EXTENDED) &&
      l1EntriesOf(guestSize, clusterSize, extendedL2) * ENTRY_BYTES <= LIMITS.maxL1Bytes,
  );
  // Clusters of 2 MiB map 2^60 bytes, and a size is a safe integer.
  if (fits === undefined) throw new DiskError('limit', `a disk of ${formatBytes(guestSize)} is larger than can be`);
  return fits;
}

/**
 * What an overlay of this shape takes.
 * @throws DiskError `unsupported` for a shape that does not exist, `limit` when the disk needs larger clusters
 */
export function layOutOverlay(guestSize: number, { clusterSize, extendedL2, compat }: OverlayShape): OverlayLayout {
  assertShape({ clusterSize, extendedL2, compat });
  const l1Entries = l1EntriesOf(guestSize, clusterSize, extendedL2);
  if (l1Entries * ENTRY_BYTES > LIMITS.maxL1Bytes) {
    throw new DiskError(
      'limit',
      `a disk of ${formatBytes(guestSize)} does not fit into a qcow2 image with clusters of ${formatBytes(clusterSize)}${extendedL2 ? ' and extended L2 entries' : ''}`,
      {},
      `Choose clusters of at least ${formatBytes(smallestCluster(guestSize, extendedL2))}.`,
    );
  }
  const l1Clusters = Math.ceil((l1Entries * ENTRY_BYTES) / clusterSize);
  const blockClusters = clusterSize / REFCOUNT_BYTES;
  // The counts count themselves, too.
  let refcountTableClusters = 1;
  let refcountBlocks = 1;
  for (;;) {
    const clusters = 1 + refcountTableClusters + refcountBlocks + l1Clusters;
    const blocks = Math.ceil(clusters / blockClusters);
    const tableClusters = Math.ceil((blocks * ENTRY_BYTES) / clusterSize);
    if (blocks <= refcountBlocks && tableClusters <= refcountTableClusters) {
      return { refcountTableClusters, refcountBlocks, l1Entries, l1Clusters, fileSize: clusters * clusterSize };
    }
    refcountBlocks = Math.max(blocks, refcountBlocks);
    refcountTableClusters = Math.max(tableClusters, refcountTableClusters);
  }
}

/**
 * Writes an overlay: its tables, and then the header, so that what is not complete is no image at all.
 * @throws DiskError `unsupported`, `limit` before anything is written; `io`
 */
export function writeOverlay(sink: Sink, { guestSize, shape, backing }: Overlay): OverlayLayout {
  const layout = layOutOverlay(guestSize, shape);
  const { clusterSize } = shape;
  const tableAt = clusterSize;
  const blocksAt = tableAt + layout.refcountTableClusters * clusterSize;
  const l1At = blocksAt + layout.refcountBlocks * clusterSize;
  const header = headerBytes({
    version: shape.compat === '1.1' ? 3 : 2,
    clusterBits: Math.log2(clusterSize),
    guestSize,
    l1Entries: layout.l1Entries,
    l1Offset: layout.l1Entries === 0 ? 0 : l1At,
    refcountTableOffset: tableAt,
    refcountTableClusters: layout.refcountTableClusters,
    extendedL2: shape.extendedL2,
    backing,
  });
  const table = new Uint8Array(layout.refcountBlocks * ENTRY_BYTES);
  for (let block = 0; block < layout.refcountBlocks; block += 1) {
    setU64be(table, block * ENTRY_BYTES, blocksAt + block * clusterSize);
  }
  // Every cluster of the file is referred to once. The L1 table is all zeros, as is what is never written.
  const counts = new Uint8Array((layout.fileSize / clusterSize) * REFCOUNT_BYTES);
  for (let at = 0; at < counts.length; at += REFCOUNT_BYTES) setU16be(counts, at, 1);
  sink.setSize(layout.fileSize);
  sink.writeAt(table, tableAt);
  sink.writeAt(counts, blocksAt);
  sink.writeAt(header, 0);
  return layout;
}

/** Entries of the L1 table: each stands for an L2 table, which takes one cluster. */
function l1EntriesOf(guestSize: number, clusterSize: number, extendedL2: boolean): number {
  const entries = clusterSize / (extendedL2 ? EXTENDED_ENTRY_BYTES : ENTRY_BYTES);
  return Math.ceil(guestSize / (entries * clusterSize));
}

function assertShape({ clusterSize, extendedL2, compat }: OverlayShape): void {
  if (!CLUSTER_SIZES.includes(clusterSize)) {
    throw new DiskError(
      'unsupported',
      `clusters of ${clusterSize} bytes do not exist in qcow2`,
      {},
      'Choose a power of two from 512 bytes to 2 MiB.',
    );
  }
  if (extendedL2 && clusterSize < SMALLEST_EXTENDED) {
    throw new DiskError(
      'unsupported',
      `extended L2 entries do not go with clusters of ${formatBytes(clusterSize)}`,
      {},
      `Choose clusters of at least ${formatBytes(SMALLEST_EXTENDED)}.`,
    );
  }
  if (extendedL2 && compat === '0.10') {
    throw new DiskError(
      'unsupported',
      'extended L2 entries need version 3 of the format, which is compat 1.1',
      {},
      'Leave one of the two out.',
    );
  }
}
