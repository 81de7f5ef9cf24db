import { cssColor } from '../color';
import type { Rgb } from '../color';

/** Diagonal lines for what is unknown, crossed ones for what can't be true. */
export interface Hatches {
  readonly unknown: CanvasPattern | string;
  readonly invalid: CanvasPattern | string;
}

/** The tiles' side and line width in CSS pixels; a tile joins its neighbours without a seam. */
const TILE = 6;
const LINE = 1;

export function createHatches(
  context: CanvasRenderingContext2D, ratio: number, colors: { unknown: Rgb; invalid: Rgb; ground: Rgb },
): Hatches {
  return {
    unknown: hatch(context, ratio, colors.unknown, colors.ground, false),
    invalid: hatch(context, ratio, colors.invalid, colors.ground, true),
  };
}

function hatch(
  context: CanvasRenderingContext2D, ratio: number, line: Rgb, ground: Rgb, crossed: boolean,
): CanvasPattern | string {
  const side = Math.max(4, Math.round(TILE * ratio));
  const tile = new OffscreenCanvas(side, side);
  const paint = tile.getContext('2d');
  if (!paint) return cssColor(line);
  paint.fillStyle = cssColor(ground);
  paint.fillRect(0, 0, side, side);
  paint.strokeStyle = cssColor(line);
  paint.lineWidth = LINE * ratio;
  paint.beginPath();
  // One line through the tile, and its neighbours' lines where they cut the corners.
  for (const shift of [-side, 0, side]) {
    paint.moveTo(shift - side, side * 2);
    paint.lineTo(shift + side * 2, -side);
    if (!crossed) continue;
    paint.moveTo(shift - side, -side);
    paint.lineTo(shift + side * 2, side * 2);
  }
  paint.stroke();
  return context.createPattern(tile, 'repeat') ?? cssColor(line);
}
