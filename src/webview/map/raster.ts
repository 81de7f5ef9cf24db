import { mix } from '../color';
import type { Rgb } from '../color';

/**
 * A picture in memory, row by row, one 32-bit word a pixel in the order in which a canvas keeps its bytes (red lowest,
 * on the little-endian machines that browsers run on). A frame of cells is written here and handed over in one piece:
 * that takes a fraction of the time of as many rectangles.
 */
export interface Raster {
  readonly data: Uint32Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** An opaque colour as one pixel. */
export function pack({ r, g, b }: Rgb): number {
  return ((0xff << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
}

/** A raster of this size: `last` itself, or one in its memory where it fits. */
export function sizeRaster(last: Raster | undefined, width: number, height: number): Raster {
  if (last?.width === width && last.height === height) return last;
  const pixels = width * height;
  const room = last && last.data.buffer.byteLength >= pixels * 4 ? last.data.buffer : new ArrayBuffer(pixels * 4);
  return { data: new Uint32Array(room, 0, pixels), width, height };
}

const images = new WeakMap<Raster, ImageData>();

/** The raster as a canvas takes it, without a copy; the same one each time, since each counts as so much new memory. */
export function imageOf(raster: Raster): ImageData {
  const { data, width, height } = raster;
  const image = images.get(raster) ?? new ImageData(new Uint8ClampedArray(data.buffer, 0, width * height * 4), width, height);
  images.set(raster, image);
  return image;
}

/** A square that repeats in both directions. */
export interface Tile {
  readonly side: number;
  readonly data: Uint32Array;
}

/** Distance from line to line and width of a line, in CSS pixels. */
const SPACING = 6;
const LINE = 1;

/** Slanted lines on a ground; `crossed` in both directions. */
export function hatch(line: Rgb, ground: Rgb, ratio: number, crossed: boolean): Tile {
  const side = Math.max(4, Math.round(SPACING * ratio));
  const half = (LINE * ratio) / 2;
  const cover = (along: number): number => {
    const place = ((along % side) + side) % side;
    const distance = Math.min(place, side - place) / Math.SQRT2;
    return Math.min(1, Math.max(0, 0.5 + half - distance));
  };
  const data = new Uint32Array(side * side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const share = Math.max(cover(x + y), crossed ? cover(x - y) : 0);
      data[y * side + x] = pack(mix(ground, line, share));
    }
  }
  return { side, data };
}

/** Fills `[from, to)` of a row of pixels that starts at `row` with the part of a tile that belongs there. */
export function fillTile(data: Uint32Array, row: number, from: number, to: number, tile: Tile, tileY: number): void {
  const line = (((tileY % tile.side) + tile.side) % tile.side) * tile.side;
  for (let x = from; x < to; x += 1) data[row + x] = tile.data[line + (x % tile.side)] ?? 0;
}

/** Fills a rectangle that lies inside the raster with a colour or with a tile. */
export function fillRect(
  { data, width }: Raster, x: number, y: number, wide: number, high: number, style: number | Tile,
): void {
  for (let row = y; row < y + high; row += 1) {
    const at = row * width;
    if (typeof style === 'number') data.fill(style, at + x, at + x + wide);
    else fillTile(data, at, x, x + wide, style, row);
  }
}
