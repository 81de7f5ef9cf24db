import { Kind, NOBODY } from '../../core/model';
import { createCellParts, divideCell, divideKnown, isUnknown } from './cells';
import type { MarkedPixels } from './cells';
import { estimate } from './estimate';
import type { Estimate } from './estimate';
import type { Grid } from './grid';
import { paintMarks } from './marks';
import { fillTile } from './raster';
import type { Raster, Tile } from './raster';

/** Colours as pixels; `layers` newest first. */
export interface MapColors {
  readonly background: number;
  readonly ground: number;
  readonly layers: readonly number[];
  readonly fadedLayers: readonly number[];
  /** Of cells that are estimated. */
  readonly paleLayers: readonly number[];
  /** Lines across compressed data. */
  readonly lines: readonly number[];
  readonly fadedLines: readonly number[];
  /** By owner, of those that are drawn as a pattern. */
  readonly tiles: readonly (Tile | undefined)[];
  readonly different: number;
  readonly damaged: number;
  /** Outlines of cells that nobody owns; only high contrast has them. */
  readonly groundOutline?: number | undefined;
  readonly unknown: Tile;
  readonly invalid: Tile;
}

/** A frame of cells. Lengths in device pixels. */
export interface Scene {
  readonly pixels: MarkedPixels;
  readonly grid: Grid;
  /** Cells `[first, last)` that are on screen. */
  readonly first: number;
  readonly last: number;
  /** Width of the line between two cells. */
  readonly gap: number;
  readonly picked: number | null;
  /** While two disks are compared, what does not differ fades. */
  readonly comparing: boolean;
  /**
   * While the disk is still being read, what is unknown will be known soon. A cell that is not wholly known is a smaller
   * square, by as much as is unknown, with what is known of it or, as an estimate, of the nearest cell.
   */
  readonly pending: boolean;
  readonly colors: MapColors;
}

/** Pieces of one row of cells that differ from line to line of its pixels, and what is there. */
class Pieces<T> {
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly what: T[] = [];
  length = 0;

  clear(): void {
    this.length = 0;
  }

  push(from: number, to: number, what: T): void {
    const { length } = this;
    if (length > 0 && this.to[length - 1] === from && this.what[length - 1] === what) {
      this.to[length - 1] = to;
      return;
    }
    this.from[length] = from;
    this.to[length] = to;
    this.what[length] = what;
    this.length += 1;
  }

  each(use: (from: number, to: number, what: T) => void): void {
    for (let at = 0; at < this.length; at += 1) use(this.from[at] ?? 0, this.to[at] ?? 0, this.what[at] as T);
  }
}

/** What cells of one height look like: how thick the rims of hollow ones are, and where lines across compressed ones run. */
interface Shapes {
  readonly size: number;
  /** Rim of a zero cell, of one that is faded in high contrast, and of one that nobody owns. */
  readonly ring: number;
  readonly thin: number;
  readonly outline: number;
  /** For each line of pixels of a cell, whether compressed data has a line there. */
  readonly lined: readonly boolean[];
}

const LINE_PLACES = [0.27, 0.5, 0.73];

function shapesOf(size: number, gap: number): Shapes {
  const thick = Math.max(gap, Math.round(size / 11));
  const starts = LINE_PLACES.map((share) => Math.round(size * share - thick / 2));
  return {
    size,
    ring: Math.max(2 * gap, Math.round(size * 0.3)),
    thin: Math.max(gap, Math.round(size * 0.08)),
    outline: gap,
    lined: Array.from({ length: size }, (_, y) => starts.some((start) => y >= start && y < start + thick)),
  };
}

/** Side of the square for a cell of which nothing is known, as a share of a whole one. */
const SEED = 0.45;

const parts = createCellParts();
/** From above and below, what the background keeps of a smaller square. */
const insets = new Pieces<number>();
const holes = new Pieces<number>();
const lines = new Pieces<number>();
const tiles = new Pieces<Tile>();

/**
 * Paints the cells into a raster whose upper left corner is that of the grid. Each row of cells is first written as one
 * line of pixels; the lines below it repeat it, with what differs from line to line written over.
 */
export function paintCells(target: Raster, scene: Scene): void {
  const { grid, first, last, gap, colors } = scene;
  const { data, width, height } = target;
  const line = new Uint32Array(width);
  const estimated = scene.pending ? estimate(scene.pixels) : undefined;
  const shapesBySize: Shapes[] = []; // rows differ by a pixel while the zoom moves
  let painted = 0;
  for (let row = grid.rowOf(first); last > first && row <= grid.rowOf(last - 1); row += 1) {
    const top = grid.y(row);
    const bottom = grid.y(row + 1) - gap;
    if (bottom <= 0 || top >= height) continue;
    const shapes = (shapesBySize[bottom - top] ??= shapesOf(bottom - top, gap));
    line.fill(colors.background);
    holes.clear();
    lines.clear();
    tiles.clear();
    insets.clear();
    const start = grid.firstOf(row);
    for (let cell = Math.max(first, start); cell < Math.min(last, start + grid.columns); cell += 1) {
      const from = grid.x[cell - start] ?? 0;
      const to = (grid.x[cell - start + 1] ?? 0) - gap;
      if (to > 0 && from < width) writeCell(line, cell, from, to - from, scene, shapes, estimated);
    }
    if (top > painted) data.fill(colors.background, painted * width, top * width);
    copyRow(target, line, top, grid.scrolled, shapes, colors);
    painted = Math.min(bottom, height);
  }
  data.fill(colors.background, painted * width);
  paintMarks(target, scene);
}

/** Writes a cell's colours into the line, and notes what is not the same on all lines. */
function writeCell(
  line: Uint32Array, cell: number, x: number, size: number, scene: Scene, shapes: Shapes, estimated: Estimate | undefined,
): void {
  const { pixels, colors, picked, comparing } = scene;
  const outlined = colors.groundOutline !== undefined;
  const nobody = colors.groundOutline ?? colors.ground;
  const index = cell - Math.round(pixels.rangeStart / pixels.cellBytes);
  if (index < 0 || index >= pixels.cells) return;
  if (estimated && (estimated.known[index] ?? 1) < 1) {
    writeEstimate(line, x, size, scene, estimated.known[index] ?? 0, estimated.like[index] ?? -1);
    return;
  }
  const same = comparing && !((pixels.different?.[index] ?? 0) > 0);
  divideCell(pixels, index, size, parts);
  if (parts.count === 0) {
    fillLine(line, x, x + size, nobody);
    if (outlined) hollow(x, x + size, shapes.outline);
  }
  for (let part = 0; part < parts.count; part += 1) {
    const from = x + (parts.edge[part] ?? 0);
    const to = x + (parts.edge[part + 1] ?? 0);
    if (to === from) continue;
    const owner = parts.owner[part] ?? NOBODY;
    const kind = parts.kind[part] ?? Kind.Data;
    if (owner === NOBODY) {
      fillLine(line, from, to, nobody);
      if (outlined) hollow(from, to, shapes.outline);
    } else if (isUnknown(owner, kind)) tiles.push(from, to, colors.unknown);
    else if (kind === Kind.Invalid) tiles.push(from, to, colors.invalid);
    else if (colors.tiles[owner]) tiles.push(from, to, colors.tiles[owner]);
    else {
      const fades = same || (picked !== null && picked !== owner);
      // High contrast fades by hollowing the cells out, so that the colour itself stays.
      const dim = fades && !outlined;
      fillLine(line, from, to, (dim ? colors.fadedLayers[owner] : colors.layers[owner]) ?? nobody);
      if (fades && outlined) hollow(from, to, shapes.thin);
      else if (kind === Kind.Zero || kind === Kind.ZeroAllocated) hollow(from, to, shapes.ring);
      else if (kind === Kind.Compressed) {
        lines.push(from, to, (dim ? colors.fadedLines[owner] : colors.lines[owner]) ?? nobody);
      }
    }
  }
}

/** Writes a square that is smaller by what is not known, with the owners of the cell that stands for this one. */
function writeEstimate(
  line: Uint32Array, x: number, size: number, { pixels, colors, picked }: Scene, known: number, like: number,
): void {
  const side = Math.max(1, Math.round(size * (SEED + (1 - SEED) * known)));
  const inset = Math.floor((size - side) / 2);
  const left = x + inset;
  const right = x + size - inset;
  const nobody = colors.groundOutline ?? colors.ground;
  insets.push(left, right, inset);
  if (like < 0) {
    tiles.push(left, right, colors.unknown); // not the colour of what nobody owns: that would be an answer
    return;
  }
  fillLine(line, left, right, nobody);
  divideKnown(pixels, like, right - left, parts);
  for (let part = 0; part < parts.count; part += 1) {
    const owner = parts.owner[part] ?? NOBODY;
    if (owner === NOBODY) continue;
    const shades = picked !== null && picked !== owner ? colors.fadedLayers : colors.paleLayers;
    fillLine(line, left + (parts.edge[part] ?? 0), left + (parts.edge[part + 1] ?? 0), shades[owner] ?? nobody);
  }
}

/** Most parts are a few pixels wide, for which a loop is quicker than a call of `fill`. */
function fillLine(line: Uint32Array, from: number, to: number, color: number): void {
  const end = Math.min(to, line.length);
  for (let x = Math.max(from, 0); x < end; x += 1) line[x] = color;
}

/** The inside of a hollow part. Where it is too narrow for a rim, the hole takes the whole width between two bars. */
function hollow(from: number, to: number, rim: number): void {
  if (to - from > 2 * rim) holes.push(from + rim, to - rim, rim);
  else holes.push(from, to, rim);
}

function copyRow(
  target: Raster, line: Uint32Array, top: number, scrolled: number, shapes: Shapes, { background, ground }: MapColors,
): void {
  const { data, width, height } = target;
  const { size, ring, thin, outline, lined } = shapes;
  let last = -1;
  let lastLook = -1;
  for (let dy = Math.max(0, -top); dy < size && top + dy < height; dy += 1) {
    const rim = Math.min(dy, size - 1 - dy);
    const look = (rim >= outline ? 1 : 0) + (rim >= thin ? 2 : 0) + (rim >= ring ? 4 : 0) + (lined[dy] ? 8 : 0);
    const at = (top + dy) * width;
    const fill = (from: number, to: number, color: number): void => {
      data.fill(color, at + Math.max(0, from), at + Math.min(to, width));
    };
    if (look === lastLook && tiles.length === 0 && insets.length === 0) {
      data.copyWithin(at, last, last + width);
    } else {
      data.set(line, at);
      holes.each((from, to, needs) => {
        if (rim >= needs) fill(from, to, ground);
      });
      if (lined[dy]) lines.each(fill);
      // Tied to the disk instead of to the screen, a hatch does not swim when the map is scrolled.
      tiles.each((from, to, tile) => {
        fillTile(data, at, Math.max(0, from), Math.min(to, width), tile, top + scrolled + dy);
      });
      insets.each((from, to, inset) => {
        if (rim < inset) fill(from, to, background);
      });
    }
    last = at;
    lastLook = look;
  }
}
