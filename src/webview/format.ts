import type { Fact } from '../core/model';
import { formatBytes, formatCount } from '../core/units';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Power of 1024 in whose unit `bytes` reads best: 0 bytes, 1 KiB, 2 MiB … */
export function unitPower(bytes: number): number {
  return bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
}

export const unitName = (power: number): string => UNITS[power] ?? '';
/** `G` for GiB, `B` for bytes: for the narrow gutter beside the map. */
export const unitLetter = (power: number): string => (power === 0 ? 'B' : unitName(power).charAt(0));

/** `bytes` in units of 1024^power, with at most `decimals`, no trailing zeros, and commas from 10,000 on. */
export function inUnit(bytes: number, power: number, decimals: number): string {
  const text = (bytes / 1024 ** power).toFixed(decimals);
  const [whole = '', part = ''] = text.split('.');
  const grouped = whole.length > 4 ? formatCount(Number(whole)) : whole;
  const rest = part.replace(/0+$/, '');
  return rest === '' ? grouped : `${grouped}.${rest}`;
}

/** `12 – 16.5 GiB`, `12,292 – 12,296 MiB`: both ends in one unit, of which the range is at least a tenth. */
export function formatRange(start: number, end: number): string {
  let power = unitPower(end);
  while (power > 0 && end - start < 0.1 * 1024 ** power) power -= 1;
  const span = (end - start) / 1024 ** power;
  const decimals = power === 0 || span >= 100 ? 0 : span >= 10 ? 1 : 2;
  return `${inUnit(start, power, decimals)} – ${inUnit(end, power, decimals)} ${unitName(power)}`;
}

/** How the gutter writes row offsets that lie `step` bytes apart. */
export interface Ruler {
  readonly power: number;
  readonly decimals: number;
}

/**
 * The largest unit in which steps of `step` need no more than two decimals, for offsets up to `end`: `12.5G`, but
 * `256M` on a disk of 1 GiB.
 */
export function rulerFor(step: number, end: number): Ruler {
  for (let power = unitPower(end / 4); power > 0; power -= 1) {
    for (let decimals = 0; decimals <= 2; decimals += 1) {
      if (Number.isInteger((step / 1024 ** power) * 10 ** decimals)) return { power, decimals };
    }
  }
  return { power: 0, decimals: 0 };
}

/** `12.5G`; always the ruler's number of decimals, so that a column of them lines up. */
export function formatTick(bytes: number, { power, decimals }: Ruler): string {
  return bytes === 0 ? '0' : `${(bytes / 1024 ** power).toFixed(decimals)}${unitLetter(power)}`;
}

const STEPS = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];
const BINARY_STEPS = [4, 8, 16, 32, 64, 128, 256, 512];

/** `10`, and where the unit itself is divided `256 MiB`; the end of the axis always has its unit. */
export function formatAxis(tick: number, size: number): string {
  const power = unitPower(size);
  if (tick === 0) return '0';
  return tick < size && Number.isInteger(tick / 1024 ** power) ? inUnit(tick, power, 0) : formatBytes(tick);
}

/** Round places along a disk of `size` bytes, both ends included: at most `most` of them. */
export function axisTicks(size: number, most: number): number[] {
  if (size === 0) return [];
  const power = unitPower(size);
  const length = size / 1024 ** power;
  const few = (step: number): boolean => length / step <= most - 1;
  const step = [...STEPS, ...BINARY_STEPS].find((each) => few(each) && Number.isInteger(length / each))
    ?? STEPS.find(few) ?? length;
  const ticks: number[] = [];
  for (let place = 0; place < length - step / 3; place += step) ticks.push(place * 1024 ** power);
  return [...ticks, size];
}

/**
 * Each amount's share of their sum, `75%`. The whole percents add up to 100 (largest remainder), yet what is there is
 * never written as nothing, what is not all never as all.
 */
export function formatShares(amounts: readonly number[]): string[] {
  const sum = amounts.reduce((total, amount) => total + amount, 0);
  if (sum === 0) return amounts.map(() => '0%');
  const exact = amounts.map((amount) => (amount / sum) * 100);
  const percents = exact.map(Math.floor);
  const missing = 100 - percents.reduce((total, percent) => total + percent, 0);
  const rest = (index: number): number => (exact[index] ?? 0) - (percents[index] ?? 0);
  const raised = new Set([...exact.keys()].sort((one, other) => rest(other) - rest(one)).slice(0, missing));
  return percents.map((floor, index) => {
    const percent = floor + (raised.has(index) ? 1 : 0);
    if (percent === 0 && (amounts[index] ?? 0) > 0) return '<1%';
    return percent === 100 && (amounts[index] ?? 0) < sum ? '>99%' : `${percent}%`;
  });
}

/** `1 cluster`, `2 clusters`, `1,024 clusters`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const FRACTIONS: Readonly<Record<number, string>> = { 2: 'half a', 4: 'a quarter of a' };

/** `1 cell = 2 MiB, 32 clusters`; a grain of one sector or less is no cluster, and is not told. */
export function formatScale(cellBytes: number, grain: number, unit: string): string {
  const scale = `1 cell = ${formatBytes(cellBytes)}`;
  if (grain <= 512) return scale;
  if (cellBytes >= grain) return `${scale}, ${plural(Math.round(cellBytes / grain), unit)}`;
  const part = Math.round(grain / cellBytes);
  return `${scale}, ${FRACTIONS[part] ?? `1/${part} of a`} ${unit}`;
}

/** The value of a fact as people read it. */
export function formatFact({ value, unit }: Fact): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (unit === 'bytes') return formatBytes(value);
  return unit === 'bits' ? plural(value, 'bit') : formatCount(value);
}

/** The last part of a path of any system. */
export const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;
