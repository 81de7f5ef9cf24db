import type { Square } from './grid';
import type { Scene } from './paint';
import type { Raster } from './raster';

/** Shares of a cell: the thickness of the rim of one that differs, and the corner of one that is damaged. */
const RIM = 0.14;
const CORNER = 0.55;

/**
 * Marks cells upon what is painted already: a rim around those that differ from the disk compared with, a corner on those
 * that a problem touches. Both are shapes, so that they can be told without seeing their colours.
 */
export function paintMarks(target: Raster, scene: Scene): void {
  const { pixels, grid, first, last, gap, colors } = scene;
  const { different, damaged } = pixels;
  if (!different && !damaged) return;
  const offset = Math.round(pixels.rangeStart / pixels.cellBytes);
  for (let cell = first; cell < last; cell += 1) {
    const differs = (different?.[cell - offset] ?? 0) > 0;
    const broken = (damaged?.[cell - offset] ?? 0) > 0;
    if (!differs && !broken) continue;
    const square = grid.square(cell, gap);
    if (differs) paintRim(target, square, Math.max(gap, Math.round(square.height * RIM)), colors.different);
    if (broken) paintCorner(target, square, gap, colors.damaged, colors.background);
  }
}

function paintRim(target: Raster, { x, y, width, height }: Square, rim: number, color: number): void {
  for (let dy = 0; dy < height; dy += 1) {
    if (dy < rim || dy >= height - rim) paintLine(target, x, x + width, y + dy, color);
    else {
      paintLine(target, x, x + rim, y + dy, color);
      paintLine(target, x + width - rim, x + width, y + dy, color);
    }
  }
}

/** The upper right corner, parted from the rest of the cell by a line of the background. */
function paintCorner(
  target: Raster, { x, y, width, height }: Square, line: number, color: number, background: number,
): void {
  const side = Math.max(4 * line, Math.round(height * CORNER));
  for (let dy = 0; dy < Math.min(height, side + 2 * line); dy += 1) {
    const edge = x + width - Math.max(0, side - dy);
    paintLine(target, Math.max(x, edge - 3 * line), edge, y + dy, background);
    paintLine(target, Math.max(x, edge), x + width, y + dy, color);
  }
}

function paintLine({ data, width, height }: Raster, from: number, to: number, y: number, color: number): void {
  if (y < 0 || y >= height) return;
  data.fill(color, y * width + Math.max(0, from), y * width + Math.max(0, Math.min(to, width)));
}
