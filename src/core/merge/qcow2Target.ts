import { DiskError } from '../errors';
import type { Qcow2Header } from '../formats/qcow2/header';
import { readHeader } from '../formats/qcow2/header';
import { L1Table } from '../formats/qcow2/l1';
import { Geometry } from '../formats/qcow2/mapping';
import type { ChainLayer } from '../model';
import { guestOffset, Kind } from '../model';
import { ClusterSpace } from './clusterSpace';
import { LayerRuns } from './layerRuns';
import type { Effect, Target } from './target';
import type { Write } from './writes';

/** What the entry of a guest cluster says. */
interface Entry {
  /** Where its cluster is, as a number of clusters; -1 for none of its own. */
  host: number;
  compressed: boolean;
}

/**
 * A qcow2 image that is written to in thought, as block/qcow2-cluster.c does it: which clusters are given out for data,
 * L2 tables and counts, and which are let go.
 */
export class Qcow2Target implements Target {
  readonly geometry: Geometry;
  private readonly header: Qcow2Header;
  private readonly space: ClusterSpace;
  private readonly runs: LayerRuns;
  private l1: L1Table;
  private readonly hasBacking: boolean;
  private guestSize: number;
  /** Entries as they are after what was written, of the clusters around the last write. */
  private readonly changed = new Map<number, Entry>();
  /** L2 tables that are there by now. */
  private readonly tables = new Set<number>();
  private clusters = 0;
  /** Up to where clusters are counted as copied into. */
  private countedTo = 0;
  /** The cluster in which the disk ended before it grew, and what became of it. */
  private atOldEnd: { readonly cluster: number; readonly entry: Entry } | undefined;
  /** That cluster, where it was written to as the disk grew; else -1. And whether it was so later on. */
  private headOfGrowth = -1;
  private headOfGrowthAgain = false;

  /** @param inOrder one write is over before the next begins, so that it is known where each finds its space */
  constructor(
    private readonly holder: ChainLayer,
    private readonly inOrder: boolean,
  ) {
    this.header = readHeader(holder.source);
    this.geometry = new Geometry(this.header);
    this.space = new ClusterSpace(holder.source, this.geometry);
    this.runs = new LayerRuns(holder);
    this.guestSize = holder.layer.guestSize;
    this.hasBacking = holder.layer.parent !== undefined;
    const place = { offset: this.header.l1Offset, entries: this.header.l1Entries };
    this.l1 = new L1Table(holder.source, this.geometry, place, this.guestSize);
  }

  write(write: Write): void {
    const { start, end, how } = write;
    this.forget(start);
    if (how === 'copy') this.copy(start, end);
    else this.zero(start, end, write.unmap);
  }

  /** block/qcow2.c, qcow2_co_truncate: a longer L1 table where it has to be, and zeros where a parent would show through. */
  grow(guestSize: number, below: number): void {
    const { clusterSize, subclusterSize, l2Span } = this.geometry;
    const entries = Math.ceil(guestSize / l2Span);
    const before = this.header.l1Entries;
    if (entries > before) {
      this.space.allocate(Math.max(1, Math.ceil((entries * 8) / clusterSize)));
      const old = Math.ceil((before * 8) / clusterSize);
      if (old > 0) this.space.release(this.header.l1Offset / clusterSize, old);
    }
    const from = this.guestSize;
    this.guestSize = guestSize;
    if (below <= from) return;
    const runs = new LayerRuns(this.holder);
    const last = Math.floor(from / clusterSize);
    if (from % clusterSize !== 0) this.changed.set(last, this.read(last, runs));
    runs.close();
    const unit = Math.ceil(from / subclusterSize) * subclusterSize;
    if (unit < guestSize) this.zero(unit, guestSize, false);
    // What is left of the last old subcluster is written as data.
    if (unit > from) {
      this.copy(from, Math.min(unit, guestSize));
      this.countedTo = 0;
      this.headOfGrowth = last;
    }
    const entry = this.changed.get(last);
    if (entry) this.atOldEnd = { cluster: last, entry };
    this.changed.clear();
  }

  finish(): Effect {
    const { clusterSize } = this.geometry;
    this.runs.close();
    // The cluster that was written to while the disk grew is counted once.
    const twice = this.headOfGrowthAgain ? 1 : 0;
    const unsure = this.inOrder ? 0 : this.space.blocksAtWorst();
    const bitmaps = this.clusters > 0 ? this.mostForBitmaps() : 0;
    return {
      moved: (this.clusters - twice) * clusterSize,
      growth: (this.space.grown + unsure + bitmaps) * clusterSize,
      // What was not closed in order is put in order first, which may free or take clusters.
      exact: !this.header.dirty && unsure === 0 && bitmaps === 0,
    };
  }

  /** Bitmaps that note what is written: clusters that these may take for it, with their new tables and directory. */
  private mostForBitmaps(): number {
    const { clusterSize } = this.geometry;
    const noting = this.holder.layer.bitmaps.filter(({ flags }) => flags.includes('auto') && !flags.includes('in-use'));
    const each = noting.map(({ granularity }) => {
      const clusters = Math.ceil(this.guestSize / granularity / 8 / clusterSize);
      return clusters + Math.ceil((clusters * 8) / clusterSize);
    });
    return noting.length === 0 ? 0 : each.reduce((sum, clusters) => sum + clusters, 1);
  }

  private copy(start: number, end: number): void {
    const { clusterSize } = this.geometry;
    this.count(Math.floor(start / clusterSize), Math.ceil(end / clusterSize));
    const last = Math.ceil(end / clusterSize);
    // Where what is written next has to lie to go on with what was written last, as a number of clusters.
    let expected = -1;
    for (let cluster = Math.floor(start / clusterSize); cluster < last;) {
      this.needTable(cluster);
      const stop = Math.min(last, this.sliceEnd(cluster));
      const own = this.ownPlace(cluster);
      if (own >= 0) {
        if (expected >= 0 && expected !== own) {
          expected = -1;
          continue;
        }
        let next = cluster + 1;
        while (next < stop && this.ownPlace(next) === own + (next - cluster)) next += 1;
        expected = own + (next - cluster);
        cluster = next;
        continue;
      }
      let next = cluster + 1;
      while (next < stop && this.ownPlace(next) < 0) next += 1;
      let first = expected;
      let count = next - cluster;
      if (expected < 0) first = this.space.allocate(count);
      else count = this.space.allocateAt(expected, count);
      if (count === 0) {
        expected = -1;
        continue;
      }
      for (let index = 0; index < count; index += 1) this.put(cluster + index, first + index);
      expected = first + count;
      cluster += count;
    }
  }

  /** qcow2_subcluster_zeroize. */
  private zero(start: number, end: number, unmap: boolean): void {
    const { clusterSize } = this.geometry;
    const toEnd = end >= this.guestSize;
    const first = Math.ceil(start / clusterSize);
    const last = toEnd ? Math.ceil(end / clusterSize) : Math.floor(end / clusterSize);
    if (this.header.version < 3) {
      if (this.hasBacking) {
        this.copy(start, end);
        return;
      }
    } else {
      const head = start % clusterSize !== 0 ? Math.floor(start / clusterSize) : -1;
      const tail = !toEnd && end % clusterSize !== 0 ? last : -1;
      for (const part of [head, tail]) {
        if (part < 0) continue;
        if (this.entry(part).compressed) {
          // Part of a compressed cluster can't be told to be zero: zeros are written.
          this.copy(start, end);
          return;
        }
        this.needTable(part);
      }
    }
    for (let cluster = first; cluster < last; cluster += 1) {
      this.needTable(cluster);
      const { host, compressed } = this.entry(cluster);
      if (compressed) this.releaseCompressed(cluster);
      else if (host >= 0 && unmap) this.space.release(host, 1);
      if (compressed || unmap) this.changed.set(cluster, { host: -1, compressed: false });
    }
  }

  /** Gives a cluster a place, in the stead of what it had. */
  private put(cluster: number, host: number): void {
    const { host: before, compressed } = this.entry(cluster);
    if (compressed) this.releaseCompressed(cluster);
    else if (before >= 0) this.space.release(before, 1);
    this.changed.set(cluster, { host, compressed: false });
  }

  private releaseCompressed(cluster: number): void {
    const { clusterSize } = this.geometry;
    const view = this.holder.layer.views[0];
    if (!view) return;
    const trace = this.holder.layer.trace(view, guestOffset(cluster * clusterSize));
    const from = trace.hostOffset ?? 0;
    const length = trace.compressedLength ?? 0;
    if (length === 0) return;
    const first = Math.floor(from / clusterSize);
    this.space.release(first, Math.floor((from + length - 1) / clusterSize) - first + 1);
  }

  /** The place of a cluster that can be written where it is, or -1. */
  private ownPlace(cluster: number): number {
    const { host, compressed } = this.entry(cluster);
    return !compressed && host >= 0 && this.space.of(host) === 1 ? host : -1;
  }

  /** An L2 table for a cluster: a new one, or one that is no snapshot's too. */
  private needTable(cluster: number): void {
    const { clusterSize, l2Span } = this.geometry;
    const index = Math.floor((cluster * clusterSize) / l2Span);
    if (this.tables.has(index)) return;
    this.tables.add(index);
    const table = this.l1.l2Offset(index);
    if (table < 0) throw damaged(cluster * clusterSize);
    if (table > 0 && this.space.of(table / clusterSize) === 1) return;
    this.space.allocate(1);
    if (table > 0) this.space.release(table / clusterSize, 1);
  }

  private sliceEnd(cluster: number): number {
    const perTable = this.geometry.l2Entries;
    return cluster - (cluster % perTable) + perTable;
  }

  private entry(cluster: number): Entry {
    let entry = this.changed.get(cluster);
    if (entry) return entry;
    entry = this.atOldEnd?.cluster === cluster ? this.atOldEnd.entry : this.read(cluster, this.runs);
    this.changed.set(cluster, entry);
    return entry;
  }

  private read(cluster: number, runs: LayerRuns): Entry {
    const { clusterSize } = this.geometry;
    const at = cluster * clusterSize;
    const entry: Entry = { host: -1, compressed: false };
    for (let offset = at; offset < at + clusterSize; offset = runs.end) {
      runs.seek(offset);
      const { kind, host, broken } = runs;
      if (broken) throw damaged(offset);
      if (kind === Kind.Compressed) entry.compressed = true;
      else if (host >= 0) entry.host = Math.floor(host / clusterSize);
      if (kind === Kind.Compressed || host >= 0) break;
    }
    return entry;
  }

  /** Writes come in rising order: what lies before is not asked for again. */
  private forget(start: number): void {
    const first = Math.floor(start / this.geometry.clusterSize);
    for (const cluster of this.changed.keys()) {
      if (cluster >= first) break;
      this.changed.delete(cluster);
    }
  }

  private count(from: number, to: number): void {
    const fresh = Math.max(from, this.countedTo);
    this.clusters += Math.max(0, to - fresh);
    if (fresh <= this.headOfGrowth && this.headOfGrowth < to) this.headOfGrowthAgain = true;
    this.countedTo = Math.max(this.countedTo, to);
  }
}

const damaged = (offset: number): DiskError =>
  new DiskError(
    'corrupt',
    `what the image says of guest byte ${offset} can't be true`,
    {},
    'Check it first: vmdisk check.',
  );
