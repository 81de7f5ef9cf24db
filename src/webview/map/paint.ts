import type { Pixels } from '../../core/model';
import { Kind, NOBODY, UNKNOWN_OWNER } from '../../core/model';
import { createCellParts, divideCell } from './cells';
import type { Hatches } from './patterns';
import type { Level, View } from './scale';

/** Colours as CSS text, ready for the canvas; `layers` newest first. */
export interface MapColors {
  readonly background: string;
  readonly ground: string;
  readonly layers: readonly string[];
  readonly fadedLayers: readonly string[];
  readonly lines: readonly string[];
  readonly fadedLines: readonly string[];
  /** Outlines of cells that nobody owns; only high contrast has them. */
  readonly groundOutline?: string | undefined;
  readonly hatches: Hatches;
}

/** A frame of cells. Lengths in device pixels from the upper left corner of the grid. */
export interface Scene {
  readonly pixels: Pixels;
  readonly view: View;
  readonly level: Level;
  /** Cells `[first, last)` that are on screen. */
  readonly first: number;
  readonly last: number;
  /** Width of the line between two cells. */
  readonly gap: number;
  readonly picked: number | null;
  /** While layers are still being read, what is unknown will be known soon: it stays ground. */
  readonly pending: boolean;
  readonly colors: MapColors;
}

/** Rectangles to fill in one colour: x, y, width, height each. */
class Rects {
  private data = new Int32Array(1024);
  length = 0;

  push(x: number, y: number, width: number, height: number): void {
    if (this.length === this.data.length) {
      const grown = new Int32Array(this.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    const { data, length } = this;
    data[length] = x;
    data[length + 1] = y;
    data[length + 2] = width;
    data[length + 3] = height;
    this.length = length + 4;
  }

  /** Lengthens the last rectangle when the new one goes on where it ends, across the gap between cells. */
  join(x: number, y: number, width: number, height: number, gap: number): void {
    const { data, length } = this;
    const left = data[length - 4] ?? 0;
    const end = left + (data[length - 2] ?? 0);
    const goesOn = length > 0 && data[length - 3] === y && (end === x || end + gap === x);
    if (goesOn) data[length - 2] = x + width - left;
    else this.push(x, y, width, height);
  }

  fill(context: CanvasRenderingContext2D, style: string | CanvasPattern): void {
    const { data, length } = this;
    if (length === 0) return;
    context.fillStyle = style;
    for (let at = 0; at < length; at += 4) {
      context.fillRect(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0, data[at + 3] ?? 0);
    }
  }
}

const parts = createCellParts();

/**
 * Paints the cells. Runs of one colour become one rectangle, rectangles are filled colour by colour, and the lines
 * between the cells come last: a frame costs a few hundred rectangles, not one a cell.
 */
export function paintCells(context: CanvasRenderingContext2D, scene: Scene): void {
  const { view, level, first, last, gap, colors } = scene;
  const { pitch, columns } = level;
  const size = pitch - gap;
  const scrolled = Math.round(view.top * pitch);
  const ground = new Rects();
  const fills = new Map<number, Rects>();
  const lines = new Map<number, Rects>();
  const holes = new Rects();
  const unknown = new Rects();
  const invalid = new Rects();
  const of = (map: Map<number, Rects>, owner: number): Rects => {
    const known = map.get(owner);
    if (known) return known;
    const fresh = new Rects();
    map.set(owner, fresh);
    return fresh;
  };
  const ring = Math.max(2 * gap, Math.round(size * 0.3));
  const thin = Math.max(gap, Math.round(size * 0.08));
  const outlined = colors.groundOutline !== undefined;

  const firstOfPicture = Math.round(scene.pixels.rangeStart / scene.pixels.cellBytes);
  for (let cell = first; cell < last; cell += 1) {
    const place = cell + view.lead;
    const row = Math.floor(place / columns);
    const x = (place - row * columns) * pitch;
    const y = row * pitch - scrolled;
    divideCell(scene.pixels, cell - firstOfPicture, size, parts);
    const width = parts.count === 0 ? size : (parts.edge[parts.count] ?? size);
    ground.join(x, y, width, size, gap);
    for (let part = 0; part < parts.count; part += 1) {
      const left = x + (parts.edge[part] ?? 0);
      const wide = x + (parts.edge[part + 1] ?? 0) - left;
      if (wide === 0) continue;
      const owner = parts.owner[part] ?? NOBODY;
      const kind = parts.kind[part] ?? Kind.Data;
      if (owner === UNKNOWN_OWNER || kind === Kind.Unknown) {
        if (!scene.pending) unknown.join(left, y, wide, size, gap);
        else if (outlined) hollow(holes, left, y, wide, size, gap);
        continue;
      }
      if (owner === NOBODY) {
        if (outlined) hollow(holes, left, y, wide, size, gap);
        continue;
      }
      if (kind === Kind.Invalid) {
        invalid.join(left, y, wide, size, gap);
        continue;
      }
      of(fills, owner).join(left, y, wide, size, gap);
      const fades = scene.picked !== null && scene.picked !== owner;
      if (fades && outlined) hollow(holes, left, y, wide, size, thin);
      else if (kind === Kind.Zero || kind === Kind.ZeroAllocated) hollow(holes, left, y, wide, size, ring);
      else if (kind === Kind.Compressed) {
        const thick = Math.max(gap, Math.round(size / 11));
        for (const share of [0.27, 0.5, 0.73]) {
          of(lines, owner).join(left, y + Math.round(size * share - thick / 2), wide, thick, gap);
        }
      }
    }
  }

  ground.fill(context, colors.groundOutline ?? colors.ground);
  for (const [owner, rects] of fills) rects.fill(context, layerColor(owner, scene, colors.layers, colors.fadedLayers));
  for (const [owner, rects] of lines) rects.fill(context, layerColor(owner, scene, colors.lines, colors.fadedLines));
  moveHatch(colors.hatches.unknown, scrolled);
  moveHatch(colors.hatches.invalid, scrolled);
  unknown.fill(context, colors.hatches.unknown);
  invalid.fill(context, colors.hatches.invalid);
  holes.fill(context, colors.ground);
  paintGaps(context, scene, scrolled);
}

/** The inside of a hollow part. Where it is too narrow for a ring, the hole takes the whole width between two bars. */
function hollow(holes: Rects, x: number, y: number, width: number, height: number, ring: number): void {
  if (height <= 2 * ring) return;
  if (width > 2 * ring) holes.push(x + ring, y + ring, width - 2 * ring, height - 2 * ring);
  else holes.push(x, y + ring, width, height - 2 * ring);
}

/** High contrast fades by hollowing the cells out, so the colour itself stays. */
function layerColor(owner: number, scene: Scene, full: readonly string[], dim: readonly string[]): string {
  const fades = scene.picked !== null && scene.picked !== owner && scene.colors.groundOutline === undefined;
  return (fades ? dim[owner] : full[owner]) ?? scene.colors.background;
}

/** Ties a hatch to the disk instead of to the screen, so that it does not swim when the map is scrolled. */
function moveHatch(hatch: CanvasPattern | string, scrolled: number): void {
  if (typeof hatch !== 'string') hatch.setTransform(new DOMMatrix([1, 0, 0, 1, 0, -scrolled]));
}

function paintGaps(context: CanvasRenderingContext2D, { view, level, first, last, gap, colors }: Scene, scrolled: number): void {
  if (last <= first) return;
  const { pitch, columns } = level;
  const firstRow = Math.floor((first + view.lead) / columns);
  const lastRow = Math.floor((last - 1 + view.lead) / columns);
  const top = firstRow * pitch - scrolled;
  const height = (lastRow - firstRow + 1) * pitch;
  context.fillStyle = colors.background;
  for (let column = 0; column < columns; column += 1) context.fillRect((column + 1) * pitch - gap, top, gap, height);
  for (let row = firstRow; row <= lastRow; row += 1) {
    context.fillRect(0, (row + 1) * pitch - gap - scrolled, columns * pitch, gap);
  }
}
