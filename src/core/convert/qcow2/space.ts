import { setU16be, setU64be, u16be } from '../../bytes';
import type { Sink } from '../../model';
import { BLOCK_CLUSTERS, CLUSTER, ENTRY_BYTES, REFCOUNT_BYTES } from './layout';

/**
 * Space in a qcow2 file that grows from its start to its end, and the count of who refers to each cluster. One refcount
 * block is in memory: as soon as the space it counts is given out, it is written to the next cluster.
 */
export class Space {
  /** End of the space given out, bytes; whole clusters. */
  private end = 0;
  private readonly block = new Uint8Array(CLUSTER);
  /** Where each complete block was written; the one in memory comes next. */
  private readonly blocks: number[] = [];
  /** Space for compressed streams that is left in a cluster which has some already: `[tail, tailEnd)`. */
  private tail = 0;
  private tailEnd = 0;

  constructor(private readonly sink: Sink) {}

  /** @returns where `clusters` clusters begin, each of which one refers to */
  clusters(clusters: number): number {
    const position = this.end;
    const end = position + clusters * CLUSTER;
    // Counting may take space for itself, behind this.
    this.end = end;
    for (let at = position; at < end; at += CLUSTER) this.count(at);
    return position;
  }

  /**
   * Space for a compressed stream of `length` bytes, less than a cluster. Streams are packed without gaps where they
   * can be, and each counts once for every cluster that it touches.
   */
  bytes(length: number): number {
    let position = this.tail;
    if (position + length <= this.tailEnd) this.count(position);
    else {
      // What is left of a cluster is of use only when the stream can go on right behind it.
      const goesOn = position < this.tailEnd && this.tailEnd === this.end;
      if (goesOn) this.count(position);
      const next = this.clusters(1);
      if (!goesOn) position = next;
      this.tailEnd = next + CLUSTER;
    }
    this.tail = position + length;
    return position;
  }

  /**
   * Writes the counts that are still in memory and the table of all. No space can be had afterwards.
   * @returns where the refcount table is
   */
  finish(): { readonly offset: number; readonly clusters: number } {
    const clusters = this.tableClusters();
    const offset = this.clusters(clusters);
    this.writeBlock(this.clusters(1));
    const table = new Uint8Array(clusters * CLUSTER);
    this.blocks.forEach((position, index) => {
      setU64be(table, index * ENTRY_BYTES, position);
    });
    this.sink.writeAt(table, offset);
    this.sink.setSize(this.end);
    return { offset, clusters };
  }

  private count(position: number): void {
    const cluster = Math.floor(position / CLUSTER);
    if (Math.floor(cluster / BLOCK_CLUSTERS) !== this.blocks.length) this.nextBlock();
    const at = (cluster % BLOCK_CLUSTERS) * REFCOUNT_BYTES;
    setU16be(this.block, at, u16be(this.block, at) + 1);
  }

  /** The block is complete once space behind what it counts is given out. */
  private nextBlock(): void {
    const position = this.end;
    this.end += CLUSTER;
    this.writeBlock(position);
    this.block.fill(0);
    this.tailEnd = this.tail;
    this.count(position);
  }

  private writeBlock(position: number): void {
    this.sink.writeAt(this.block, position);
    this.blocks.push(position);
  }

  private tableClusters(): number {
    for (let clusters = 1; ; clusters += 1) {
      // Besides the table there are at most two blocks to come.
      const blocks = Math.ceil((this.end / CLUSTER + clusters + 2) / BLOCK_CLUSTERS);
      if (blocks * ENTRY_BYTES <= clusters * CLUSTER) return clusters;
    }
  }
}
