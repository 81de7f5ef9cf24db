import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding, Job, RunList, ScanOptions } from '../../model';
import { Kind } from '../../model';
import { RunBuilder } from '../../runs';
import { LIMITS } from './limits';
import type { Geometry } from './mapping';
import { EntryDecoder, offsetOf, SUBCLUSTERS } from './mapping';
import { readTables } from './tables';

/** L2 tables are read and decoded this many bytes at a time: a few milliseconds of work between yields. */
const WINDOW_BYTES = 4 << 20;

/** The L1 table of a view: the active one, or a snapshot's. */
export interface L1Place {
  readonly offset: number;
  readonly entries: number;
}

/**
 * Reads an L1 table, only as much of it as the disk needs.
 * @throws DiskError `limit` when it is larger than QEMU would read, `corrupt` when it is not aligned
 */
export function readL1(source: ByteSource, geometry: Geometry, place: L1Place, guestSize: number): DataView {
  if (place.entries * 8 > LIMITS.maxL1Bytes) {
    throw new DiskError('limit', `an L1 table of ${place.entries} entries is past QEMU's limit of 32 MiB`, {
      offset: place.offset,
    });
  }
  if (place.offset % geometry.clusterSize !== 0) {
    throw new DiskError(
      'corrupt',
      `the L1 table is said to begin at byte ${place.offset}, in the middle of a cluster`,
      { offset: place.offset },
    );
  }
  const needed = Math.min(place.entries, Math.ceil(guestSize / geometry.l2Span));
  const table = new Uint8Array(needed * 8);
  readPadded(source, table, place.offset);
  return new DataView(table.buffer);
}

/** What is odd about where an L1 table lies; its entries past the end of the file read as zero: nothing is mapped. */
export function l1Findings(source: ByteSource, place: L1Place, table: DataView): readonly Finding[] {
  if (table.byteLength === 0 || place.offset + table.byteLength <= source.size) return [];
  const message = `the L1 table goes on past the end of the file (${source.size} bytes): what it maps reads as empty`;
  const advice = 'The file was cut short: copy it anew from where it came.';
  return [{ code: 'l1-past-end', severity: 'error', message, advice, offset: place.offset }];
}

/** Turns the L1 and L2 tables of one view into runs, in guest order, a window of tables at a time. */
export class Scanner {
  private readonly builder: RunBuilder;
  private readonly decoder: EntryDecoder;
  private readonly tally = new Tally();
  /** An honest image's tables all fit in its file: more means that tables are used twice, to keep us busy. */
  private tableBytesLeft: number;

  constructor(
    private readonly source: ByteSource,
    private readonly geometry: Geometry,
    private readonly guestSize: number,
    options: ScanOptions,
  ) {
    this.builder = new RunBuilder(options.host, options.maxRuns);
    this.decoder = new EntryDecoder(geometry, source.size);
    this.tableBytesLeft = source.size;
  }

  /** What was odd about the tables; complete once `run` is. */
  get findings(): readonly Finding[] {
    return this.tally.findings();
  }

  *run(l1: DataView): Job<RunList> {
    const { clusterSize } = this.geometry;
    const tables = l1.byteLength / 8;
    const perWindow = Math.max(1, Math.floor(WINDOW_BYTES / clusterSize));
    const window = new Uint8Array(Math.min(perWindow, tables) * clusterSize);
    let index = 0;
    while (index < tables) {
      const first = index;
      const offsets: number[] = [];
      while (index < tables && offsets.length < perWindow && this.mayRead(offsets.length)) {
        const offset = this.l2Offset(l1, index);
        if (offset > 0 && offset < this.source.size) offsets.push(offset);
        index += 1;
      }
      readTables(this.source, offsets, clusterSize, window);
      this.tableBytesLeft -= offsets.length * clusterSize;
      this.decodeWindow(l1, first, index, window);
      if (index === first || this.builder.full) {
        this.giveUp(index);
        break;
      }
      yield { done: index, total: tables };
    }
    if (this.builder.end < this.guestSize) this.tally.add('l1-too-small', this.builder.end);
    return this.builder.finish(this.guestSize);
  }

  private mayRead(tablesInWindow: number): boolean {
    return this.tableBytesLeft - tablesInWindow * this.geometry.clusterSize >= 0;
  }

  /** Offset of an L2 table; 0 for none, -1 for one that can't be. */
  private l2Offset(l1: DataView, index: number): number {
    const offset = offsetOf(l1.getUint32(index * 8), l1.getUint32(index * 8 + 4));
    return offset % this.geometry.clusterSize === 0 ? offset : -1;
  }

  private decodeWindow(l1: DataView, first: number, end: number, window: Uint8Array): void {
    const { clusterSize, l2Span, header } = this.geometry;
    let table = 0;
    for (let index = first; index < end; index += 1) {
      const offset = this.l2Offset(l1, index);
      if (offset === 0) {
        this.builder.append(l2Span, Kind.Absent, -1);
      } else if (offset < 0) {
        this.tally.add('l2-offset', index * l2Span);
        this.builder.append(l2Span, Kind.Invalid, -1);
      } else if (offset >= this.source.size) {
        this.tally.add('l2-past-end', offset);
        this.builder.append(l2Span, Kind.Absent, -1);
      } else {
        if (offset + clusterSize > this.source.size) this.tally.add('l2-past-end', offset);
        const view = new DataView(window.buffer, table * clusterSize, clusterSize);
        const guest = index * l2Span;
        if (header.extendedL2) this.decodeExtended(view, guest);
        else this.decodeStandard(view, guest);
        table += 1;
      }
    }
  }

  private decodeStandard(view: DataView, guestStart: number): void {
    const { builder, decoder } = this;
    const { clusterSize } = this.geometry;
    const end = this.entriesNeeded(guestStart) * 8;
    let guest = guestStart;
    for (let at = 0; at < end; at += 8, guest += clusterSize) {
      decoder.cluster(view.getUint32(at), view.getUint32(at + 4), guest);
      if (decoder.kind === Kind.Invalid) this.tally.add(decoder.host < 0 ? 'entry' : 'data-past-end', guest);
      else if (decoder.cutShort) this.tally.add('data-past-end', guest);
      builder.append(clusterSize, decoder.kind, decoder.host);
    }
  }

  private decodeExtended(view: DataView, guestStart: number): void {
    const { builder, decoder } = this;
    const { clusterSize, subclusterSize } = this.geometry;
    const end = this.entriesNeeded(guestStart) * 16;
    let guest = guestStart;
    for (let at = 0; at < end; at += 16, guest += clusterSize) {
      decoder.cluster(view.getUint32(at), view.getUint32(at + 4), guest);
      const zeroBits = view.getUint32(at + 8) | 0;
      const allocBits = view.getUint32(at + 12) | 0;
      const { kind } = decoder;
      if ((zeroBits === 0 && allocBits === 0) || (kind !== Kind.Data && kind !== Kind.Absent)) {
        // Nothing differs inside the cluster: an allocated one with no bits set is absent all over, keeping its place.
        decoder.subcluster(zeroBits, allocBits, 0);
        if (decoder.kind === Kind.Invalid) this.tally.add('entry', guest);
        else if (decoder.cutShort) this.tally.add('data-past-end', guest);
        builder.append(clusterSize, decoder.kind, decoder.host);
        continue;
      }
      for (let index = 0; index < SUBCLUSTERS; index += 1) {
        decoder.subcluster(zeroBits, allocBits, index);
        if (decoder.kind === Kind.Invalid) this.tally.add(decoder.host < 0 ? 'entry' : 'data-past-end', guest);
        builder.append(subclusterSize, decoder.kind, decoder.host);
      }
    }
  }

  /** How many entries of the table that begins at `guestStart` lie inside the disk. */
  private entriesNeeded(guestStart: number): number {
    const { clusterSize, l2Entries } = this.geometry;
    return Math.min(l2Entries, Math.ceil((this.guestSize - guestStart) / clusterSize));
  }

  private giveUp(tablesRead: number): void {
    const from = Math.min(this.builder.end, this.guestSize);
    this.tally.add(this.builder.full ? 'too-many-runs' : 'tables-exceed-file', tablesRead * this.geometry.l2Span);
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
      `L2 tables are used more than once: the map is shown up to guest byte ${first} and unknown from there`,
    advice: 'Such an image is broken, or made to keep its reader busy.',
  },
  'too-many-runs': {
    severity: 'warning',
    text: (_, first) =>
      `the disk is in too many pieces to keep: the map is shown up to guest byte ${first} and unknown from there`,
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
