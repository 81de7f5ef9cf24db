import type { Rgb } from '../color';
import { faded, lined } from '../palette';
import type { Palette } from '../palette';
import type { MapColors } from './paint';
import { hatch, pack } from './raster';

/** The map's colours and hatches as pixels. @param layers newest first @param ratio device pixels per CSS pixel */
export function mapColors(palette: Palette, layers: readonly Rgb[], ratio: number): MapColors {
  const { background, highContrast } = palette;
  const ground = highContrast ? background : palette.nobody;
  const fade = layers.map((color) => faded(color, ground));
  return {
    background: pack(background),
    ground: pack(ground),
    layers: layers.map(pack),
    fadedLayers: fade.map(pack),
    lines: layers.map((color) => pack(lined(color, background))),
    fadedLines: fade.map((color) => pack(lined(color, background))),
    groundOutline: highContrast ? pack(palette.nobody) : undefined,
    unknown: hatch(palette.unknown, ground, ratio, false),
    invalid: hatch(palette.invalid, ground, ratio, true),
  };
}
