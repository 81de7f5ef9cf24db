import type { Rgb } from '../color';
import { faded, lined, pale } from '../palette';
import type { Palette } from '../palette';
import type { MapColors } from './paint';
import { hatch, pack } from './raster';
import type { Tile } from './raster';

/** Instead of a plain colour: lines in one direction or in both. */
export type Pattern = 'hatched' | 'crossed';

/**
 * The map's colours and hatches as pixels.
 * @param layers by owner: newest first @param patterns by owner, where one is not plain
 * @param ratio device pixels per CSS pixel
 */
export function mapColors(
  palette: Palette, layers: readonly Rgb[], patterns: readonly (Pattern | undefined)[], ratio: number,
): MapColors {
  const { background, highContrast } = palette;
  const ground = highContrast ? background : palette.nobody;
  const fade = layers.map((color) => faded(color, ground));
  return {
    background: pack(background),
    ground: pack(ground),
    layers: layers.map(pack),
    fadedLayers: fade.map(pack),
    paleLayers: layers.map((color) => pack(pale(color, palette))),
    lines: layers.map((color) => pack(lined(color, background))),
    fadedLines: fade.map((color) => pack(lined(color, background))),
    tiles: layers.map((color, owner) => patternTile(patterns[owner], color, ground, ratio)),
    different: pack(palette.own['vmDisk.different']),
    damaged: pack(palette.own['vmDisk.damaged']),
    groundOutline: highContrast ? pack(palette.nobody) : undefined,
    unknown: hatch(palette.unknown, ground, ratio, false),
    invalid: hatch(palette.invalid, ground, ratio, true),
  };
}

export const patternTile = (
  pattern: Pattern | undefined, color: Rgb, ground: Rgb, ratio: number,
): Tile | undefined => pattern && hatch(color, ground, ratio, pattern === 'crossed');
