import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { repositoryRoot } from '../support/root';
import type { Editor, HoveredCell, Point } from './editor';
import type { Theme } from './harness';
import type { ImageTruth } from './truth';

/** Colours as `#rrggbb`. */
export type Hex = string;

/** A cell as it is on the canvas: device pixels, and how many of them have which colour. */
export interface PaintedCell {
  readonly width: number;
  readonly height: number;
  readonly colors: Readonly<Record<Hex, number>>;
  readonly middle: Hex;
  readonly rim: Hex;
  /** The colours along the line through its middle, from left to right, and how many pixels each goes on for. */
  readonly line: readonly (readonly [color: Hex, pixels: number])[];
}

/** What the manifest contributes for a theme, over its editor's background. */
export interface ThemeColors {
  readonly background: Hex;
  readonly nobody: Hex;
  /** Newest first. */
  readonly layers: readonly Hex[];
}

interface Manifest {
  readonly contributes: {
    readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
  };
}

const DEFAULTS: Readonly<Record<Theme, string>> = {
  'dark': 'dark', 'light': 'light', 'hc': 'highContrast', 'hc-light': 'highContrastLight',
};

/** The colours that a chain of four layers has to be painted in. */
export async function themeColors(editor: Editor, theme: Theme): Promise<ThemeColors> {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as Manifest;
  const color = (name: string): Hex =>
    (manifest.contributes.colors.find(({ id }) => id === `vmDisk.${name}`)?.defaults[DEFAULTS[theme]] ?? '').toLowerCase();
  const background = hexOf(await editor.frame.evaluate(() => getComputedStyle(document.body).backgroundColor));
  return {
    background,
    nobody: over(color('nobody'), background),
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
    .map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * Looks at the cells of a canvas around some points (CSS pixels), each as far as the background, which is between
 * cells and nowhere in them. A point that is between two cells gives undefined.
 */
export async function readCells(
  canvas: Locator, points: readonly Point[], background: Hex,
): Promise<(PaintedCell | undefined)[]> {
  const cells = await canvas.evaluate((element, asked) => {
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
      const middle = (top + bottom) >> 1;
      const colors: Record<string, number> = {};
      const line: [string, number][] = [];
      for (let row = top; row <= bottom; row += 1) {
        for (let column = left; column <= right; column += 1) {
          const color = at(column, row);
          colors[color] = (colors[color] ?? 0) + 1;
          const last = line.at(-1);
          if (row !== middle) continue;
          if (last?.[0] === color) last[1] += 1;
          else line.push([color, 1]);
        }
      }
      return {
        width: right - left + 1, height: bottom - top + 1, colors, line,
        middle: at((left + right) >> 1, middle), rim: at(left, top),
      };
    });
  }, { points, background });
  return cells.map((cell) => cell ?? undefined);
}

const channelsOf = (color: Hex): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

/** Equal but for the rounding of transparent colours. */
export function isNear(one: Hex, other: Hex): boolean {
  const others = channelsOf(other);
  return channelsOf(one).every((channel, index) => Math.abs(channel - (others[index] ?? NaN)) <= 1);
}

/** The share of a cell's pixels that have a colour. */
export function shareOf(cell: PaintedCell, color: Hex): number {
  const pixels = Object.entries(cell.colors).filter(([each]) => isNear(each, color));
  return pixels.reduce((sum, [, count]) => sum + count, 0) / (cell.width * cell.height);
}

/** How many cells of each owner and kind were compared, and what is wrong with which. */
export interface Comparison {
  readonly wrong: readonly string[];
  readonly compared: Readonly<Record<string, number>>;
}

/** Compares the cells that hold but one thing with what that thing has to look like. */
export async function compareCells(
  editor: Editor, cells: readonly HoveredCell[], truth: ImageTruth, colors: ThemeColors,
): Promise<Comparison> {
  const painted = await readCells(editor.map, cells.map(({ point }) => point), colors.background);
  const wrong: string[] = [];
  const compared: Record<string, number> = {};
  cells.forEach(({ start, end }, index) => {
    const look = painted[index];
    const [part, ...others] = truth.parts(start, end);
    if (!look || !part || others.length > 0) return;
    const what = part.owner === undefined ? 'nobody' : `${part.kind} of layer ${part.owner}`;
    compared[what] = (compared[what] ?? 0) + 1;
    const layer = part.owner === undefined ? colors.nobody : (colors.layers[part.owner] ?? '');
    const share = shareOf(look, layer);
    const right = {
      nothing: share === 1,
      data: share === 1,
      zero: isNear(look.rim, layer) && isNear(look.middle, colors.nobody) && share + shareOf(look, colors.nobody) === 1,
      compressed: isNear(look.rim, layer) && share > 0.5 && share < 1 && Object.keys(look.colors).length === 2,
    }[part.kind];
    if (!right) wrong.push(`${what} at ${start} looks like ${JSON.stringify(look)}`);
  });
  return { wrong, compared };
}
