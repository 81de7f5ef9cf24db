import { Kind, NOBODY } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import { Grid } from '../../../src/webview/map/grid';
import { paintCells } from '../../../src/webview/map/paint';
import { hatch, imageOf, pack, sizeRaster } from '../../../src/webview/map/raster';
import { defaultColor, faded, layerColors, lined } from '../../../src/webview/palette';
import { resample } from '../../../src/webview/map/resample';

/** A viewport of 12,000 cells, a third of them mixed, in four layers and all kinds. */
const COLUMNS = 120;
const ROWS = 100;
const PITCH = 14;
const FRAMES = 60;

function picture(cells: number): Pixels {
  const first = [0];
  const owner: number[] = [];
  const kind: number[] = [];
  const bytes: number[] = [];
  for (let cell = 0; cell < cells; cell += 1) {
    const parts = cell % 3 === 0 ? 1 + ((cell * 7) % 5) : 1;
    for (let part = 0; part < parts; part += 1) {
      owner.push(((cell >> 4) + part) % 5 === 4 ? NOBODY : ((cell >> 4) + part) % 5);
      kind.push([Kind.Data, Kind.Zero, Kind.Compressed, Kind.Data][((cell >> 6) + part) % 4] ?? Kind.Data);
      bytes.push(parts === 1 ? 65_536 : 65_536 / parts);
    }
    first.push(owner.length);
  }
  return {
    rangeStart: 0, rangeEnd: cells * 65_536, cellBytes: 65_536, cells, first: Uint32Array.from(first),
    owner: Int16Array.from(owner), kind: Uint8Array.from(kind), bytes: Float64Array.from(bytes),
  };
}

function median(times: readonly number[]): string {
  return `${([...times].sort((one, other) => one - other)[times.length >> 1] ?? 0).toFixed(2)} ms`;
}

const canvas = document.createElement('canvas');
canvas.width = COLUMNS * PITCH;
canvas.height = ROWS * PITCH;
document.body.append(canvas);
const context = canvas.getContext('2d', { alpha: false });
if (context) {
  const stop = (id: Parameters<typeof defaultColor>[0]) => defaultColor(id, 'dark');
  const background = { r: 31, g: 31, b: 31, a: 1 };
  const layers = layerColors(4, {
    base: stop('vmDisk.layerBase'), older: stop('vmDisk.layerOlder'),
    newer: stop('vmDisk.layerNewer'), newest: stop('vmDisk.layerNewest'),
  });
  const colors = {
    background: pack(background), ground: pack(background), layers: layers.map(pack),
    fadedLayers: layers.map((color) => pack(faded(color, background))),
    lines: layers.map((color) => pack(lined(color, background))), fadedLines: [], paleLayers: [],
    tiles: [], different: 1, damaged: 2,
    unknown: hatch(background, background, 1, false), invalid: hatch(background, background, 1, true),
  };
  const raster = sizeRaster(undefined, canvas.width, canvas.height);
  const pixels = picture(COLUMNS * ROWS);
  const issue: number[] = [];
  const flushed: number[] = [];
  const stretched: number[] = [];
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const start = performance.now();
    paintCells(raster, {
      pixels, grid: new Grid({ level: 0, lead: 0, top: 0 }, { cellBytes: 65_536, columns: COLUMNS, pitch: PITCH }),
      first: 0, last: COLUMNS * ROWS, gap: 1, picked: frame % 2 === 0 ? null : 1, comparing: false,
      pending: false, colors,
    });
    issue.push(performance.now() - start);
    context.putImageData(imageOf(raster), 0, 0);
    context.getImageData(0, 0, 1, 1); // waits until the canvas has them
    flushed.push(performance.now() - start);
    const from = performance.now();
    resample({ start: 0, cellBytes: 32_768, cells: COLUMNS * ROWS }, pixels.rangeEnd, [pixels]);
    stretched.push(performance.now() - from);
  }
  document.title = `${COLUMNS * ROWS} cells: ${median(issue)} to paint, ${median(flushed)} until the canvas has them; `
    + `stretching an old picture ${median(stretched)}`;
}
