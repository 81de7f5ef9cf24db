import { cssColor } from '../color';
import { formatTick } from '../format';
import type { Palette } from '../palette';
import type { Grid } from './grid';
import { labelRows } from './rowlabels';
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
  { context, palette, box }: Overlay, grid: Grid, gap: number,
  hovered: number | undefined, selected: number | undefined,
): void {
  const unit = Math.max(1, Math.round(box.ratio));
  const frame = (cell: number, out: number, line: number, color: string): void => {
    const { x, y, width, height } = grid.square(cell, gap);
    const grow = out - line / 2;
    context.strokeStyle = color;
    context.lineWidth = line;
    context.strokeRect(x - grow, y - grow, width + 2 * grow, height + 2 * grow);
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
}

/** Sets how labels are written, for `ratio` device pixels to a CSS pixel, and tells how wide one is in device pixels. */
export function labelWidth(context: CanvasRenderingContext2D, font: string, ratio: number, text: string): number {
  context.font = `${FONT * ratio}px ${font}`;
  return context.measureText(text).width;
}

/** Writes the offsets at which rows begin. */
export function paintLabels(
  { context, palette, view, level, box }: Overlay, grid: Grid, disk: Disk, seen: { first: number; last: number },
  place: LabelPlace,
): void {
  if (seen.last <= seen.first) return;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  context.fillStyle = cssColor(palette.quiet);
  const fits = (text: string): boolean =>
    labelWidth(context, place.font, box.ratio, text) <= place.right - box.ratio;
  const labels = labelRows(level, view.lead, disk, SPACING * box.ratio, fits);
  if (!labels) return;
  const { every, ruler } = labels;
  const firstRow = Math.floor((seen.first + view.lead) / level.columns);
  const lastRow = Math.floor((seen.last - 1 + view.lead) / level.columns);
  for (let row = Math.ceil(firstRow / every) * every; row <= lastRow; row += every) {
    const offset = Math.max(0, (row * level.columns - view.lead) * level.cellBytes);
    const y = (grid.y(row) + grid.y(row + 1)) / 2;
    if (y >= 0 && y <= box.height) context.fillText(formatTick(offset, ruler), place.right, Math.round(y + place.top));
  }
}
