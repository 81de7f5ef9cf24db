import { cssColor } from '../color';
import { formatTick } from '../format';
import type { Palette } from '../palette';
import { labelRows } from './scale';
import type { Box, Disk, Level, View } from './scale';

/** What is drawn over the cells. Lengths in device pixels, places from the upper left corner of the grid. */
export interface Overlay {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly view: View;
  readonly level: Level;
  readonly box: Box;
}

/** Frames the cell under the pointer and the selected one. */
export function paintFrames(
  { context, palette, view, level, box }: Overlay, gap: number,
  hovered: number | undefined, selected: number | undefined,
): void {
  const size = level.pitch - gap;
  const unit = Math.max(1, Math.round(box.ratio));
  const frame = (cell: number, out: number, width: number, color: string): void => {
    const place = cell + view.lead;
    const row = Math.floor(place / level.columns);
    const grow = out - width / 2;
    const x = (place - row * level.columns) * level.pitch - grow;
    const y = row * level.pitch - Math.round(view.top * level.pitch) - grow;
    context.strokeStyle = color;
    context.lineWidth = width;
    context.strokeRect(x, y, size + 2 * grow, size + 2 * grow);
  };
  if (hovered !== undefined) frame(hovered, unit, unit, cssColor(palette.foreground));
  if (selected === undefined) return;
  frame(selected, 0, unit, cssColor(palette.background));
  frame(selected, 2 * unit, 2 * unit, cssColor(palette.selection));
  frame(selected, 3 * unit, unit, cssColor(palette.background));
}

/** CSS pixels: size of the text, and the least distance from one label to the next. */
const FONT = 11;
const SPACING = 54;

/** Where labels go: they end at `right`, beside a grid whose first row is at `top` of the canvas. */
export interface LabelPlace {
  readonly font: string;
  readonly right: number;
  readonly top: number;
  /** How the rows are drawn larger or smaller around a height, while the zoom moves. */
  readonly enlarged: number;
  readonly around: number;
}

/** Writes the offsets at which rows begin. */
export function paintLabels(
  { context, palette, view, level, box }: Overlay, disk: Disk, seen: { first: number; last: number }, place: LabelPlace,
): void {
  if (seen.last <= seen.first) return;
  context.font = `${FONT * box.ratio}px ${place.font}`;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  context.fillStyle = cssColor(palette.quiet);
  const fits = (text: string): boolean => context.measureText(text).width <= place.right - box.ratio;
  const { every, ruler } = labelRows(level, view.lead, disk, SPACING * box.ratio, fits);
  const firstRow = Math.floor((seen.first + view.lead) / level.columns);
  const lastRow = Math.floor((seen.last - 1 + view.lead) / level.columns);
  for (let row = Math.ceil(firstRow / every) * every; row <= lastRow; row += every) {
    const offset = Math.max(0, (row * level.columns - view.lead) * level.cellBytes);
    const middle = (row - view.top + 0.5) * level.pitch;
    const y = place.around + (middle - place.around) * place.enlarged;
    if (y >= 0 && y <= box.height) context.fillText(formatTick(offset, ruler), place.right, Math.round(y + place.top));
  }
}
