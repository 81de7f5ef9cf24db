import { lightness, mix, parseColor, toOklch, withLightness } from './color';
import type { Rgb } from './color';
import type { ImageSummary } from '../protocol/image';

export type ThemeKind = 'dark' | 'light' | 'highContrast' | 'highContrastLight';

export const COLOR_IDS = [
  'vmDisk.layerBase',
  'vmDisk.layerOlder',
  'vmDisk.layerNewer',
  'vmDisk.layerNewest',
  'vmDisk.nobody',
  'vmDisk.unknown',
  'vmDisk.invalid',
  'vmDisk.selection',
  'vmDisk.different',
  'vmDisk.fileHeader',
  'vmDisk.fileL1',
  'vmDisk.fileL2',
  'vmDisk.fileRefcounts',
  'vmDisk.fileData',
  'vmDisk.fileSnapshotTables',
  'vmDisk.fileSnapshotData',
  'vmDisk.fileBitmaps',
  'vmDisk.fileEncryption',
  'vmDisk.fileLeaked',
] as const;
export type ColorId = (typeof COLOR_IDS)[number];

/** Our theme colours where the theme says nothing; `package.json` contributes the same values. */
export const COLOR_DEFAULTS: Readonly<Record<ColorId, Readonly<Record<ThemeKind, string>>>> = {
  'vmDisk.layerBase': {
    dark: '#838BA8', light: '#949FC2', highContrast: '#9098B2', highContrastLight: '#808BAB',
  },
  'vmDisk.layerOlder': {
    dark: '#1869AA', light: '#1A7DBC', highContrast: '#0A72C2', highContrastLight: '#0269AE',
  },
  'vmDisk.layerNewer': {
    dark: '#31A171', light: '#4DB56F', highContrast: '#03B04C', highContrastLight: '#2FA155',
  },
  'vmDisk.layerNewest': {
    dark: '#FDB44E', light: '#902400', highContrast: '#FFC155', highContrastLight: '#751802',
  },
  'vmDisk.nobody': {
    dark: '#FFFFFF0B', light: '#0000000D', highContrast: '#484848', highContrastLight: '#C4C4C4',
  },
  'vmDisk.unknown': {
    dark: '#8C8C8C', light: '#8A8A8A', highContrast: '#FFFFFF', highContrastLight: '#292929',
  },
  'vmDisk.invalid': {
    dark: '#F14C4C', light: '#D01B1B', highContrast: '#FF7070', highContrastLight: '#B5200D',
  },
  'vmDisk.selection': {
    dark: '#FFFFFF', light: '#111111', highContrast: '#FFFFFF', highContrastLight: '#000000',
  },
  'vmDisk.different': {
    dark: '#F070F0', light: '#B012A8', highContrast: '#FF80FF', highContrastLight: '#8A0A84',
  },
  'vmDisk.fileHeader': {
    dark: '#E6E6E6', light: '#303030', highContrast: '#FFFFFF', highContrastLight: '#000000',
  },
  'vmDisk.fileL1': {
    dark: '#5CC8FF', light: '#005FB0', highContrast: '#59C9FF', highContrastLight: '#00508F',
  },
  'vmDisk.fileL2': {
    dark: '#2F7FC4', light: '#3E8DD0', highContrast: '#2C84D6', highContrastLight: '#2F7DC0',
  },
  'vmDisk.fileRefcounts': {
    dark: '#2FB49A', light: '#14806B', highContrast: '#1FC9A6', highContrastLight: '#0A6A57',
  },
  'vmDisk.fileData': {
    dark: '#66708F', light: '#A3ADCB', highContrast: '#7A84A6', highContrastLight: '#8C97B8',
  },
  'vmDisk.fileSnapshotTables': {
    dark: '#D0A5FF', light: '#7030B8', highContrast: '#D5A8FF', highContrastLight: '#5F1FA8',
  },
  'vmDisk.fileSnapshotData': {
    dark: '#8A63BD', light: '#A67BD9', highContrast: '#9A6BDB', highContrastLight: '#9468C9',
  },
  'vmDisk.fileBitmaps': {
    dark: '#D98F6A', light: '#9C5330', highContrast: '#F0A07A', highContrastLight: '#8A4220',
  },
  'vmDisk.fileEncryption': {
    dark: '#9CC25A', light: '#557A14', highContrast: '#A8D85A', highContrastLight: '#456608',
  },
  'vmDisk.fileLeaked': {
    dark: '#FFC14A', light: '#9A5B00', highContrast: '#FFD23F', highContrastLight: '#704200',
  },
};

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
  /** What differs from the disk compared with. */
  readonly different: Rgb;
  readonly stops: Stops;
  readonly uses: UseColors;
}

/** What the space of an image's file is used for. */
export interface UseColors {
  readonly header: Rgb;
  readonly l1: Rgb;
  readonly l2: Rgb;
  readonly refcounts: Rgb;
  readonly data: Rgb;
  readonly snapshotTables: Rgb;
  readonly snapshotData: Rgb;
  readonly bitmaps: Rgb;
  readonly encryption: Rgb;
  readonly leaked: Rgb;
  /** Claimed twice, or not counted. */
  readonly wrong: Rgb;
}

/** What a colour that does not belong to the picked layer fades to. */
export function faded(color: Rgb, background: Rgb): Rgb {
  return mix(color, background, 0.82);
}

/** Lines drawn upon a fill (compressed data): the fill, moved towards the background. */
export function lined(color: Rgb, background: Rgb): Rgb {
  return mix(color, background, 0.6);
}

/** A default, parsed; the table above holds nothing that could not be. */
export function defaultColor(id: ColorId, kind: ThemeKind): Rgb {
  return parseColor(COLOR_DEFAULTS[id][kind]) ?? { r: 128, g: 128, b: 128, a: 1 };
}
