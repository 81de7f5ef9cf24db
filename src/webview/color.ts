/** sRGB colour with 8-bit channels; `a` is 0 … 1. */
export interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

/** OKLCH: `l` 0 … 1, `c` from 0 (grey) up to about 0.3, `h` in degrees. */
export interface Oklch {
  readonly l: number;
  readonly c: number;
  readonly h: number;
}

/**
 * Reads `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)` and `rgba(…)`: the forms in which VS Code writes theme colours.
 * @returns undefined for anything else
 */
export function parseColor(text: string): Rgb | undefined {
  const plain = text.trim();
  const short = /^#([0-9a-f]{3,4})$/i.exec(plain)?.[1];
  const long = short ? short.replace(/./g, '$&$&') : /^#([0-9a-f]{6,8})$/i.exec(plain)?.[1];
  if (long !== undefined && long.length !== 7) {
    const byte = (at: number): number => Number.parseInt(long.slice(at, at + 2), 16);
    return { r: byte(0), g: byte(2), b: byte(4), a: long.length === 8 ? byte(6) / 255 : 1 };
  }
  const parts = /^rgba?\(([^)]*)\)$/i.exec(plain)?.[1]?.split(/[\s,/]+/).map(Number);
  if (!parts || parts.length < 3 || parts.some((part) => !Number.isFinite(part))) return undefined;
  const [r = 0, g = 0, b = 0, a = 1] = parts;
  return { r, g, b, a };
}

/** `#rrggbb`, or `rgba(…)` where not opaque. */
export function cssColor({ r, g, b, a }: Rgb): string {
  if (a < 1) return `rgba(${r}, ${g}, ${b}, ${Math.round(a * 1000) / 1000})`;
  return `#${[r, g, b].map((channel) => Math.round(channel).toString(16).padStart(2, '0')).join('')}`;
}

/** `over` laid upon the opaque `under`. */
export function composite(over: Rgb, under: Rgb): Rgb {
  return mix(under, { ...over, a: 1 }, over.a);
}

/** From `from` (share 0) to `to` (share 1). */
export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const lerp = (x: number, y: number): number => Math.round(x + (y - x) * share);
  return { r: lerp(from.r, to.r), g: lerp(from.g, to.g), b: lerp(from.b, to.b), a: from.a + (to.a - from.a) * share };
}

const linear = (channel: number): number => {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};

const gamma = (value: number): number =>
  255 * (value <= 0.0031308 ? value * 12.92 : 1.055 * Math.max(value, 0) ** (1 / 2.4) - 0.055);

/** Relative luminance, 0 … 1 (WCAG 2). */
export function luminance({ r, g, b }: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** CIE lightness L*, 0 … 100. */
export function lightness(color: Rgb): number {
  const y = luminance(color);
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (y * 24389) / 27;
}

/** WCAG 2 contrast, 1 … 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

export function toOklch(color: Rgb): Oklch {
  const r = linear(color.r);
  const g = linear(color.g);
  const b = linear(color.b);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const x = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const y = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  return {
    l: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    c: Math.hypot(x, y),
    h: ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360,
  };
}

/** Channels of an OKLCH colour, possibly outside 0 … 255 where sRGB has no such colour. */
function fromOklch({ l, c, h }: Oklch): Rgb {
  const x = c * Math.cos((h * Math.PI) / 180);
  const y = c * Math.sin((h * Math.PI) / 180);
  const long = (l + 0.3963377774 * x + 0.2158037573 * y) ** 3;
  const medium = (l - 0.1055613458 * x - 0.0638541728 * y) ** 3;
  const short = (l - 0.0894841775 * x - 1.291485548 * y) ** 3;
  return {
    r: gamma(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
    g: gamma(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
    b: gamma(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short),
    a: 1,
  };
}

const inGamut = ({ r, g, b }: Rgb): boolean => [r, g, b].every((channel) => channel > -0.5 && channel < 255.5);

/** The colour of this hue whose CIE lightness is `target`, with as much of the chroma as sRGB has there. */
export function withLightness(target: number, chroma: number, hue: number): Rgb {
  for (let c = chroma; ; c = Math.max(0, c - 0.004)) {
    const color = solveLightness(target, c, hue);
    if (c === 0 || inGamut(color)) {
      const clamp = (channel: number): number => Math.round(Math.min(255, Math.max(0, channel)));
      return { r: clamp(color.r), g: clamp(color.g), b: clamp(color.b), a: 1 };
    }
  }
}

function solveLightness(target: number, c: number, h: number): Rgb {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 24; step += 1) {
    const l = (low + high) / 2;
    if (lightness(fromOklch({ l, c, h })) < target) low = l;
    else high = l;
  }
  return fromOklch({ l: (low + high) / 2, c, h });
}
