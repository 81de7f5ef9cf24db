import { COMPLETE_FIRST, PAST_END } from '../../../checkWords';
import type { Use } from '../../../model';
import { formatOffset } from '../../../units';
import type { Geometry } from '../mapping';
import type { Claim, HostClusters } from './hostClusters';
import type { EntryPlace, Notes } from './notes';

/** A part of the file that something refers to. */
export interface Region {
  /** For messages: "the snapshot table", "a data cluster". */
  readonly what: string;
  readonly offset: number;
  readonly length: number;
  readonly use: Use;
  readonly claim: Claim;
  /** How often it is referred to from one place: by a table that several L1 tables share. */
  readonly times: number;
  /** Number of the guest cluster that is kept there, for data. */
  readonly guest?: number;
  /** What of the file refers to it, where that is told. */
  readonly from?: { readonly start: number; readonly end: number };
  readonly entry?: EntryPlace;
}

/**
 * Counts references to parts of the file. QEMU lets a part end up to a cluster past the end of the file, as the last
 * cluster may be written in part; what goes further is told and not counted (block/qcow2-refcount.c,
 * qcow2_inc_refcounts_imrt).
 */
export class References {
  /** The file is gone through once for each window of clusters; what is wrong is told the first time. */
  telling = true;

  constructor(
    readonly clusters: HostClusters,
    private readonly fileSize: number,
    private readonly geometry: Geometry,
    private readonly notes: Notes,
  ) {}

  add(region: Region): void {
    const { offset, length, use, claim, times, guest = 0 } = region;
    const { clusterSize } = this.geometry;
    if (length <= 0) return;
    if (this.isPastEnd(offset, length)) {
      if (this.telling) this.tellPastEnd(region);
      return;
    }
    const last = Math.floor((offset + length - 1) / clusterSize);
    for (let cluster = Math.floor(offset / clusterSize); cluster <= last; cluster += 1) {
      this.clusters.add(cluster, times, use, claim, guest);
    }
  }

  isPastEnd(offset: number, length: number): boolean {
    return offset + length - this.fileSize >= this.geometry.clusterSize;
  }

  private tellPastEnd({ what, offset, length, times, from, entry }: Region): void {
    const { l2EntryBytes } = this.geometry;
    const start = entry && entry.table + entry.index * l2EntryBytes;
    const host =
      from ?? (start === undefined ? { start: offset, end: offset + length } : { start, end: start + l2EntryBytes });
    this.notes.add('corruption', times, PAST_END, () => ({
      message: `${what} at ${formatOffset(offset)} is said to end past the end of the file`,
      advice: `${COMPLETE_FIRST} What is not there reads as zeros.`,
      offset: host.start,
      host,
      ...(entry && { entry }),
    }));
  }
}
