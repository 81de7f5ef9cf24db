import { PAST_END } from '../../checkWords';
import type { CheckReport, GuestRange, Job, Progress } from '../../model';
import { Kind, Use } from '../../model';
import { formatOffset } from '../../units';
import { IMPOSSIBLE_TABLE, NO_TABLE } from '../blocks/nestedTables';
import type { Structure } from '../check';
import { checkBlocks } from '../check';
import { isLength, readMarker } from './compressedGrains';
import { copiesDiffer } from './copies';
import { entriesThere, GrainDirectory, SCAN_WINDOW_BYTES } from './directory';
import { ExtentNotes } from './extentNotes';
import type { GrainLayout } from './grainLayout';
import { tableBytes, tableSpan } from './grainLayout';
import type { ExtentFile, Grains } from './grains';
import { readable } from './readable';
import { SECTOR_BYTES } from './sectors';
import type { SparseHeader } from './sparseExtent';

/** A sparse extent that is checked by itself. */
export interface CheckedExtent {
  readonly file: ExtentFile;
  readonly header: SparseHeader;
  readonly grains: Grains;
}

const RESTORE = 'Restore the image from a backup.';
/** Tables that are gone through between two pauses, and grains. */
const SLICE = 4096;
const GRAINS_SLICE = 1 << 16;

/**
 * Checks a sparse extent: what `qemu-img check` looks for (block/vmdk.c, vmdk_co_check: grains that begin past the end of the
 * file, entries that can't be true) counts as corruption, tables past the end of the file, what is claimed twice, copies that
 * differ and grains that belong elsewhere on the disk as `further`.
 */
export function* checkExtent(extent: CheckedExtent): Job<CheckReport> {
  const { file, header, grains } = extent;
  const { layout, copy } = header;
  const notes = new ExtentNotes();
  yield* directoryNotes(extent, notes);
  if (copy) yield* copiesDiffer(file.source, [layout, copy], notes);
  if (header.hosted?.compressed === true && header.hosted.markers) yield* markerNotes(extent, notes);
  return yield* checkBlocks({
    size: file.source.size,
    blocks: grains,
    base: file.holder?.base,
    structures: () => structuresOf(extent),
    word: 'grain',
    // A grain of a file that was copied may lack its last sectors, if these are zeros.
    mayEndEarly: true,
    corruptions: ['past-end', 'entry'],
    unreferred: 'free',
    also: (all) => {
      notes.tell(all);
    },
  });
}

function* structuresOf({ file, header }: CheckedExtent): Generator<Structure | undefined, void, void> {
  yield* header.structures;
  yield* tablesOf(file, header.layout, 'grain', Use.BlockTables);
  if (header.copy) yield* tablesOf(file, header.copy, 'other grain', Use.Copies);
}

/** The directory and its tables, as far as the file has all of them: what it lacks is told by itself. */
function* tablesOf(
  { source }: ExtentFile,
  layout: GrainLayout,
  word: string,
  use: Use,
): Generator<Structure | undefined, void, void> {
  const { directory, entries } = layout;
  const start = directory.offset;
  const end = Math.min(source.size, start + directory.entries * entries.entryBytes);
  yield { what: `the ${word} directory`, start, end, use };
  const reader = new GrainDirectory(source, layout, SCAN_WINDOW_BYTES);
  const there = entriesThere(source, layout);
  for (let table = 0; table < there; table += 1) {
    if (table % SLICE === 0) yield undefined;
    if (readable(() => reader.load(table)) === undefined) continue;
    const offset = reader.entry(table);
    if (offset <= NO_TABLE || offset + tableBytes(layout) > source.size) continue;
    yield {
      what: `the ${word} table at directory entry ${table}`,
      start: offset,
      end: offset + tableBytes(layout),
      use,
      from: placeOfEntry(layout, table),
      maps: mappedBy(layout, table),
    };
  }
}

/** Entries of the directory that lead nowhere. */
function* directoryNotes({ file, header }: CheckedExtent, notes: ExtentNotes): Generator<Progress, void, void> {
  const { layout } = header;
  const { source } = file;
  const { directory } = layout;
  const reader = new GrainDirectory(source, layout, SCAN_WINDOW_BYTES);
  const mapped = directory.entries * tableSpan(layout);
  if (mapped < layout.size) {
    const guest = [{ view: '', start: mapped, end: layout.size }];
    const message = 'the grain directory ends before the disk does';
    notes.add('corruption', 'directory-too-small', () => ({ message, advice: RESTORE, claims: [], guest }));
  }
  const there = entriesThere(source, layout);
  for (let table = 0; table < there; table += 1) {
    if (table % SLICE === 0) yield { done: 0, total: 1 };
    if (readable(() => reader.load(table)) === undefined) continue;
    const offset = reader.entry(table);
    const isPast = offset > NO_TABLE && offset + tableBytes(layout) > source.size;
    if (offset !== IMPOSSIBLE_TABLE && !isPast) continue;
    const message = isPast
      ? `the grain table at ${formatOffset(offset)} is said to end past the end of the file: it reads as empty`
      : "an entry of the grain directory can't be true";
    const host = placeOfEntry(layout, table);
    notes.add(isPast ? 'further' : 'corruption', isPast ? PAST_END : 'entry', () => ({
      message,
      advice: RESTORE,
      offset: host.start,
      host,
      claims: [`grain directory entry ${table}`],
      guest: [{ view: '', ...mappedBy(layout, table) }],
    }));
  }
}

const placeOfEntry = ({ directory, entries }: GrainLayout, table: number): { start: number; end: number } => {
  const start = directory.offset + table * entries.entryBytes;
  return { start, end: start + entries.entryBytes };
};

const mappedBy = (layout: GrainLayout, table: number): { start: number; end: number } => ({
  start: Math.min(table * tableSpan(layout), layout.size),
  end: Math.min((table + 1) * tableSpan(layout), layout.size),
});

/** Compressed grains whose markers say that they are of another place of the disk, or that can't be as long as they say. */
function* markerNotes({ file, grains }: CheckedExtent, notes: ExtentNotes): Generator<Progress, void, void> {
  const { blockSize, size } = grains;
  const map = grains.open(false, SCAN_WINDOW_BYTES);
  const base = file.holder?.base ?? 0;
  const count = Math.ceil(size / blockSize);
  for (let first = 0; first < count;) {
    const run = readable(() => map.tell(first, Math.min(count - first, GRAINS_SLICE)));
    if (run && 'hosts' in run) {
      for (let i = 0; i < run.count; i += 1) {
        if (run.kinds[i] !== Kind.Compressed) continue;
        noteMarker({ file, offset: (run.hosts[i] ?? 0) - base, grain: first + i, grainSize: blockSize }, notes);
      }
    }
    first += run?.count ?? 1;
    yield { done: 0, total: 1 };
  }
}

function noteMarker(
  of: { readonly file: ExtentFile; readonly offset: number; readonly grain: number; readonly grainSize: number },
  notes: ExtentNotes,
): void {
  const { file, offset, grain, grainSize } = of;
  const marker = readable(() => readMarker(file.lookups, offset));
  const guest: GuestRange[] = [{ view: '', start: grain * grainSize, end: (grain + 1) * grainSize }];
  const about = { advice: RESTORE, offset, claims: [], guest };
  const where = `a compressed grain at ${formatOffset(offset)}`;
  if (!marker) {
    notes.add('error', 'marker-unreadable', () => ({ message: `the marker of ${where} can't be read`, ...about }));
    return;
  }
  if (!isLength(marker.length, grainSize)) {
    const message = `${where} is said to have ${marker.length} bytes`;
    notes.add('further', 'grain-length', () => ({ message, ...about }));
  }
  const sector = (grain * grainSize) / SECTOR_BYTES;
  const marked = marker.high * 2 ** 32 + marker.low;
  if (marked === sector) return;
  const message = `${where} says that it is of sector ${marked} of the disk, and is taken for sector ${sector}`;
  notes.add('further', 'grain-marker', () => ({ message, ...about }));
}
