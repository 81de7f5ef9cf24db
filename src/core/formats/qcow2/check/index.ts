import type { CheckReport, Job, Progress } from '../../../model';
import { Use } from '../../../model';
import { formatEntry, formatOffset } from '../../../units';
import { FileMapBuilder } from '../../check/fileMapBuilder';
import { inOrder } from '../../check/telling';
import type { Qcow2Parts } from '../layer';
import type { Geometry } from '../mapping';
import { isCopied, offsetOf } from '../mapping';
import { NOT_COUNTED, Refcounts } from '../refcounts';
import { TableHoles } from '../tableHoles';
import { readTables } from '../tables';
import { Claims } from './claims';
import { CountComparison } from './counts';
import { COPIED, copiedNote } from './copiedFlags';
import { DAMAGED, EntryChecker } from './entries';
import { Claim, HostClusters } from './hostClusters';
import type { L1Entry, L1Table } from './l1Tables';
import { distinctL1Tables, l1Entries } from './l1Tables';
import { L2Tables } from './l2Tables';
import { Notes } from './notes';
import { checkRefblocks } from './refblocks';
import { References } from './references';
import type { State, States } from './states';
import { readStates } from './states';
import { bitmapRegions, fixedRegions, openingErrors } from './structures';

/** QEMU checks no file of more clusters (block/qcow2-refcount.c, qcow2_check_refcounts: INT_MAX). */
const MAX_FILE_CLUSTERS = 2 ** 31 - 1;
/** Ours: bytes of L1 tables that are read, and of L2 tables at a time. */
const MAX_L1_BYTES = 2 ** 30;
const WINDOW_BYTES = 4 << 20;

/** Ours: what a check may take. */
export interface CheckRoom {
  /** Bytes of counters of references: what they do not reach is counted in further windows of the file. */
  readonly counterBytes: number;
  /** An honest file of 64 TiB with clusters of 64 KiB needs a few dozen. */
  readonly windows: number;
  /** L2 tables that are kept account of. */
  readonly l2Tables: number;
}

const ROOM: CheckRoom = { counterBytes: 96 << 20, windows: 256, l2Tables: 2 ** 21 };

/** What `qemu-img check` does not mind, or finds by itself. */
const TOLERATED: ReadonlySet<string> = new Set(['marked-corrupt', 'refcount-table-absent']);

/** The file as it is, and what its header says. */
export type CheckedParts = Pick<Qcow2Parts, 'source' | 'header'>;

/**
 * Checks an image by itself, as `qemu-img check` does (block/qcow2-refcount.c), and further: who claims what, which of
 * the guest's bytes a problem touches, and what lies where in the file. Parents are not needed. References are counted
 * for a window of the file at a time, and tables are read in pieces: memory does not follow the image.
 */
export function checkImage(parts: CheckedParts, geometry: Geometry, room = ROOM): Job<CheckReport> {
  return new Check(parts, geometry, room).run();
}

class Check {
  private readonly notes = new Notes();
  private readonly map = new FileMapBuilder();
  private readonly tables = new L2Tables();
  private readonly refcounts: Refcounts;
  private readonly fileClusters: number;
  /** Known once all tables are. */
  private holes: TableHoles | undefined;
  private readonly progress = { done: 0, total: 1 };
  /** False where the check ended before the file did. */
  private reachedEnd = false;

  constructor(
    private readonly parts: CheckedParts,
    private readonly geometry: Geometry,
    private readonly room: CheckRoom,
  ) {
    this.refcounts = new Refcounts(parts.source, geometry);
    this.fileClusters = Math.ceil(parts.source.size / geometry.clusterSize);
  }

  *run(): Job<CheckReport> {
    const { notes, geometry } = this;
    this.tellOpeningErrors();
    if (this.fileClusters > MAX_FILE_CLUSTERS) {
      this.breakOff(`the file has ${this.fileClusters} clusters, more than QEMU checks (${MAX_FILE_CLUSTERS})`);
      return this.report(undefined, undefined, []);
    }
    const states = readStates(this.parts.source, geometry, notes);
    const l1Tables = this.boundedL1Tables(states);
    yield* this.collectTables(l1Tables);
    const references = this.references(states);
    const entries = new EntryChecker(geometry, references, this.refcounts, notes);
    const counts = new CountComparison(
      references.clusters,
      this.refcounts,
      geometry,
      notes,
      this.map,
      this.fileClusters,
    );
    yield* this.windows(references, states, l1Tables, entries, counts);
    const claims = new Claims(notes.kept, geometry);
    yield* this.findClaims(claims, states, l1Tables);
    return this.report(entries, counts, claims.problems(this.tables));
  }

  /** What keeps QEMU from opening the image at all. */
  private tellOpeningErrors(): void {
    for (const { code, severity, message, advice, offset } of this.parts.header.findings) {
      if (severity !== 'error' || TOLERATED.has(code)) continue;
      this.notes.add('error', 1, code, () => ({ message, advice, offset }));
    }
    for (const message of openingErrors(this.geometry)) this.incomplete(message, 'QEMU does not open such an image.');
  }

  private breakOff(message: string): void {
    this.incomplete(
      message,
      'What was found up to there is told; leaks are not, since what was not read may refer to them.',
    );
  }

  private incomplete(message: string, advice: string): void {
    this.notes.add('error', 1, 'check-incomplete', () => ({ message, advice }));
  }

  /** Distinct L1 tables, no more bytes of them than are read. */
  private boundedL1Tables(states: States): L1Table[] {
    const all = distinctL1Tables(states);
    let bytes = 0;
    const read = all.filter(({ entries }) => (bytes += entries * 8) <= MAX_L1_BYTES);
    if (read.length < all.length) this.breakOff('the L1 tables of the snapshots are more than are read');
    return read;
  }

  /** Reads the L1 tables: which L2 tables there are, and how often each is referred to. */
  private *collectTables(l1Tables: readonly L1Table[]): Generator<Progress, void, void> {
    for (const table of l1Tables) {
      for (const entry of l1Entries(this.parts.source, table)) {
        if (!entry) {
          yield { ...this.progress };
          continue;
        }
        const { index, high, low } = entry;
        if (this.tables.count >= this.room.l2Tables && this.tables.at(offsetOf(high, low)) < 0) {
          this.breakOff(`the image has more than ${this.room.l2Tables} L2 tables`);
          return;
        }
        this.tables.add(offsetOf(high, low), index, table.times, table.active);
      }
    }
  }

  private references({ snapshots }: States): References {
    const clusters = new HostClusters(this.fileClusters + 1, snapshots.length > 0, this.room.counterBytes);
    return new References(clusters, this.parts.source.size, this.geometry, this.notes);
  }

  /** Goes through all tables once for each window of the file. */
  private *windows(
    references: References,
    states: States,
    l1Tables: readonly L1Table[],
    entries: EntryChecker,
    counts: CountComparison,
  ): Generator<Progress, void, void> {
    const { clusters } = references;
    for (let window = 0; clusters.start < clusters.clusters; window += 1) {
      if (window === this.room.windows) {
        this.breakOff(
          `what the image refers to is strewn over its file: checked up to ${this.offsetText(clusters.start)}`,
        );
        return;
      }
      yield* this.countAll(references, states, l1Tables, entries);
      // What was not read is known by now, and may refer to any cluster.
      if (references.telling) counts.complete = this.notes.count('error') === 0;
      yield* this.paced(counts.run());
      references.telling = false;
      clusters.begin(clusters.end);
    }
    this.reachedEnd = true;
  }

  private *countAll(
    references: References,
    { snapshotTableBytes }: States,
    l1Tables: readonly L1Table[],
    entries: EntryChecker,
  ): Generator<Progress, void, void> {
    const { source, header } = this.parts;
    const told = references.telling ? this.notes : undefined;
    for (const table of l1Tables) yield* this.countL1(table, references);
    for (const region of fixedRegions(this.geometry, snapshotTableBytes)) references.add(region);
    for (const region of bitmapRegions(source, header, told)) {
      if (region) references.add(region);
      else yield { ...this.progress };
    }
    yield* this.eachTable((bytes, number) => {
      this.countTable(number, references);
      if (bytes) entries.check(bytes, this.tables, number);
    });
    const blocks = checkRefblocks(this.refcounts, references, this.geometry, this.notes, this.fileClusters);
    while (blocks.next().done !== true) yield this.progress;
  }

  private *countL1(table: L1Table, references: References): Generator<Progress, void, void> {
    const { offset, entries, active, times, from } = table;
    references.add({
      what: active ? 'the L1 table' : 'the L1 table of a snapshot',
      offset,
      length: entries * 8,
      use: active ? Use.L1 : Use.SnapshotTables,
      claim: Claim.Metadata,
      times,
      from,
    });
    if (!references.telling) return;
    for (const entry of l1Entries(this.parts.source, table)) {
      if (entry) this.checkL1Entry(table, entry);
      else yield { ...this.progress };
    }
  }

  /** block/qcow2-refcount.c, check_refcounts_l1 and check_oflag_copied. */
  private checkL1Entry({ offset: tableOffset, times, active }: L1Table, { index, high, low }: L1Entry): void {
    const offset = offsetOf(high, low);
    const { clusterSize } = this.geometry;
    const start = tableOffset + index * 8;
    const about = { advice: DAMAGED, offset: start, host: { start, end: start + 8 }, table: offset };
    if ((high & L1_RESERVED_HIGH) !== 0 || (low & L1_RESERVED_LOW) !== 0) {
      const text = formatEntry(high, low);
      this.notes.add('corruption', times, 'l1-reserved', () => {
        return { ...about, message: `an L1 entry has reserved bits set: ${text}` };
      });
    }
    if (offset % clusterSize !== 0) {
      this.notes.add('corruption', times, 'l2-unaligned', () => ({
        ...about,
        message: `an L2 table is said to begin at ${formatOffset(offset)}, in the middle of a cluster`,
      }));
    }
    if (!active || offset === 0) return;
    const count = this.refcounts.of(Math.floor(offset / clusterSize));
    if (count === NOT_COUNTED || (count === 1) === isCopied(high)) return;
    const flagged = isCopied(high);
    this.notes.add('corruption', 1, COPIED, () => {
      return { ...about, ...copiedNote(`the L2 table at ${formatOffset(offset)}`, flagged, count) };
    });
  }

  private countTable(number: number, references: References): void {
    const { tables } = this;
    const { clusterSize } = this.geometry;
    const offset = tables.offset(number);
    references.add({
      what: 'an L2 table',
      offset,
      length: clusterSize,
      use: tables.active(number) > 0 ? Use.L2 : Use.SnapshotTables,
      claim: Claim.Metadata,
      times: tables.references(number),
    });
    if (tables.isTwofold(number)) references.clusters.contest(Math.floor(offset / clusterSize));
  }

  /**
   * All L2 tables, in the order in which they were met, read a few megabytes at a time; of one in a hole of the file, which
   * maps nothing, no bytes.
   */
  private *eachTable(use: (bytes: DataView | undefined, number: number) => void): Generator<Progress, void, void> {
    const { tables } = this;
    const { source } = this.parts;
    const { clusterSize } = this.geometry;
    const perWindow = Math.max(1, Math.floor(WINDOW_BYTES / clusterSize));
    const window = new Uint8Array(Math.min(perWindow, Math.max(1, tables.count)) * clusterSize);
    const bytes = tables.count * clusterSize;
    this.holes ??= new TableHoles(source, bytes, () => bytes);
    this.progress.total = Math.max(1, tables.count);
    for (let first = 0; first < tables.count; first += perWindow) {
      const end = Math.min(first + perWindow, tables.count);
      const offsets: number[] = [];
      /** Of each table, which of those that are read it is, or -1. */
      const places: number[] = [];
      for (let number = first; number < end; number += 1) {
        const offset = tables.offset(number);
        places.push(this.holes.hold(offset, clusterSize) ? -1 : offsets.push(offset) - 1);
      }
      readTables(source, offsets, clusterSize, window);
      for (const [index, place] of places.entries()) {
        use(place < 0 ? undefined : new DataView(window.buffer, place * clusterSize, clusterSize), first + index);
      }
      this.progress.done = end;
      yield { ...this.progress };
    }
  }

  private *findClaims(claims: Claims, states: States, l1Tables: readonly L1Table[]): Generator<Progress, void, void> {
    const { source, header } = this.parts;
    if (claims.wanted) {
      for (const region of fixedRegions(this.geometry, states.snapshotTableBytes)) claims.region(region);
      for (const region of bitmapRegions(source, header)) {
        if (region) claims.region(region);
        else yield { ...this.progress };
      }
      for (const { active, offset, entries } of l1Tables) {
        claims.region({ what: active ? 'the L1 table' : 'the L1 table of a snapshot', offset, length: entries * 8 });
      }
      this.claimBlocks(claims);
      yield* this.eachTable((bytes, number) => {
        claims.table(bytes, this.tables.offset(number));
      });
    }
    const all: readonly State[] = [states.active, ...states.snapshots];
    yield* this.paced(claims.states(source, all));
  }

  /** Work whose slices are not counted. */
  private *paced(job: Generator<undefined, void, void>): Generator<Progress, void, void> {
    while (!job.next().done) yield { ...this.progress };
  }

  private claimBlocks(claims: Claims): void {
    const { table } = this.refcounts;
    for (let at = 0; at < table.byteLength; at += 8) {
      const offset = offsetOf(table.getUint32(at), table.getUint32(at + 4));
      const what = `block ${at / 8} of reference counts`;
      if (offset !== 0) claims.region({ what, offset, length: this.geometry.clusterSize });
    }
  }

  private report(
    entries: EntryChecker | undefined,
    counts: CountComparison | undefined,
    problems: CheckReport['problems'],
  ): CheckReport {
    const { notes, geometry } = this;
    const { guestSize } = geometry.header;
    this.map.append(this.fileClusters * geometry.clusterSize, Use.Unknown);
    const layout = entries?.layout ?? { allocated: 0, fragmented: 0, compressed: 0 };
    return {
      counts: {
        ...notes.counts,
        imageEnd: counts && this.reachedEnd ? (counts.highest + 1) * geometry.clusterSize : undefined,
        totalClusters: Math.ceil(guestSize / geometry.clusterSize),
        allocatedClusters: layout.allocated,
        fragmentedClusters: layout.fragmented,
        compressedClusters: layout.compressed,
      },
      problems: inOrder(counts ? problems : notes.kept.map((note) => ({ ...note, claims: [], guest: [] })), COPIED),
      untold: notes.untold,
      file: this.map.finish(),
    };
  }

  private offsetText(cluster: number): string {
    return formatOffset(cluster * this.geometry.clusterSize);
  }
}

/** Bits of an L1 entry that are reserved (docs/interop/qcow2.rst, "L1 table entry"). */
const L1_RESERVED_HIGH = 0x7f00_0000;
const L1_RESERVED_LOW = 0x0000_01ff;
