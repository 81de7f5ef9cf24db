import type { Level, View } from './scale';

/** How much larger or smaller than its level the zoom draws the cells, and around which point of the grid. */
export interface Enlargement {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

/** Where a cell is painted. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const AS_IT_IS: Enlargement = { scale: 1, x: 0, y: 0 };

/**
 * Where the cells of one frame lie, in device pixels from the upper left corner of the grid. Edges are whole pixels also
 * while the zoom moves: cells are painted in the size that they have just then, and nothing needs to be scaled.
 */
export class Grid {
  readonly columns: number;
  readonly lead: number;
  /** Left edge of each column, and the right one of the last. */
  readonly x: Int32Array;
  /** By how much the rows are scrolled. */
  readonly scrolled: number;
  private readonly pitch: number;

  constructor(view: View, level: Level, private readonly zoom = AS_IT_IS) {
    this.columns = level.columns;
    this.lead = view.lead;
    this.pitch = level.pitch;
    this.scrolled = Math.round(view.top * level.pitch);
    this.x = Int32Array.from({ length: level.columns + 1 }, (_, column) =>
      Math.round(zoom.x + (column * level.pitch - zoom.x) * zoom.scale));
  }

  /** Upper edge of a row. */
  y(row: number): number {
    const { scale, y } = this.zoom;
    return Math.round(y + (row * this.pitch - this.scrolled - y) * scale);
  }

  equals(other: Grid): boolean {
    return this.columns === other.columns && this.lead === other.lead && this.pitch === other.pitch
      && this.scrolled === other.scrolled && this.zoom.scale === other.zoom.scale
      && (this.zoom.scale === 1 || (this.zoom.x === other.zoom.x && this.zoom.y === other.zoom.y));
  }

  rowOf(cell: number): number {
    return Math.floor((cell + this.lead) / this.columns);
  }

  /** The first cell of a row; below 0 where the lead reaches into it. */
  firstOf(row: number): number {
    return row * this.columns - this.lead;
  }

  /** The square of a cell without the line, `gap` wide, that parts it from the next. */
  square(cell: number, gap: number): Square {
    const row = this.rowOf(cell);
    const column = cell - this.firstOf(row);
    const x = this.x[column] ?? 0;
    const y = this.y(row);
    return { x, y, width: (this.x[column + 1] ?? x) - gap - x, height: this.y(row + 1) - gap - y };
  }
}
