import { DiskError } from '../../../errors';
import { readPadded, u32be } from '../../../bytes';
import type { ByteSource } from '../../../model';
import { Use } from '../../../model';
import { formatEntry } from '../../../units';
import { bitmapEntries } from '../bitmaps';
import type { BitmapEntry } from '../bitmaps';
import type { Qcow2Header } from '../header';
import { LIMITS } from '../limits';
import type { Geometry } from '../mapping';
import { offsetOf } from '../mapping';
import { DAMAGED } from './entries';
import { Claim } from './hostClusters';
import type { Notes } from './notes';
import type { Region } from './references';

/**
 * Ours: how much of bitmap tables is read in all. 4096 bitmaps of a disk of 1 TiB, with clusters of 64 KiB and as many
 * bytes a bit, have tables of 4 KiB together.
 */
const MAX_BITMAP_TABLE_BYTES = 256 << 20;
const PIECE_BYTES = 1 << 20;
/** Bits of a bitmap table entry that are reserved (docs/interop/qcow2.rst, "Bitmap table"); bit 0 is so with an offset. */
const RESERVED_HIGH = 0xff00_0000;
const RESERVED_LOW = 0x0000_01fe;
const ALL_ONES = 1;
const BREAKS_OFF = 'qemu-img check breaks off at the bitmaps';

/** Parts of the file that each stand once and are found without a table. */
export function* fixedRegions(geometry: Geometry, snapshotTableBytes: number): Generator<Region, void, void> {
  const { header, clusterSize } = geometry;
  const once = { claim: Claim.Metadata, times: 1 };
  yield { what: 'the header', offset: 0, length: clusterSize, use: Use.Header, ...once };
  yield {
    what: 'the snapshot table',
    offset: header.snapshotsOffset,
    length: snapshotTableBytes,
    use: Use.SnapshotTables,
    ...once,
  };
  yield {
    what: 'the reference count table',
    offset: header.refcountTableOffset,
    length: header.refcountTableClusters * clusterSize,
    use: Use.Refcounts,
    ...once,
  };
  yield {
    what: 'the LUKS header',
    offset: header.luksOffset ?? 0,
    length: header.luksOffset === undefined ? 0 : header.luksLength,
    use: Use.Encryption,
    ...once,
  };
}

/**
 * The bitmap directory, the tables of its bitmaps and their data. What is wrong there is told to `notes`, where given:
 * QEMU's check then breaks off (block/qcow2-bitmap.c, qcow2_check_bitmaps_refcounts).
 */
export function* bitmapRegions(source: ByteSource, header: Qcow2Header, notes?: Notes): Generator<Region, void, void> {
  if (!header.bitmaps) return;
  const { directoryOffset, directoryBytes } = header.bitmaps;
  const bitmaps = { use: Use.Bitmaps, claim: Claim.Metadata, times: 1 };
  yield { what: 'the bitmap directory', offset: directoryOffset, length: directoryBytes, ...bitmaps };
  const entries = readDirectory(source, header, notes);
  let left = MAX_BITMAP_TABLE_BYTES;
  for (const { tableOffset, tableEntries, bitmap, offset: start, end } of entries) {
    const what = `the table of bitmap "${bitmap.name}"`;
    yield { what, offset: tableOffset, length: tableEntries * 8, ...bitmaps, from: { start, end } };
    left -= tableEntries * 8;
    if (left < 0) {
      notes?.add('error', 1, 'bitmap-tables', () => ({
        message: 'the tables of the bitmaps are more than are read: what they refer to is not told from what is leaked',
        offset: directoryOffset,
      }));
      return;
    }
    const told = notes && new TableNotes(notes);
    for (const { offset, entry } of clustersOf(source, tableOffset, tableEntries, header, told)) {
      const from = { start: entry, end: entry + 8 };
      yield { what: `bitmap "${bitmap.name}"`, offset, length: 2 ** header.clusterBits, ...bitmaps, from };
    }
    told?.finish();
  }
}

/** Every entry, or none where QEMU would take none. */
function readDirectory(source: ByteSource, header: Qcow2Header, notes: Notes | undefined): BitmapEntry[] {
  const { directoryOffset = 0, directoryBytes = 0 } = header.bitmaps ?? {};
  const found: BitmapEntry[] = [];
  const broken = (why: string, offset: number): BitmapEntry[] => {
    const message = `the bitmap directory is broken: ${why}`;
    const advice = 'QEMU will not open the image for writing. qemu-img bitmap --remove may help, on a copy.';
    const host = { start: directoryOffset, end: directoryOffset + directoryBytes };
    const told = { message, advice, offset, host };
    notes?.add('corruption', 1, 'bitmap-directory', () => told);
    notes?.add('error', 1, 'check-incomplete', () => ({ ...told, message: BREAKS_OFF }));
    return [];
  };
  let end = directoryOffset;
  try {
    for (const entry of bitmapEntries(source, header)) {
      if (entry.objection !== undefined) return broken(entry.objection, entry.offset);
      found.push(entry);
      end = entry.end;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return broken(error.message, error.offset ?? end);
  }
  if (end !== directoryOffset + directoryBytes) return broken('there is more in it than the header tells of', end);
  return found;
}

/** Many entries of one table may be wrong: they are one problem. */
class TableNotes {
  private wrong = 0;
  private entry = '';
  private first = 0;
  private last = 0;

  constructor(private readonly notes: Notes) {}

  /** @param offset of the entry in the file */
  add(offset: number, high: number, low: number): void {
    if (this.wrong === 0) {
      this.entry = formatEntry(high, low);
      this.first = offset;
    }
    this.last = offset;
    this.wrong += 1;
  }

  finish(): void {
    if (this.wrong === 0) return;
    const about = { advice: DAMAGED, offset: this.first, host: { start: this.first, end: this.last + 8 } };
    const entries = this.wrong === 1 ? 'an entry' : `${this.wrong} entries`;
    const message = `${entries} of a bitmap's table can't be true (the first is ${this.entry})`;
    this.notes.add('corruption', 1, 'bitmap-table', () => ({ ...about, message }));
    this.notes.add('error', 1, 'check-incomplete', () => ({ ...about, message: BREAKS_OFF }));
  }
}

function* clustersOf(
  source: ByteSource,
  offset: number,
  entries: number,
  { clusterBits }: Qcow2Header,
  wrong: TableNotes | undefined,
): Generator<{ readonly offset: number; readonly entry: number }, void, void> {
  const inFile = Math.max(0, Math.min(entries, Math.ceil((source.size - offset) / 8)));
  const piece = new Uint8Array(Math.min(PIECE_BYTES, inFile * 8));
  for (let first = 0; first < inFile; first += PIECE_BYTES / 8) {
    const count = Math.min(PIECE_BYTES / 8, inFile - first);
    readPadded(source, piece.subarray(0, count * 8), offset + first * 8);
    for (let at = 0; at < count * 8; at += 8) {
      const high = u32be(piece, at);
      const low = u32be(piece, at + 4);
      if (high === 0 && low === 0) continue;
      const cluster = offsetOf(high, low);
      const reserved = (high & RESERVED_HIGH) !== 0 || (low & RESERVED_LOW) !== 0;
      const placed = cluster !== 0 && ((low & ALL_ONES) !== 0 || cluster % 2 ** clusterBits !== 0);
      if (reserved || placed) wrong?.add(offset + first * 8 + at, high, low);
      else if (cluster !== 0) yield { offset: cluster, entry: offset + first * 8 + at };
    }
  }
}

/** `LIMITS` that an image's own tables are past, as QEMU says of them when it opens one. */
export function openingErrors({ header, l2Span }: Geometry): string[] {
  const errors: string[] = [];
  if (header.l1Entries * 8 > LIMITS.maxL1Bytes) errors.push('the L1 table is larger than 32 MiB');
  if (header.l1Entries * l2Span < header.guestSize) errors.push('the L1 table ends before the disk does');
  return errors;
}
