import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, GuestPart } from '../../model';
import type { TableOffsets } from '../blocks/nestedTables';
import { NO_TABLE } from '../blocks/nestedTables';
import type { GrainLayout } from './grainLayout';
import { tableBytes, tableSpan } from './grainLayout';

/** As much of a directory as is read at a time for a scan: entries for 2 TiB of a disk with tables of 32 MiB. */
export const SCAN_WINDOW_BYTES = 256 << 10;
/** What is read at a time where a larger reading failed. */
const LEAST_BYTES = 4096;

/** The grain directory of an extent, read a window at a time: `load` comes before `at` and `entry`. */
export class GrainDirectory implements TableOffsets {
  /** Entries that are in the window. */
  private first = 0;
  private end = 0;
  private window = new Uint8Array();

  /** @param windowBytes of the directory that are read at a time */
  constructor(
    private readonly source: ByteSource,
    private readonly layout: GrainLayout,
    private readonly windowBytes: number,
  ) {}

  /**
   * Sees to it that an entry can be told.
   * @returns the first entry after it that can't be told without reading more
   * @throws DiskError when it can't be read
   */
  load(table: number): number {
    if (table >= this.first && table < this.end) return this.end;
    try {
      this.read(table, this.windowBytes);
    } catch (error) {
      if (!(error instanceof DiskError) || this.windowBytes <= LEAST_BYTES) throw error;
      this.read(table, LEAST_BYTES);
    }
    return this.end;
  }

  /** A table that the file has nothing of is told as one that is not there: both read as empty. */
  at(table: number): number {
    const offset = this.entry(table);
    return offset >= this.source.size ? NO_TABLE : offset;
  }

  /** Where a table is said to begin, be it past the end of the file. */
  entry(table: number): number {
    if (table < this.first || table >= this.end) return NO_TABLE;
    const { entries } = this.layout;
    return entries.tableAt(this.window, (table - this.first) * entries.entryBytes);
  }

  private read(table: number, windowBytes: number): void {
    const { directory, entries } = this.layout;
    const perWindow = windowBytes / entries.entryBytes;
    const first = table - (table % perWindow);
    const end = Math.min(first + perWindow, directory.entries);
    const length = (end - first) * entries.entryBytes;
    this.first = this.end = 0;
    if (this.window.length < length) this.window = new Uint8Array(length);
    readPadded(this.source, this.window.subarray(0, length), directory.offset + first * entries.entryBytes);
    this.first = first;
    this.end = end;
  }
}

/** What a look at all of a directory tells, as it was when its image was opened. */
export interface DirectorySurvey {
  /** Why some of it can't be read. */
  readonly unreadable: DiskError | undefined;
  /** Entries that the file has not. */
  readonly missingEntries: number;
  /** Tables of which the file has not all. */
  readonly cutTables: number;
  /** Bytes of the disk that all these map. */
  readonly lost: number;
  /** Where the first of those is said to begin. */
  readonly firstCut: number | undefined;
  /** From which entry on there are more tables than the file has room for. */
  readonly tooMany: number | undefined;
}

/** Reads a whole directory, as far as the file has it. */
export function surveyDirectory(source: ByteSource, layout: GrainLayout): DirectorySurvey {
  const there = entriesThere(source, layout);
  const bytesOfTable = tableBytes(layout);
  const directory = new GrainDirectory(source, layout, SCAN_WINDOW_BYTES);
  let tables = 0;
  let cutTables = 0;
  let lost = 0;
  let firstCut: number | undefined;
  let tooMany: number | undefined;
  let unreadable: DiskError | undefined;
  for (let table = 0; table < there;) {
    let end: number;
    try {
      end = Math.min(directory.load(table), there);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      unreadable ??= error;
      const perReading = LEAST_BYTES / layout.entries.entryBytes;
      table += perReading - (table % perReading);
      continue;
    }
    for (; table < end; table += 1) {
      const offset = directory.entry(table);
      if (offset <= NO_TABLE) continue;
      if (offset < source.size) tables += 1;
      if (tables * bytesOfTable > source.size) tooMany ??= table;
      const { start, end } = lostOf(source, layout, table, offset);
      if (start === end) continue;
      lost += end - start;
      cutTables += 1;
      firstCut ??= offset;
    }
  }
  const missing = missingPart(layout, there);
  lost += missing.end - missing.start;
  return { unreadable, missingEntries: layout.directory.entries - there, cutTables, lost, firstCut, tooMany };
}

/** Entries that the file has: of a directory that is cut off, or past its end, not all. */
export function entriesThere({ size }: ByteSource, { directory, entries }: GrainLayout): number {
  return Math.max(0, Math.min(directory.entries, Math.floor((size - directory.offset) / entries.entryBytes)));
}

/** What of the extent a table maps that the file has not; of nothing where it has all. @param offset where it is said to be */
function lostOf({ size: fileSize }: ByteSource, layout: GrainLayout, table: number, offset: number): GuestPart {
  const span = tableSpan(layout);
  const end = Math.min((table + 1) * span, layout.size);
  if (offset <= NO_TABLE || offset + tableBytes(layout) <= fileSize) return { start: end, end };
  const grains = Math.max(0, Math.floor((fileSize - offset) / layout.entries.entryBytes));
  return { start: Math.min(table * span + grains * layout.grainSize, end), end };
}

/** What of the extent is mapped by entries of the directory that the file has not. @param there how many it has */
function missingPart(layout: GrainLayout, there: number): GuestPart {
  const span = tableSpan(layout);
  const end = Math.min(layout.directory.entries * span, layout.size);
  return { start: Math.min(there * span, end), end };
}

/**
 * What of the extent is mapped by entries that the file has not, of tables or of the directory: rising parts of it.
 * @throws DiskError
 */
export function* lostParts(source: ByteSource, layout: GrainLayout): Generator<GuestPart, void, void> {
  const there = entriesThere(source, layout);
  const directory = new GrainDirectory(source, layout, SCAN_WINDOW_BYTES);
  let lost = { start: 0, end: 0 };
  for (let table = 0; table < there; table += 1) {
    directory.load(table);
    const part = lostOf(source, layout, table, directory.entry(table));
    if (part.start === part.end) continue;
    if (lost.end === part.start) lost.end = part.end;
    else {
      if (lost.start < lost.end) yield lost;
      lost = { ...part };
    }
  }
  if (lost.start < lost.end) yield lost;
  const missing = missingPart(layout, there);
  if (missing.start < missing.end) yield missing;
}
