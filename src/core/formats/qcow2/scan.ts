import type { ByteSource, Finding, Job, Progress, RunList, ScanOptions } from '../../model';
import { Kind } from '../../model';
import { RunBuilder, tooManyRuns } from '../../runs';
import type { L1Place } from './l1';
import { L1Table } from './l1';
import type { Geometry } from './mapping';
import { EntryDecoder, SUBCLUSTERS } from './mapping';
import { TableHoles } from './tableHoles';
import { readTables } from './tables';

/** L2 tables are read and decoded at most this many bytes at a time: a few milliseconds of work between yields. */
const WINDOW_BYTES = 4 << 20;
/** No table is smaller. */
const MIN_PIECE_BYTES = 512;

/** Turns the L1 and L2 tables of one view into runs, in guest order, a window of tables at a time. */
export class Scanner {
  private readonly builder: RunBuilder;
  private readonly decoder: EntryDecoder;
  private readonly tally = new Tally();
  private readonly l1: L1Table;
  private readonly holes: TableHoles;
  private readonly host: boolean;
  /** An L2 table is read in pieces of this many bytes: in one, unless the list is too short for what may be in it. */
  private readonly pieceBytes: number;
  /** Guest bytes that a piece of a table maps. */
  private readonly pieceSpan: number;
  private readonly window: Uint8Array;
  private tableBytesLeft: number;
  private cutAt: number | undefined;

  /** @throws DiskError `limit`, `corrupt` for an L1 table that can't be read at all */
  constructor(
    private readonly source: ByteSource,
    private readonly geometry: Geometry,
    place: L1Place,
    private readonly guestSize: number,
    { host, maxRuns }: ScanOptions,
  ) {
    const { clusterSize, l2EntryBytes } = geometry;
    this.l1 = new L1Table(source, geometry, place, guestSize);
    this.builder = new RunBuilder(host, maxRuns);
    this.decoder = new EntryDecoder(geometry, source.size);
    this.holes = new TableHoles(source, this.l1.entries * clusterSize);
    this.host = host;
    // What is past a full list is read again for the next one: no more than a list of one run for each entry.
    const useful = Math.max(MIN_PIECE_BYTES, 2 ** Math.floor(Math.log2(maxRuns * l2EntryBytes)));
    this.pieceBytes = Math.min(clusterSize, useful);
    this.pieceSpan = (this.pieceBytes / l2EntryBytes) * clusterSize;
    const most = Math.ceil(guestSize / this.pieceSpan) * this.pieceBytes;
    this.window = new Uint8Array(Math.max(this.pieceBytes, Math.min(WINDOW_BYTES, useful, most)));
    this.tableBytesLeft = this.holes.budget;
  }

  /** What was odd about the tables; complete once all is scanned. */
  get findings(): readonly Finding[] {
    const cut = this.cutAt === undefined ? [] : [tooManyRuns(this.cutAt)];
    return [...this.l1.findings, ...this.tally.findings(), ...cut];
  }

  /** All runs in one list; where it gets full, the rest of the disk is unknown. */
  *run(): Job<RunList> {
    for (const progress of this.decode()) {
      if (this.builder.full && this.builder.end < this.guestSize) {
        this.cutAt = this.builder.end;
        this.giveUp();
        break;
      }
      yield progress;
    }
    return this.builder.finish(this.guestSize);
  }

  /** All runs, a list each time one is full. */
  *scanParts(): Generator<RunList | undefined, void, void> {
    for (const progress of this.decode()) {
      if (this.builder.full && this.builder.end < this.guestSize) yield this.builder.take();
      else if (progress.done < progress.total) yield undefined;
    }
    const last = this.builder.finish(this.guestSize);
    if (last.count > 0) yield last;
  }

  /** Appends to the list. Pauses after each window, and whenever the list is full and something is still to come. */
  private *decode(): Generator<Progress, void, void> {
    const { l2Span, clusterSize } = this.geometry;
    const { l1, pieceBytes, window } = this;
    const perWindow = window.length / pieceBytes;
    const total = l1.entries;
    const end = Math.min(this.guestSize, total * l2Span);
    const offsets: number[] = [];
    for (let at = 0; at < end;) {
      offsets.length = 0;
      // First what is read of tables together, then each piece in its turn.
      const planEnd = Math.min(end, l1.pieceEnd(Math.floor(at / l2Span)) * l2Span);
      let planned = at;
      while (planned < planEnd && offsets.length < perWindow) {
        const table = l1.l2Offset(Math.floor(planned / l2Span));
        if (!this.isRead(table)) {
          planned = Math.min(this.tableEnd(planned), planEnd);
          continue;
        }
        if (this.tableBytesLeft < pieceBytes) break;
        this.tableBytesLeft -= pieceBytes;
        offsets.push(table + this.inTable(planned));
        planned = Math.min(planned + this.pieceSpan, planEnd);
      }
      if (planned === at) {
        this.tally.add('tables-exceed-file', at);
        this.giveUp();
        return;
      }
      readTables(this.source, offsets, pieceBytes, window);
      let piece = 0;
      while (at < planned) {
        const table = l1.l2Offset(Math.floor(at / l2Span));
        if (this.isRead(table)) {
          const pieceEnd = Math.min(at + this.pieceSpan, end);
          if (this.inTable(at) === 0 && table + clusterSize > this.source.size) this.tally.add('l2-past-end', table);
          const view = new DataView(window.buffer, piece * pieceBytes, pieceBytes);
          while (at < pieceEnd) {
            at = this.decodePiece(view, at, pieceEnd);
            if (this.builder.full) yield { done: Math.floor(at / l2Span), total };
          }
          piece += 1;
        } else {
          const tableEnd = Math.min(this.tableEnd(at), end);
          this.appendUnread(table, at, tableEnd);
          at = tableEnd;
          if (this.builder.full) yield { done: Math.floor(at / l2Span), total };
        }
      }
      yield { done: Math.ceil(at / l2Span), total };
    }
    if (this.builder.end < this.guestSize) this.tally.add('l1-too-small', this.builder.end);
  }

  /** Where in its table the entry of a guest offset stands, in bytes. */
  private inTable(guest: number): number {
    const { l2Span, clusterSize, l2EntryBytes } = this.geometry;
    return Math.floor((guest % l2Span) / clusterSize) * l2EntryBytes;
  }

  /** Where the range ends that the same L2 table maps. */
  private tableEnd(guest: number): number {
    const { l2Span } = this.geometry;
    return (Math.floor(guest / l2Span) + 1) * l2Span;
  }

  private isRead(table: number): boolean {
    return table > 0 && table < this.source.size && !this.holes.hold(table, this.geometry.clusterSize);
  }

  /** What is known of the range of a table without reading it. */
  private appendUnread(table: number, from: number, to: number): void {
    if (table < 0) this.tally.add('l2-offset', from);
    else if (table > 0 && table + this.geometry.clusterSize > this.source.size) this.tally.add('l2-past-end', table);
    this.builder.append(to - from, table < 0 ? Kind.Invalid : Kind.Absent, -1);
  }

  /** Decodes the entries of `[from, to)` until the list is full. @returns how far it came */
  private decodePiece(view: DataView, from: number, to: number): number {
    return this.geometry.header.extendedL2 ? this.decodeExtended(view, from, to) : this.decodeStandard(view, from, to);
  }

  private decodeStandard(view: DataView, from: number, to: number): number {
    const { builder, decoder, host } = this;
    const { clusterSize } = this.geometry;
    let at = this.inTable(from) % this.pieceBytes;
    let guest = from;
    for (; guest < to && !builder.full; at += 8, guest += clusterSize) {
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      if (high === 0 && low === 0) {
        builder.append(clusterSize, Kind.Absent, -1);
        continue;
      }
      decoder.cluster(high, low, guest);
      if (decoder.kind === Kind.Invalid) this.tally.add(decoder.host < 0 ? 'entry' : 'data-past-end', guest);
      else if (decoder.cutShort) this.tally.add('data-past-end', guest);
      const place = host && decoder.kind === Kind.Compressed ? this.geometry.compressedOffset(high, low) : decoder.host;
      builder.append(clusterSize, decoder.kind, place);
    }
    return Math.min(guest, to);
  }

  private decodeExtended(view: DataView, from: number, to: number): number {
    const { builder, decoder, host } = this;
    const { clusterSize, subclusterSize } = this.geometry;
    let at = this.inTable(from) % this.pieceBytes;
    let guest = from;
    for (; guest < to && !builder.full; at += 16, guest += clusterSize) {
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      decoder.cluster(high, low, guest);
      const zeroBits = view.getUint32(at + 8) | 0;
      const allocBits = view.getUint32(at + 12) | 0;
      const { kind } = decoder;
      if ((zeroBits === 0 && allocBits === 0) || (kind !== Kind.Data && kind !== Kind.Absent)) {
        // Nothing differs inside the cluster: an allocated one with no bits set is absent all over, keeping its place.
        decoder.subcluster(zeroBits, allocBits, 0);
        if (decoder.kind === Kind.Invalid) this.tally.add('entry', guest);
        else if (decoder.cutShort) this.tally.add('data-past-end', guest);
        const place = host && kind === Kind.Compressed ? this.geometry.compressedOffset(high, low) : decoder.host;
        builder.append(clusterSize, decoder.kind, place);
        continue;
      }
      for (let index = 0; index < SUBCLUSTERS; index += 1) {
        decoder.subcluster(zeroBits, allocBits, index);
        if (decoder.kind === Kind.Invalid) this.tally.add(decoder.host < 0 ? 'entry' : 'data-past-end', guest);
        builder.append(subclusterSize, decoder.kind, decoder.host);
      }
    }
    return Math.min(guest, to);
  }

  private giveUp(): void {
    const from = Math.min(this.builder.end, this.guestSize);
    this.builder.append(this.guestSize - from, Kind.Unknown, -1);
  }
}

const plural = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`;

const ABOUT: Readonly<
  Record<string, { severity: Finding['severity']; text: (count: number, first: number) => string; advice?: string }>
> = {
  'l2-offset': {
    severity: 'error',
    text: (count, first) =>
      `${plural(count, 'L2 table')} can't begin in the middle of a cluster (the first for guest byte ${first}): what is mapped there can't be known`,
    advice: 'Restore the image from a backup; qemu-img check says more.',
  },
  'l2-past-end': {
    severity: 'error',
    text: (count, first) =>
      `the file ends before ${plural(count, 'L2 table')} (the first at byte ${first}) or inside: what is not there reads as empty`,
    advice: 'The file was cut short: copy it anew from where it came.',
  },
  entry: {
    severity: 'error',
    text: (count, first) =>
      `${plural(count, 'table entry', 'table entries')} can't be true (the first for guest byte ${first})`,
    advice: 'qemu-img check says more; a VM that reads there gets an I/O error.',
  },
  'data-past-end': {
    severity: 'error',
    text: (count, first) =>
      `the file ends before ${plural(count, 'piece')} of data (the first for guest byte ${first}): zeros are read there`,
    advice: 'The file was cut short: copy it anew from where it came.',
  },
  'l1-too-small': {
    severity: 'error',
    text: (_, first) => `the L1 table ends at guest byte ${first}, before the disk does`,
    advice: 'QEMU refuses such an image.',
  },
  'tables-exceed-file': {
    severity: 'error',
    text: (_, first) =>
      `there are more L2 tables than the file has room for: the map is shown up to guest byte ${first} and unknown from there`,
    advice: 'Such an image is broken, or made to keep its reader busy.',
  },
};

/** Counts what is odd, so that a million bad entries are one finding. */
class Tally {
  private readonly seen = new Map<string, { count: number; first: number }>();

  add(code: string, place: number): void {
    const entry = this.seen.get(code);
    if (entry) entry.count += 1;
    else this.seen.set(code, { count: 1, first: place });
  }

  findings(): readonly Finding[] {
    return [...this.seen].flatMap(([code, { count, first }]) => {
      const about = ABOUT[code];
      return about ? [{ code, severity: about.severity, message: about.text(count, first), advice: about.advice }] : [];
    });
  }
}
