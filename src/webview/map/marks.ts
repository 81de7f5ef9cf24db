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
  const { pixels, view, level, first, last, gap, colors } = scene;
  const { different, damaged } = pixels;
  if (!different && !damaged) return;
  const { pitch, columns } = level;
  const size = pitch - gap;
  const offset = Math.round(pixels.rangeStart / pixels.cellBytes);
  const scrolled = Math.round(view.top * pitch);
  for (let cell = first; cell < last; cell += 1) {
    const differs = (different?.[cell - offset] ?? 0) > 0;
    const broken = (damaged?.[cell - offset] ?? 0) > 0;
    if (!differs && !broken) continue;
    const place = cell + view.lead;
    const row = Math.floor(place / columns);
    const x = (place - row * columns) * pitch;
    const y = row * pitch - scrolled;
    if (differs) paintRim(target, x, y, size, Math.max(gap, Math.round(size * RIM)), colors.different);
    if (broken) paintCorner(target, x, y, size, gap, colors.damaged, colors.background);
  }
}

function paintRim(target: Raster, x: number, y: number, size: number, rim: number, color: number): void {
  for (let dy = 0; dy < size; dy += 1) {
    if (dy < rim || dy >= size - rim) paintLine(target, x, x + size, y + dy, color);
    else {
      paintLine(target, x, x + rim, y + dy, color);
      paintLine(target, x + size - rim, x + size, y + dy, color);
    }
  }
}

/** The upper right corner, parted from the rest of the cell by a line of the background. */
function paintCorner(
  target: Raster, x: number, y: number, size: number, line: number, color: number, background: number,
): void {
  const side = Math.max(4 * line, Math.round(size * CORNER));
  for (let dy = 0; dy < Math.min(size, side + 2 * line); dy += 1) {
    const edge = x + size - Math.max(0, side - dy);
    paintLine(target, Math.max(x, edge - 3 * line), edge, y + dy, background);
    paintLine(target, Math.max(x, edge), x + size, y + dy, color);
  }
}

function paintLine({ data, width, height }: Raster, from: number, to: number, y: number, color: number): void {
  if (y >= 0 && y < height && to > from) data.fill(color, y * width + from, y * width + Math.min(to, width));
}
