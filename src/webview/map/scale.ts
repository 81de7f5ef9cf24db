/**
 * Where each byte of the disk stands on the screen. The disk is laid out like text: cells of equal size from left to
 * right, row below row. Lengths on screen are device pixels, so that every cell has the same whole number of them.
 */

/** The disk: its size, and the smallest piece worth a cell of its own. */
export interface Disk {
  readonly size: number;
  readonly unit: number;
  /** The file that is drawn in the place of a disk. */
  readonly file?: string;
}

/** The area for cells, in device pixels; `ratio` of them make one CSS pixel. */
export interface Box {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}

/** One step of the zoom. `pitch` is the distance from cell to cell. */
export interface Level {
  readonly cellBytes: number;
  readonly columns: number;
  readonly pitch: number;
}

/**
 * What is looked at. `lead` cells stay blank before the first; `top` rows, maybe a fraction, are scrolled past, and
 * below 0 that many stay blank above the disk.
 */
export interface View {
  readonly level: number;
  readonly lead: number;
  readonly top: number;
}

/** A byte of the disk and the point of the box where it shall stay: of the box, as each level's grid starts elsewhere. */
export interface Anchor {
  readonly byte: number;
  readonly x: number;
  readonly y: number;
}

export const WHOLE_DISK: View = { level: 0, lead: 0, top: 0 };

/** Column counts that make the rows' offsets round. */
const COLUMNS = [4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640];

/** Distances from cell to cell in CSS pixels. */
const PITCH = { least: 11, usual: 14, most: 17.6, spread: 20, largest: 40 } as const;

/** What a change of the usual columns must win, as a share of the area. */
const WORTH_OTHER_COLUMNS = 0.12;

/** All steps of the zoom, from the whole disk to single units drawn large. Always at least one. */
export function levelsOf(disk: Disk, box: Box): Level[] {
  const usual = usualColumns(box);
  const first = wholeDisk(disk, box, usual);
  const levels = [first];
  const add = (level: Level): void => {
    const last = levels.at(-1) ?? first;
    const shown = visibleBytes(level, box);
    if (shown < disk.size && shown < visibleBytes(last, box)) levels.push(level);
  };
  for (let cellBytes = first.cellBytes / 2; cellBytes >= disk.unit; cellBytes /= 2) {
    add({ cellBytes, columns: usual, pitch: pitchOf(usual, box) });
  }
  for (;;) {
    const last = levels.at(-1) ?? first;
    const columns = Math.max(4, Math.ceil(last.columns / 2));
    const pitch = pitchOf(columns, box);
    if (last.cellBytes > disk.unit || pitch > PITCH.largest * box.ratio || columns === last.columns) return levels;
    const before = levels.length;
    add({ cellBytes: disk.unit, columns, pitch });
    if (levels.length === before) return levels;
  }
}

/** Where a level's grid starts in the box: all grids end at its right edge. */
export const gridLeft = (level: Level, box: Box): number => box.width - level.columns * level.pitch;

const pitchOf = (columns: number, box: Box): number => Math.max(2, Math.floor(box.width / columns));

/** Bytes that the box shows of whole rows. */
export function visibleBytes(level: Level, box: Box): number {
  return level.columns * level.cellBytes * Math.max(1, Math.floor(box.height / level.pitch));
}

/** The columns whose cells are about as large as they should be and waste the least width. */
function usualColumns(box: Box): number {
  let best = COLUMNS[0] ?? 1;
  let bestScore = -Infinity;
  for (const columns of COLUMNS) {
    const pitch = pitchOf(columns, box);
    const size = pitch / box.ratio;
    if (size < PITCH.least || size > PITCH.most) continue;
    const score = (columns * pitch) / box.width - Math.abs(size - PITCH.usual) / 50;
    if (score > bestScore) [best, bestScore] = [columns, score];
  }
  return best;
}

/** The step at which everything fits: the finest cells that do, in the columns that fill the box best. */
function wholeDisk(disk: Disk, box: Box, usual: number): Level {
  let best: Level | undefined;
  let bestScore = -Infinity;
  for (const columns of COLUMNS) {
    const pitch = pitchOf(columns, box);
    const size = pitch / box.ratio;
    if (columns !== usual && (size < PITCH.least || size > PITCH.largest)) continue;
    const rows = Math.max(1, Math.floor(box.height / pitch));
    let cellBytes = disk.unit;
    while (Math.ceil(disk.size / cellBytes) > columns * rows) cellBytes *= 2;
    if (columns !== usual && cellBytes > disk.unit && size > PITCH.spread) continue;
    const area = Math.ceil(disk.size / cellBytes) * pitch * pitch;
    const score = area / (box.width * box.height) + (columns === usual ? WORTH_OTHER_COLUMNS : 0);
    if (score > bestScore) [best, bestScore] = [{ cellBytes, columns, pitch }, score];
  }
  return best ?? { cellBytes: disk.unit, columns: usual, pitch: pitchOf(usual, box) };
}

/**
 * The smallest piece worth a cell: the smallest grain of the layers that have tables. A raw file has none; what it
 * lacks are blocks of its file system, 4 KiB nearly everywhere.
 */
export function unitOf(layers: readonly { readonly format: string; readonly grain: number }[], size: number): number {
  const grains = layers.filter((layer) => layer.format !== 'raw' && layer.grain >= 512).map((layer) => layer.grain);
  if (grains.length > 0) return Math.min(...grains);
  return size < 1024 * 1024 ? 512 : 4096;
}

export const cellCount = (disk: Disk, level: Level): number => Math.ceil(disk.size / level.cellBytes);

export function rowCount(disk: Disk, level: Level, lead: number): number {
  return Math.ceil((lead + cellCount(disk, level)) / level.columns);
}

/** The same view, scrolled no further than the disk reaches and `blank` beyond its ends. */
export function clampView(
  view: View, disk: Disk, levels: readonly Level[], box: Box, blank: Blank = { above: 0, below: 0 },
): View {
  const index = Math.min(Math.max(view.level, 0), levels.length - 1);
  const level = levels[index];
  if (index === 0 || !level) return WHOLE_DISK;
  const last = Math.max(0, rowCount(disk, level, view.lead) - (box.height - blank.below) / level.pitch);
  return { level: index, lead: view.lead, top: Math.min(Math.max(view.top, (0 - blank.above) / level.pitch), last) };
}

/** Cells `[first, last)` that are at least partly inside the box. */
export function visibleCells(view: View, disk: Disk, level: Level, box: Box): { first: number; last: number } {
  const first = Math.floor(view.top) * level.columns - view.lead;
  const last = Math.ceil(view.top + box.height / level.pitch) * level.columns - view.lead;
  return { first: Math.max(0, first), last: Math.min(Math.max(last, 0), cellCount(disk, level)) };
}

/** Upper left corner of a cell. */
export function cellPlace(cell: number, view: View, level: Level): { x: number; y: number } {
  const place = cell + view.lead;
  const row = Math.floor(place / level.columns);
  return { x: (place - row * level.columns) * level.pitch, y: (row - view.top) * level.pitch };
}

/** The cell under a point, and how far (0 … 1) the point is into it from the left; undefined beside the disk. */
export function cellAt(
  x: number, y: number, view: View, disk: Disk, level: Level,
): { cell: number; along: number } | undefined {
  const column = Math.floor(x / level.pitch);
  const row = Math.floor(view.top + y / level.pitch);
  const cell = row * level.columns + column - view.lead;
  if (column < 0 || column >= level.columns || cell < 0 || cell >= cellCount(disk, level)) return undefined;
  return { cell, along: x / level.pitch - column };
}

/** The byte under a point, or the nearest to it. */
export function byteAt(x: number, y: number, view: View, disk: Disk, level: Level): number {
  const column = Math.min(Math.max(x / level.pitch, 0), level.columns - 0.001);
  const row = Math.floor(view.top + y / level.pitch);
  const place = (row * level.columns + column - view.lead) * level.cellBytes;
  return Math.min(Math.max(0, Math.floor(place)), disk.size - 1);
}

/** How far into its row, from its edges, the anchor's point is kept: rounding must not push it into the next row. */
const WITHIN_ROW = 1 / 64;

/**
 * Zooms so that the cell of `anchor.byte` lies under the anchor's point, as far as the disk's ends allow. Zooming in may
 * leave as much blank beyond them as there was, and a row of the larger cells.
 */
export function zoomAround(
  view: View, to: number, anchor: Anchor, disk: Disk, levels: readonly Level[], box: Box,
): View {
  const from = levels[view.level];
  const level = levels[to];
  if (!from || !level || to === 0) return WHOLE_DISK;
  const cell = Math.floor(anchor.byte / level.cellBytes);
  const across = Math.floor((anchor.x - gridLeft(level, box)) / level.pitch);
  const column = Math.min(Math.max(across, 0), level.columns - 1);
  const lead = (((column - cell) % level.columns) + level.columns) % level.columns;
  const into = (((view.top + anchor.y / from.pitch) % 1) + 1) % 1;
  const inside = Math.min(Math.max(into, WITHIN_ROW), 1 - WITHIN_ROW);
  const zoomed = { level: to, lead, top: (cell + lead - column) / level.columns + inside - anchor.y / level.pitch };
  const blank = to > view.level ? blankOf(view, disk, from, box) : undefined;
  return clampView(zoomed, disk, levels, box,
    blank && { above: blank.above + from.pitch, below: blank.below + from.pitch });
}

/** Height that stays blank above and below the disk, in device pixels. */
interface Blank {
  readonly above: number;
  readonly below: number;
}

function blankOf(view: View, disk: Disk, level: Level, box: Box): Blank {
  const end = (rowCount(disk, level, view.lead) - view.top) * level.pitch;
  return { above: Math.max(0, -view.top * level.pitch), below: Math.max(0, box.height - end) };
}

/** Scrolls by device pixels as far as the disk reaches; what is blank beyond its ends gets no larger. */
export function scrollBy(view: View, pixels: number, disk: Disk, levels: readonly Level[], box: Box): View {
  const level = levels[view.level];
  if (!level) return view;
  const top = view.top + pixels / level.pitch;
  return clampView({ ...view, top }, disk, levels, box, blankOf(view, disk, level, box));
}

/** Zooms with whole rows at round offsets, so that the row of `byte` has its middle about at `y`. */
export function zoomToRow(to: number, byte: number, y: number, disk: Disk, levels: readonly Level[], box: Box): View {
  const level = levels[to];
  if (!level) return WHOLE_DISK;
  const row = Math.floor(byte / level.cellBytes / level.columns);
  return clampView({ level: to, lead: 0, top: Math.round(row + 0.5 - y / level.pitch) }, disk, levels, box);
}

/** Scrolls as little as possible until the row of `byte` is wholly inside the box. */
export function reveal(view: View, byte: number, disk: Disk, levels: readonly Level[], box: Box): View {
  const level = levels[view.level];
  if (!level) return view;
  const row = Math.floor((Math.floor(byte / level.cellBytes) + view.lead) / level.columns);
  const rows = box.height / level.pitch;
  const top = Math.min(Math.max(view.top, row + 1 - rows), row);
  return clampView({ ...view, top }, disk, levels, box);
}

/**
 * The cell that a key of movement leads to, from the selected one or, where none is, from the first on screen.
 * @returns undefined for other keys
 */
export function cellAfterKey(
  key: string, selected: number | undefined, firstSeen: number, disk: Disk, level: Level, box: Box,
): number | undefined {
  const last = cellCount(disk, level) - 1;
  const from = selected ?? firstSeen;
  const page = Math.max(1, Math.floor(box.height / level.pitch) - 1);
  // Up and down keep the column, and so go only as far as it reaches.
  const up = (rows: number): number => from - level.columns * Math.min(rows, Math.floor(from / level.columns));
  const below = Math.floor((last - from) / level.columns);
  const down = (rows: number): number => from + level.columns * Math.min(rows, below);
  const places: Readonly<Record<string, number>> = {
    ArrowLeft: Math.max(from - 1, 0), ArrowRight: Math.min(from + 1, last), ArrowUp: up(1), ArrowDown: down(1),
    PageUp: up(page), PageDown: down(page), Home: 0, End: last,
  };
  const place = places[key];
  if (place === undefined || last < 0) return undefined;
  return selected === undefined && key !== 'Home' && key !== 'End' ? firstSeen : place;
}

/** The level that shows cells of about `cellBytes`. */
export function levelFor(cellBytes: number, levels: readonly Level[]): number {
  const index = levels.findIndex((level) => level.cellBytes <= cellBytes);
  return index < 0 ? levels.length - 1 : index;
}

/** The level to go to for a closer look: the first with cells of one unit, or the next one. It never leads back. */
export function closerLevel(from: number, disk: Disk, levels: readonly Level[]): number {
  const last = levels.length - 1;
  const single = levels.findIndex((level) => level.cellBytes <= disk.unit);
  return single < 0 ? last : Math.max(single, Math.min(from + 1, last));
}
