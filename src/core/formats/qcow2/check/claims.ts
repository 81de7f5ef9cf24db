import type { ByteSource, CheckProblem, GuestRange } from '../../../model';
import { guestTold, MAX_TOLD, MAX_TOUCHED } from '../../check/guestRanges';
import type { Geometry } from '../mapping';
import { isCopied, offsetOf } from '../mapping';
import { l1Entries } from './l1Tables';
import type { L2Tables } from './l2Tables';
import type { EntryPlace, Note } from './notes';
import type { Region } from './references';
import type { State } from './states';

/** Clusters whose claims are looked for, and entries that claim them. */
const MAX_CLUSTERS = 4096;
const MAX_CLAIMS = 1 << 16;
const MAX_PLACES = 8;
const MAX_L1_BYTES = 2 ** 30;
const COMPRESSED_FLAG = 0x4000_0000;

/** Where an L1 table refers to an L2 table. */
interface TablePlace {
  readonly state: State;
  readonly l1Index: number;
}

/** Finds out who refers to the clusters of problems, and which of the guest's bytes each problem touches. */
export class Claims {
  /** Problem clusters → who claims them. */
  private readonly clusters = new Map<number, { readonly entries: EntryPlace[]; readonly others: string[] }>();
  /** L2 tables whose places are needed. */
  private readonly tables = new Map<number, TablePlace[]>();
  private found = 0;

  constructor(
    private readonly notes: readonly Note[],
    private readonly geometry: Geometry,
  ) {
    for (const { clusters, entry } of notes) {
      if (entry) this.tables.set(entry.table, []);
      if (!clusters) continue;
      for (let cluster = clusters.start; cluster < clusters.end && this.clusters.size < MAX_CLUSTERS; cluster += 1) {
        this.clusters.set(cluster, { entries: [], others: [] });
      }
    }
  }

  /** Whether the L2 tables have to be read once more. */
  get wanted(): boolean {
    return this.clusters.size > 0;
  }

  /** Looks whether a part of the file is one that is claimed. */
  region({ what, offset, length }: Pick<Region, 'what' | 'offset' | 'length'>): void {
    // Past what a number holds exactly one cluster has no next, and no file has any.
    if (length <= 0 || !Number.isSafeInteger(offset + length)) return;
    const { clusterSize } = this.geometry;
    const first = Math.floor(offset / clusterSize);
    const last = Math.floor((offset + length - 1) / clusterSize);
    if (last - first < this.clusters.size) {
      for (let cluster = first; cluster <= last; cluster += 1) this.claim(cluster, what);
    } else {
      for (const cluster of this.clusters.keys()) if (cluster >= first && cluster <= last) this.claim(cluster, what);
    }
  }

  private claim(cluster: number, what: string): void {
    const found = this.clusters.get(cluster);
    if (found && found.others.length < MAX_TOLD) found.others.push(what);
  }

  /**
   * Looks for claims among the entries of an L2 table; the table itself is a claim too.
   * @param bytes undefined where it maps nothing
   */
  table(bytes: DataView | undefined, offset: number): void {
    const { l2Entries, l2EntryBytes, clusterSize, header } = this.geometry;
    if (this.clusters.has(Math.floor(offset / clusterSize))) this.tables.set(offset, []);
    if (!bytes) return;
    for (let index = 0; index < l2Entries && this.found < MAX_CLAIMS; index += 1) {
      const high = bytes.getUint32(index * l2EntryBytes);
      const low = bytes.getUint32(index * l2EntryBytes + 4);
      if ((high | low) === 0) continue;
      const compressed = (high & COMPRESSED_FLAG) !== 0;
      if (header.externalData || (!compressed && offsetOf(high, low) === 0 && !isCopied(high))) continue;
      const span = compressed
        ? this.geometry.compressedSpan(high, low)
        : { offset: offsetOf(high, low), length: clusterSize };
      const last = Math.floor((span.offset + span.length - 1) / clusterSize);
      for (let cluster = Math.floor(span.offset / clusterSize); cluster <= last; cluster += 1) {
        const claim = this.clusters.get(cluster);
        if (!claim) continue;
        claim.entries.push({ table: offset, index });
        this.tables.set(offset, []);
        this.found += 1;
      }
    }
  }

  /** Looks which states refer to the tables, and where. */
  *states(source: ByteSource, states: readonly State[]): Generator<undefined, void, void> {
    if (this.tables.size === 0) return;
    let bytes = 0;
    for (const state of states) {
      bytes += state.l1.entries * 8;
      // Snapshots that were made to share one table are as many as there are: some of them are enough.
      if (bytes > MAX_L1_BYTES) return;
      for (const entry of l1Entries(source, state.l1)) {
        const places = entry && this.tables.get(offsetOf(entry.high, entry.low));
        if (places && places.length < MAX_PLACES) places.push({ state, l1Index: entry.index });
        if (!entry) yield undefined;
      }
    }
  }

  /** What is told of the problems. @param tables all L2 tables, of which some may themselves be claimed */
  problems(tables: L2Tables): CheckProblem[] {
    return this.notes.map((note) => this.problem(note, tables));
  }

  private problem({ entry, table, clusters, ...problem }: Note, tables: L2Tables): CheckProblem {
    const claims: string[] = [];
    const touched: GuestRange[] = [];
    const add = (what: string): void => {
      if (claims.length < MAX_TOLD) claims.push(what);
    };
    const claim = ({ table: offset, index, entries = 1 }: EntryPlace): void => {
      const which = entries === 1 ? `entry ${index}` : `entries ${index} to ${index + entries - 1}`;
      for (const { state, l1Index } of this.tables.get(offset) ?? []) {
        add(`L2 ${which} of the table at L1 index ${l1Index}, ${state.name}`);
        this.touch(touched, state, l1Index, index, entries);
      }
    };
    const claimTable = (offset: number): void => {
      for (const { state, l1Index } of this.tables.get(offset) ?? []) {
        add(`the L2 table at L1 index ${l1Index}, ${state.name}`);
        this.touch(touched, state, l1Index, 0, this.geometry.l2Entries);
      }
    };
    if (entry) claim(entry);
    if (table !== undefined) claimTable(table);
    const { clusterSize } = this.geometry;
    for (let cluster = clusters?.start ?? 0; cluster < (clusters?.end ?? 0); cluster += 1) {
      const found = this.clusters.get(cluster);
      if (!found || touched.length >= MAX_TOUCHED) break;
      found.others.forEach(add);
      if (tables.at(cluster * clusterSize) >= 0) claimTable(cluster * clusterSize);
      found.entries.slice(0, MAX_TOUCHED).forEach(claim);
    }
    return { ...problem, claims, ...guestTold(touched) };
  }

  private touch(ranges: GuestRange[], { view, guestSize }: State, l1Index: number, index: number, count: number): void {
    const { l2Entries, clusterSize } = this.geometry;
    const start = (l1Index * l2Entries + index) * clusterSize;
    const end = Math.min(guestSize, start + count * clusterSize);
    // What lies behind the disk is the saved state of a VM.
    if (start < end) ranges.push({ view, start, end });
  }
}
