import type { Geometry } from '../formats/qcow2/mapping';
import { Refcounts } from '../formats/qcow2/refcounts';
import type { ByteSource } from '../model';
import { Intervals } from './intervals';

/** The caller is to look for free clusters anew, as QEMU's -EAGAIN. */
const AGAIN = false;
const TABLE_ENTRY_BYTES = 8;

/**
 * The clusters of a qcow2 file as QEMU's allocator gives them out and takes them back (block/qcow2-refcount.c:
 * alloc_clusters_noref, update_refcount, alloc_refcount_block, qcow2_refcount_area), without writing any. New blocks of
 * reference counts, and a larger table of them, come of themselves.
 */
export class ClusterSpace {
  /** Clusters in use more than in the beginning. */
  grown = 0;
  /** Clusters that were let go. */
  freed = 0;
  /** Free clusters that lie before others in use, as far as they were met. */
  holesMet = 0;
  private readonly refcounts: Refcounts;
  private readonly perBlock: number;
  private readonly taken = new Intervals();
  private readonly counts = new Map<number, number>();
  private readonly blocks = new Set<number>();
  private tableEntries: number;
  private tableFirst: number;
  private free = 0;
  private given = 0;
  private readonly fileClusters: number;

  constructor(
    source: ByteSource,
    private readonly geometry: Geometry,
  ) {
    const { header, clusterSize } = geometry;
    this.refcounts = new Refcounts(source, geometry);
    this.perBlock = (clusterSize * 8) / 2 ** header.refcountOrder;
    this.tableEntries = (header.refcountTableClusters * clusterSize) / TABLE_ENTRY_BYTES;
    this.tableFirst = header.refcountTableOffset / clusterSize;
    this.fileClusters = Math.ceil(source.size / clusterSize);
  }

  /** How often a cluster is referred to. */
  of(cluster: number): number {
    if (this.taken.has(cluster)) return 1;
    return this.counts.get(cluster) ?? this.refcounts.of(cluster);
  }

  /**
   * Blocks of counts that it may take beyond those that were made, where free clusters in the middle are taken in
   * another order, so that more comes to lie at the end.
   */
  blocksAtWorst(): number {
    if (this.holesMet + this.freed === 0) return 0;
    const end = this.fileClusters + this.given;
    let missing = 0;
    for (let block = Math.floor(end / this.perBlock); block >= 0 && !this.hasBlock(block); block -= 1) missing += 1;
    return missing;
  }

  /** Takes `count` clusters in a row. @returns the first */
  allocate(count: number): number {
    for (;;) {
      const first = this.find(count);
      if (this.take(first, count)) return first;
    }
  }

  /** Takes as many clusters in a row from `first` on as are free, at most `count`. */
  allocateAt(first: number, count: number): number {
    for (;;) {
      let free = 0;
      while (free < count && this.of(first + free) === 0) free += 1;
      if (free === 0 || this.take(first, free)) return free;
    }
  }

  /** Takes one reference of each of these clusters away. */
  release(first: number, count: number): void {
    for (let cluster = first; cluster < first + count; cluster += 1) {
      const before = this.of(cluster);
      if (before <= 0) continue;
      if (this.taken.has(cluster)) this.taken.remove(cluster);
      this.counts.set(cluster, before - 1);
      if (before > 1) continue;
      this.grown -= 1;
      this.freed += 1;
      this.free = Math.min(this.free, cluster);
    }
  }

  private find(count: number): number {
    for (let run = 0; run < count;) {
      const cluster = this.free;
      this.free += 1;
      if (this.of(cluster) === 0) {
        run += 1;
        if (cluster < this.fileClusters) this.holesMet += 1;
      } else {
        run = 0;
        // Past what is in use of a row of clusters at once.
        this.free = Math.max(this.free, this.taken.endAround(cluster) ?? 0);
      }
    }
    return this.free - count;
  }

  private take(first: number, count: number): boolean {
    for (let at = first; at < first + count;) {
      const block = Math.floor(at / this.perBlock);
      if (!this.hasBlock(block)) {
        this.makeBlock(block, at);
        this.free = Math.min(this.free, first);
        return AGAIN;
      }
      at = (block + 1) * this.perBlock;
    }
    this.mark(first, count);
    return true;
  }

  private mark(first: number, count: number): void {
    for (let cluster = first; cluster < first + count && this.counts.size > 0; cluster += 1)
      this.counts.delete(cluster);
    this.taken.add(first, first + count);
    this.grown += count;
    this.given += count;
  }

  private hasBlock(block: number): boolean {
    if (this.blocks.has(block)) return true;
    const { table } = this.refcounts;
    const at = block * TABLE_ENTRY_BYTES;
    return at + TABLE_ENTRY_BYTES <= table.byteLength && (table.getUint32(at) !== 0 || table.getUint32(at + 4) !== 0);
  }

  /** A block for the counts of `cluster`. What asked for it looks for free clusters anew. */
  private makeBlock(block: number, cluster: number): void {
    const place = this.find(1);
    if (Math.floor(place / this.perBlock) === block) this.mark(place, 1);
    else if (!this.take(place, 1)) return;
    this.blocks.add(block);
    if (block < this.tableEntries) return;
    const used = Math.ceil((Math.max(cluster, place) + 1) / this.perBlock);
    this.growTable(used * this.perBlock);
  }

  /** A larger table with blocks that count it and themselves, at the end of the file. */
  private growTable(start: number): void {
    const perTableCluster = this.geometry.clusterSize / TABLE_ENTRY_BYTES;
    const blocks = this.blocksFor(start);
    const entries = Math.ceil((blocks + Math.ceil(blocks / 2)) / perTableCluster) * perTableCluster;
    let made = 0;
    for (let block = start / this.perBlock; block < blocks; block += 1) {
      if (this.hasBlock(block)) continue;
      this.blocks.add(block);
      made += 1;
    }
    const oldClusters = this.tableEntries / perTableCluster;
    const oldFirst = this.tableFirst;
    this.mark(start, made + entries / perTableCluster);
    this.tableEntries = entries;
    this.tableFirst = start + made;
    this.release(oldFirst, oldClusters);
  }

  /** qcow2_refcount_metadata_size, generously: blocks that count so many clusters, themselves and their table. */
  private blocksFor(wanted: number): number {
    const perTableCluster = this.geometry.clusterSize / TABLE_ENTRY_BYTES;
    let clusters = wanted;
    let generous = true;
    let blocks = 0;
    let table = 0;
    for (let last = -1, all = 0; all !== last;) {
      last = all;
      blocks = Math.ceil((clusters + table + blocks) / this.perBlock);
      table = Math.ceil(blocks / perTableCluster);
      all = clusters + blocks + table;
      if (all === last && generous) {
        clusters += Math.ceil(table / 2);
        all = 0;
        generous = false;
      }
    }
    return blocks;
  }
}
