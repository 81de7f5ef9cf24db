import { lightness, mix, parseColor, toOklch, withLightness } from './color';
import type { Rgb } from './color';
import type { ImageSummary } from '../protocol/image';

export type ThemeKind = 'dark' | 'light' | 'highContrast' | 'highContrastLight';

const inThemes = (
  dark: string, light: string, highContrast: string, highContrastLight: string,
): Readonly<Record<ThemeKind, string>> => ({ dark, light, highContrast, highContrastLight });

/** Our theme colours where the theme says nothing; `package.json` contributes the same values. */
export const COLOR_DEFAULTS = {
  'vmDisk.layerBase': inThemes('#838BA8', '#949FC2', '#9098B2', '#808BAB'),
  'vmDisk.layerOlder': inThemes('#1869AA', '#1A7DBC', '#0A72C2', '#0269AE'),
  'vmDisk.layerNewer': inThemes('#31A171', '#4DB56F', '#03B04C', '#2FA155'),
  'vmDisk.layerNewest': inThemes('#FDB44E', '#902400', '#FFC155', '#751802'),
  'vmDisk.nobody': inThemes('#FFFFFF0B', '#0000000D', '#484848', '#C4C4C4'),
  'vmDisk.unknown': inThemes('#8C8C8C', '#8A8A8A', '#FFFFFF', '#292929'),
  'vmDisk.invalid': inThemes('#F14C4C', '#D01B1B', '#FF7070', '#B5200D'),
  'vmDisk.selection': inThemes('#FFFFFF', '#111111', '#FFFFFF', '#000000'),
  'vmDisk.different': inThemes('#F070F0', '#B012A8', '#FF80FF', '#8A0A84'),
  'vmDisk.damaged': inThemes('#FF4D4D', '#F5002F', '#FF5C5C', '#FF0000'),
  'vmDisk.fileHeader': inThemes('#E6E6E6', '#303030', '#FFFFFF', '#000000'),
  'vmDisk.fileL1': inThemes('#5CC8FF', '#005FB0', '#59C9FF', '#00508F'),
  'vmDisk.fileL2': inThemes('#2F7FC4', '#3E8DD0', '#2C84D6', '#2F7DC0'),
  'vmDisk.fileRefcounts': inThemes('#2FB49A', '#14806B', '#1FC9A6', '#0A6A57'),
  'vmDisk.fileData': inThemes('#66708F', '#A3ADCB', '#7A84A6', '#8C97B8'),
  'vmDisk.fileSnapshotTables': inThemes('#D0A5FF', '#7030B8', '#D5A8FF', '#5F1FA8'),
  'vmDisk.fileSnapshotData': inThemes('#8A63BD', '#A67BD9', '#9A6BDB', '#9468C9'),
  'vmDisk.fileBitmaps': inThemes('#D98F6A', '#9C5330', '#F0A07A', '#8A4220'),
  'vmDisk.fileEncryption': inThemes('#9CC25A', '#557A14', '#A8D85A', '#456608'),
  'vmDisk.fileLeaked': inThemes('#FFC14A', '#9A5B00', '#FFD23F', '#704200'),
};
export type ColorId = keyof typeof COLOR_DEFAULTS;
export const COLOR_IDS = Object.keys(COLOR_DEFAULTS) as ColorId[];

/** The colours between which the age of a layer is told. */
export interface Stops {
  readonly base: Rgb;
  readonly older: Rgb;
  readonly newer: Rgb;
  readonly newest: Rgb;
}

/** How many layers still differ in lightness from their neighbours; beyond, the ramp is continuous. */
export const DISTINCT_LAYERS = 12;

/** Where the second newest of many layers stands on the way from newest to base: past the muddy dark yellows. */
const SECOND_NEWEST = 0.18;

/**
 * One colour a layer, newest first: colour is age. Up to four layers take the stops themselves. Up to a dozen, hue and
 * chroma run towards the base while the lightness alternates between those of the two middle stops, so that
 * neighbours can be told apart without seeing hue. Beyond, everything runs.
 */
export function layerColors(count: number, stops: Stops): Rgb[] {
  const { base, older, newer, newest } = stops;
  if (count <= 1) return [newest].slice(0, count);
  if (count === 2) return [newest, base];
  if (count === 3) return [newest, older, base];
  if (count === 4) return [newest, newer, older, base];
  const way = [newest, newer, older, base].map(toOklch);
  const tracks = [lightness(older), lightness(newer)];
  return Array.from({ length: count }, (_, depth) => {
    if (depth === 0) return newest;
    if (count > DISTINCT_LAYERS) {
      const age = depth / (count - 1);
      const { c, h } = along(way, age);
      return withLightness(lightness(newest) + (lightness(base) - lightness(newest)) * age, c, h);
    }
    const { c, h } = along(way, SECOND_NEWEST + ((1 - SECOND_NEWEST) * (depth - 1)) / (count - 2));
    return withLightness(tracks[(depth - 1) % 2] ?? 0, c, h);
  });
}

/** The layers' colours; where a chain breaks, the colour of a base stays free for the one that is missing. */
export function chainColors(chain: Pick<ImageSummary, 'layers' | 'end'>, stops: Stops): Rgb[] {
  const { length } = chain.layers;
  return chain.end.kind === 'base' ? layerColors(length, stops) : layerColors(length + 1, stops).slice(0, length);
}

/** Chroma and hue at `share` of the way along the stops; hue takes the shorter way round. */
function along(stops: readonly { c: number; h: number }[], share: number): { c: number; h: number } {
  const place = share * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  const from = stops[index] ?? { c: 0, h: 0 };
  const to = stops[index + 1] ?? from;
  const part = place - index;
  const turn = ((to.h - from.h + 540) % 360) - 180;
  return { c: from.c + (to.c - from.c) * part, h: (from.h + turn * part + 360) % 360 };
}

/** Colours of everything that is not a layer, opaque, ready to paint on the editor's background. */
export interface Palette {
  readonly kind: ThemeKind;
  readonly highContrast: boolean;
  readonly background: Rgb;
  readonly foreground: Rgb;
  readonly quiet: Rgb;
  readonly accent: Rgb;
  readonly nobody: Rgb;
  readonly unknown: Rgb;
  readonly invalid: Rgb;
  readonly selection: Rgb;
  readonly stops: Stops;
  /** Our theme colours by their names. */
  readonly own: Readonly<Record<ColorId, Rgb>>;
}

/** What a colour that does not belong to the picked layer fades to. */
export function faded(color: Rgb, background: Rgb): Rgb {
  return mix(color, background, 0.82);
}

/** What a colour is where it is only an estimate; high contrast keeps it, and tells by the shape alone. */
export function pale(color: Rgb, { background, highContrast }: Pick<Palette, 'background' | 'highContrast'>): Rgb {
  return highContrast ? color : mix(color, background, 0.4);
}

/** Lines drawn upon a fill (compressed data): the fill, moved towards the background. */
export function lined(color: Rgb, background: Rgb): Rgb {
  return mix(color, background, 0.6);
}

/** A default, parsed; the table above holds nothing that could not be. */
export function defaultColor(id: ColorId, kind: ThemeKind): Rgb {
  return parseColor(COLOR_DEFAULTS[id][kind]) ?? { r: 128, g: 128, b: 128, a: 1 };
}
