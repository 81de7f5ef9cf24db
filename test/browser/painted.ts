import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Locator } from 'playwright-core';
import { repositoryRoot } from '../support/root';
import type { Editor, Point } from './editor';
import { until } from './eventually';
import type { Theme } from './harness';
import type { ImageTruth, Part } from './truth';

/** Colours as `#rrggbb`. */
export type Hex = string;

/** A cell as it is on the canvas: its box in device pixels, and how many of them have which colour. */
export interface PaintedCell {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly colors: Readonly<Record<Hex, number>>;
  readonly middle: Hex;
  /** The same of its uppermost line, where hollow cells have their rim. */
  readonly rim: Readonly<Record<Hex, number>>;
}

/** What the manifest contributes for a theme, over its editor's background. */
export interface ThemeColors {
  readonly background: Hex;
  readonly nobody: Hex;
  readonly unknown: Hex;
  readonly invalid: Hex;
  readonly different: Hex;
  readonly damaged: Hex;
  readonly header: Hex;
  readonly leaked: Hex;
  /** Newest first. */
  readonly layers: readonly Hex[];
}

interface Manifest {
  readonly contributes: {
    readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
  };
}

const DEFAULTS: Readonly<Record<Theme, string>> = {
  dark: 'dark',
  light: 'light',
  hc: 'highContrast',
  'hc-light': 'highContrastLight',
};

/** The colours that a chain of four layers has to be painted in. */
export async function themeColors(editor: Editor, theme: Theme): Promise<ThemeColors> {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as Manifest;
  const color = (name: string): Hex => {
    const contributed = manifest.contributes.colors.find(({ id }) => id === `vmDisk.${name}`);
    return contributed?.defaults[DEFAULTS[theme]]?.toLowerCase() ?? '';
  };
  const background = hexOf(await editor.frame.evaluate(() => getComputedStyle(document.body).backgroundColor));
  return {
    background,
    nobody: over(color('nobody'), background),
    unknown: color('unknown'),
    invalid: color('invalid'),
    different: color('different'),
    damaged: color('damaged'),
    header: color('fileHeader'),
    leaked: color('fileLeaked'),
    layers: ['layerNewest', 'layerNewer', 'layerOlder', 'layerBase'].map(color),
  };
}

function hexOf(css: string): Hex {
  const channels = /^rgba?\((\d+), (\d+), (\d+)/.exec(css)?.slice(1) ?? [];
  return `#${channels.map((channel) => Number(channel).toString(16).padStart(2, '0')).join('')}`;
}

/** `#rrggbbaa` laid over an opaque colour. */
function over(color: Hex, ground: Hex): Hex {
  const byte = (text: Hex, at: number): number => Number.parseInt(text.slice(1 + 2 * at, 3 + 2 * at), 16);
  const share = color.length === 9 ? byte(color, 3) / 255 : 1;
  return `#${[0, 1, 2]
    .map((at) => Math.round(byte(ground, at) + (byte(color, at) - byte(ground, at)) * share))
    .map((channel) => channel.toString(16).padStart(2, '0'))
    .join('')}`;
}

/**
 * Looks at the cells of a canvas around some points (CSS pixels), each as far as the background, which is between
 * cells and nowhere in them. A point that is between two cells gives undefined.
 */
export async function readCells(
  canvas: Locator,
  points: readonly Point[],
  background: Hex,
): Promise<(PaintedCell | undefined)[]> {
  const cells = await canvas.evaluate(
    (element, asked) => {
      const surface = element as HTMLCanvasElement;
      const { width, height, clientWidth } = surface;
      const pixels = surface.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
      const ratio = width / clientWidth;
      const at = (x: number, y: number): string => {
        const place = (y * width + x) * 4;
        return `#${[0, 1, 2].map((each) => (pixels[place + each] ?? 0).toString(16).padStart(2, '0')).join('')}`;
      };
      const isCell = (x: number, y: number): boolean =>
        x >= 0 && y >= 0 && x < width && y < height && at(x, y) !== asked.background;
      return asked.points.map((point) => {
        const x = Math.floor(point.x * ratio);
        const y = Math.floor(point.y * ratio);
        if (!isCell(x, y)) return null;
        let [left, right, top, bottom] = [x, x, y, y];
        while (isCell(left - 1, y)) left -= 1;
        while (isCell(right + 1, y)) right += 1;
        while (isCell(x, top - 1)) top -= 1;
        while (isCell(x, bottom + 1)) bottom += 1;
        const colors: Record<string, number> = {};
        const rim: Record<string, number> = {};
        for (let row = top; row <= bottom; row += 1) {
          for (let column = left; column <= right; column += 1) {
            const color = at(column, row);
            colors[color] = (colors[color] ?? 0) + 1;
            if (row === top) rim[color] = (rim[color] ?? 0) + 1;
          }
        }
        const middle = at((left + right) >> 1, (top + bottom) >> 1);
        return { left, top, width: right - left + 1, height: bottom - top + 1, colors, middle, rim };
      });
    },
    { points, background },
  );
  return cells.map((cell) => cell ?? undefined);
}

const channelsOf = (color: Hex): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

/** Equal but for the rounding of transparent colours. */
export function isNear(one: Hex, other: Hex): boolean {
  const others = channelsOf(other);
  return channelsOf(one).every((channel, index) => Math.abs(channel - (others[index] ?? NaN)) <= 1);
}

/** How many of these pixels have a colour. */
export function count(pixels: Readonly<Record<Hex, number>>, color: Hex): number {
  return Object.entries(pixels).reduce((sum, [each, many]) => sum + (isNear(each, color) ? many : 0), 0);
}

/** How the cells lie on the map, told by pointing at two of them and looking where they are painted. */
export interface Grid {
  readonly cellBytes: number;
  readonly columns: number;
  /** CSS pixels from cell to cell. */
  readonly pitch: number;
  /** The cell in the upper right corner: its index on the disk and the middle of it. */
  readonly corner: { readonly index: number; readonly x: number; readonly y: number };
}

/** The grid, once the map is drawn and two looks at it agree: cards may still push it about before. */
export async function readGrid(editor: Editor, colors: ThemeColors): Promise<Grid> {
  await editor.drawn();
  let before: Grid | undefined;
  const grid = await until(
    'the grid can be read, and stays',
    async () => {
      const last = before;
      before = await gridNow(editor, colors);
      return before && isDeepStrictEqual(before, last) ? before : undefined;
    },
    (read) => read !== undefined,
  );
  return grid ?? assert.fail('no grid');
}

async function gridNow(editor: Editor, colors: ThemeColors): Promise<Grid | undefined> {
  const { width } = await editor.mapSize();
  const scale = await editor.frame.evaluate(() => devicePixelRatio);
  const first = { x: width - 8, y: 8 };
  const upper = await editor.cellAt(first);
  await editor.pointAway();
  const [box] = await readCells(editor.map, [first], colors.background);
  if (!upper || !box) return undefined;
  const [left] = await readCells(editor.map, [{ x: (box.left - 4 * scale) / scale, y: first.y }], colors.background);
  if (!left) return undefined;
  const pitch = (box.left - left.left) / scale;
  const lower = await editor.cellAt({ x: first.x, y: first.y + pitch });
  await editor.pointAway();
  if (!lower) return undefined;
  const cellBytes = upper.end - upper.start;
  return {
    cellBytes,
    pitch,
    columns: (lower.start - upper.start) / cellBytes,
    corner: {
      index: upper.start / cellBytes,
      x: (box.left + box.width / 2) / scale,
      y: (box.top + box.height - left.width / 2) / scale,
    },
  };
}

/** The middle of a cell, on the map or beyond. */
export function placeOf({ columns, pitch, corner }: Grid, index: number): Point {
  const place = columns - 1 + index - corner.index;
  const row = Math.floor(place / columns);
  return { x: corner.x + (place - row * columns - columns + 1) * pitch, y: corner.y + row * pitch };
}

/** How many cells of each kind were compared, and what is wrong with which. */
export interface Comparison {
  readonly wrong: readonly string[];
  readonly compared: Readonly<Record<string, number>>;
}

/** Compares every cell that is wholly on the map with what the disk holds there. */
export async function compareCells(
  editor: Editor,
  truth: ImageTruth,
  colors: ThemeColors,
  grid: Grid,
): Promise<Comparison> {
  const { height } = await editor.mapSize();
  const wrong: string[] = [];
  const compared: Record<string, number> = {};
  const cells: { readonly index: number; readonly point: Point }[] = [];
  for (let index = grid.corner.index - grid.columns + 1; index * grid.cellBytes < truth.chain.guestSize; index += 1) {
    const point = placeOf(grid, index);
    if (point.y + grid.pitch / 2 > height) break;
    if (index >= 0) cells.push({ index, point });
  }
  const painted = await readCells(
    editor.map,
    cells.map(({ point }) => point),
    colors.background,
  );
  cells.forEach(({ index }, at) => {
    const start = index * grid.cellBytes;
    const parts = truth.parts(start, start + grid.cellBytes);
    const what = nameOf(parts);
    compared[what] = (compared[what] ?? 0) + 1;
    const look = painted[at];
    if (!look || look.width !== look.height || !isRight(look, parts, colors)) {
      wrong.push(`${what} at ${start} looks like ${JSON.stringify(look)}: ${JSON.stringify(parts)}`);
    }
  });
  return { wrong, compared };
}

function nameOf([part, ...others]: readonly Part[]): string {
  if (!part || others.length > 0) return 'mixed';
  return part.owner === undefined ? 'nobody' : `${part.kind} of layer ${part.owner}`;
}

function isRight(look: PaintedCell, parts: readonly Part[], colors: ThemeColors): boolean {
  const colorOf = ({ owner }: Part): Hex => (owner === undefined ? colors.nobody : (colors.layers[owner] ?? ''));
  const [part, ...others] = parts;
  if (!part) return false;
  const pixels = look.width * look.height;
  const own = count(look.colors, colorOf(part));
  if (others.length > 0) return isFair(look, parts, colorOf);
  switch (part.kind) {
    case 'nothing':
    case 'data':
      return own === pixels;
    case 'zero': {
      const hole = count(look.colors, colors.nobody);
      return isNear(look.middle, colors.nobody) && hole > 0 && own > hole && own + hole === pixels;
    }
    case 'compressed':
      return own > pixels / 2 && own < pixels && Object.keys(look.colors).length === 2;
  }
}

/**
 * Whether several owners have the width that is due to them, which their rims show: at least a pixel for each, taken
 * from the others, and otherwise their share.
 */
function isFair(look: PaintedCell, parts: readonly Part[], colorOf: (part: Part) => Hex): boolean {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const due = new Map<Hex, number>();
  for (const part of parts) due.set(colorOf(part), (due.get(colorOf(part)) ?? 0) + (part.bytes / total) * look.width);
  const nobody = colorOf({ owner: undefined, kind: 'nothing', bytes: 0 });
  const most = 1 + new Set(parts.map(({ owner, kind }) => `${owner} ${kind}`)).size;
  return [...due].every(([color, width]) => {
    const shown = count(look.rim, color);
    return Math.abs(shown - width) <= most && (shown > 0 || color === nobody);
  });
}

/** The colours of a canvas, column by column, each from top to bottom. */
export async function readColumns(canvas: Locator): Promise<Hex[][]> {
  return canvas.evaluate((element) => {
    const surface = element as HTMLCanvasElement;
    const { width, height } = surface;
    const pixels = surface.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
    return Array.from({ length: width }, (_column, x) =>
      Array.from(
        { length: height },
        (_pixel, y) =>
          `#${[0, 1, 2].map((each) => (pixels[(y * width + x) * 4 + each] ?? 0).toString(16).padStart(2, '0')).join('')}`,
      ),
    );
  });
}
