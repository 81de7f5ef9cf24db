import type { Kernel } from '../../kernel/kernel';
import type { ByteSource, LayerScan, Oddities, Outlook, ScanOptions, Strip } from '../../model';
import { Kind } from '../../model';
import { Tally } from '../tally';
import type { L1Place } from './l1';
import { L1Table } from './l1';
import { isTableCut } from './lostTables';
import type { Geometry } from './mapping';
import type { OddityCode } from './oddities';
import { tableCut, tablesOf } from './tableCut';
import type { TableHoles } from './tableHoles';
import type { TableList } from './tableList';
import { IMPOSSIBLE, NO_TABLE } from './tableList';
import { TableWindow } from './tableWindow';

/** Flags of the kernel's decoders (`src/kernel/qcow2.ts`). */
const VERSION_3 = 1;
const EXTERNAL = 2;

/** Units without a table that are told one by one at most; a longer gap is told as a whole. */
const MAX_PAINTED_GAP = 1024;

/** What a scan is of. */
export interface ScannedFiles {
  readonly source: ByteSource;
  /** Bytes of the file that holds the data clusters, as far as that is known. */
  readonly dataEnd: number;
}

/** Tells the L1 and L2 tables of one view, unit by unit. */
export class TableScan implements LayerScan {
  readonly unit: number;
  readonly block: number;
  private readonly tally = new Tally<OddityCode>();
  /** Of what is being painted. */
  private readonly painted = new Tally<OddityCode>();
  private readonly source: ByteSource;
  private readonly dataEnd: number;
  private readonly l1: L1Table;
  private readonly holes: TableHoles;
  private readonly tables: TableList;
  private readonly window: TableWindow;
  private readonly flags: number;
  /** Sum of the L1 indexes, from 1 on, that can't be true in the range that was begun. */
  private impossible = 0;
  /** From here on there are more tables than the file has room for. */
  private readonly cut: number;

  /** @throws DiskError `limit`, `corrupt` for an L1 table that can't be read at all */
  constructor(
    { source, dataEnd }: ScannedFiles,
    private readonly geometry: Geometry,
    place: L1Place,
    private readonly guestSize: number,
    private readonly kernel: Kernel,
    { windowBytes, fingerprints = false }: ScanOptions,
  ) {
    const { clusterSize, header } = geometry;
    this.source = source;
    this.dataEnd = dataEnd;
    this.unit = geometry.subclusterSize;
    this.block = clusterSize;
    this.flags = (header.version >= 3 ? VERSION_3 : 0) | (header.externalData ? EXTERNAL : 0);
    this.l1 = new L1Table(source, geometry, place, guestSize);
    const found = tablesOf(source, this.l1, geometry);
    this.holes = found.holes;
    this.tables = found.tables;
    this.window = new TableWindow(source, geometry, kernel, guestSize, windowBytes, fingerprints);
    this.cut = tableCut(this.l1, found, geometry);
  }

  get oddities(): Oddities {
    return this.tally.oddities;
  }

  begin(from: number, to: number): void {
    const { l2Span } = this.geometry;
    const end = Math.min(to, this.l1.entries * l2Span, this.cut);
    this.window.begin(end);
    this.impossible = 0;
    if (this.window.fingerprint === undefined) return;
    for (const index of this.unsound(Math.floor(from / l2Span), end)) {
      if (this.tables.at(index) === IMPOSSIBLE) this.impossible += index + 1;
    }
  }

  conclude(from: number, to: number): void {
    const { l2Span } = this.geometry;
    const mapped = this.l1.entries * l2Span;
    for (const index of this.unsound(Math.ceil(from / l2Span), Math.min(to, mapped, this.cut))) {
      const offset = this.l1.l2Offset(index);
      if (offset < 0) this.tally.add('l2-offset', index * l2Span);
      else if (isTableCut(offset, this.source, this.holes, this.geometry)) this.tally.add('l2-past-end', offset);
    }
    if (from <= mapped && mapped < to) this.tally.add('l1-too-small', mapped);
    if (from <= this.cut && this.cut < to) this.tally.add('tables-exceed-file', this.cut);
  }

  /** An entry that leads nowhere is told by tables that are not there, but for one that can't be true. */
  get fingerprint(): number | undefined {
    const tables = this.window.fingerprint;
    return tables === undefined ? undefined : tables + this.impossible;
  }

  readTables(from: number, to: number): void {
    const { l2Span } = this.geometry;
    this.begin(from, to);
    const end = Math.min(to, this.l1.entries * l2Span, this.cut);
    for (let at = from; at < end;) {
      const table = Math.floor(at / l2Span);
      if (this.tables.at(table) > NO_TABLE) {
        const { entries } = this.window.entries(this.tables, at, end);
        at += entries * this.block;
      } else at = (table + 1) * l2Span;
    }
  }

  ahead(at: number, limit: number): Outlook {
    const { l2Span } = this.geometry;
    if (at >= this.cut) return { end: this.guestSize, kind: Kind.Unknown, host: -1 };
    const end = Math.min(limit, this.cut);
    let index = Math.floor(at / l2Span);
    const first = this.tables.at(index);
    if (first > NO_TABLE) return { end: this.lastRead(index, end), kind: undefined, host: -1 };
    do index = this.tables.runEnd(index);
    while (index * l2Span < end && index < this.l1.entries && this.tables.at(index) === first);
    const stop = index < this.l1.entries || first === IMPOSSIBLE ? index * l2Span : this.guestSize;
    return { end: Math.min(stop, end), kind: first === IMPOSSIBLE ? Kind.Invalid : Kind.Absent, host: -1 };
  }

  endOfPiece(at: number): number {
    const { pieceSpan } = this.window;
    return (Math.floor(at / pieceSpan) + 1) * pieceSpan;
  }

  paint(from: number, blocks: number, strip: Strip, toldBefore: number): void {
    const { clusterSize, l2Span } = this.geometry;
    const { run } = this.kernel;
    const perBlock = clusterSize / this.unit;
    const end = from + blocks * clusterSize;
    this.painted.clear();
    for (let at = from; at < end;) {
      const index = Math.floor(at / l2Span);
      const painted = { kinds: strip.kinds + (at - from) / this.unit, hosts: 0 };
      if (strip.hosts !== 0) painted.hosts = strip.hosts + ((at - from) / this.unit) * 8;
      if (this.tables.at(index) <= NO_TABLE) {
        const stop = Math.min((index + 1) * l2Span, end);
        run.fill(painted.kinds, painted.hosts, (stop - at) / this.unit, Kind.Absent, -1, this.unit);
        at = stop;
        continue;
      }
      const { pointer, entries } = this.window.entries(this.tables, at, end);
      // A cluster that is cut is counted where its first byte is.
      const told = at < toldBefore;
      const count = told ? 1 : Math.min(entries, (end - at) / clusterSize);
      // Past the end of the disk there may be anything.
      const counted = Math.min(count, Math.ceil((this.guestSize - at) / clusterSize));
      if (counted > 0) this.decode(pointer, counted, painted, at, told);
      if (counted < count) {
        const rest = (count - counted) * perBlock;
        const skip = counted * perBlock;
        const hosts = painted.hosts === 0 ? 0 : painted.hosts + skip * 8;
        run.fill(painted.kinds + skip, hosts, rest, Kind.Absent, -1, this.unit);
      }
      at += count * clusterSize;
    }
    this.tally.addAll(this.painted);
  }

  /** The L1 entries from `first` on, up to a guest offset, that may be odd. */
  private unsound(first: number, end: number): Iterable<number> {
    return this.tables.unsound(first, Math.ceil(end / this.geometry.l2Span));
  }

  private decode(
    pointer: number,
    count: number,
    { kinds, hosts }: Omit<Strip, 'kernel'>,
    guest: number,
    told: boolean,
  ): void {
    const { run } = this.kernel;
    const { header } = this.geometry;
    const decode = header.extendedL2 ? run.extended : run.standard;
    const odd = decode(pointer, count, kinds, hosts, this.flags, header.clusterBits, this.dataEnd, guest);
    if (odd === 0 || told) return;
    const entries = run.oddEntries.value;
    if (entries > 0) this.painted.add('entry', guest + run.firstOddEntry.value * this.unit, entries);
    const pastEnds = run.pastEnds.value;
    if (pastEnds > 0) this.painted.add('data-past-end', guest + run.firstPastEnd.value * this.unit, pastEnds);
  }

  /**
   * Where the last table ends that is read before `limit`; where a few are not there in between they are painted, too.
   */
  private lastRead(index: number, limit: number): number {
    const { l2Span } = this.geometry;
    const gap = Math.max(1, (MAX_PAINTED_GAP * this.unit) / l2Span);
    let end = this.tables.runEnd(index);
    for (let next = end; next * l2Span < limit && next < Math.min(end + gap, this.l1.entries); next += 1) {
      const table = this.tables.at(next);
      if (table === IMPOSSIBLE) break;
      if (table === NO_TABLE) continue;
      end = this.tables.runEnd(next);
      next = end - 1;
    }
    return Math.min(end * l2Span, limit);
  }
}
