/** Which rows of the map are labelled with their offsets, and how those are written: always exactly. */

import { formatTick, rulerFor } from '../format';
import type { Ruler } from '../format';
import type { Disk, Level } from './scale';

const MOST_DOUBLINGS = 5;

/**
 * As many labels as `spacing` device pixels between them allow, or fewer where rounder offsets make texts that fit.
 * @returns undefined where no exact offset fits
 */
export function labelRows(
  level: Level, lead: number, disk: Disk, spacing: number, fits: (text: string) => boolean,
): { every: number; ruler: Ruler } | undefined {
  const rowBytes = level.cellBytes * level.columns;
  let every = 1;
  while (every * level.pitch < spacing) every *= 2;
  const [first, second] = Array.from({ length: MOST_DOUBLINGS }, (_, doubling) => {
    const rows = every * 2 ** doubling;
    // After zooming around a point rows start at odd places: all are a multiple of this.
    return { every: rows, ruler: rulerFor(greatestDivisor(rowBytes * rows, lead * level.cellBytes), disk.size) };
  }).filter(({ ruler }) => fits(widest(disk.size, ruler)));
  // `1.25G` every so often tells more than `640M` twice as often.
  return first && second && second.ruler.power > first.ruler.power ? second : first;
}

/** A text as wide as the widest label that a disk of this size needs: the offset of any unit of it, exactly. */
export function widestLabel({ size, unit }: Disk): string {
  return widest(size, rulerFor(unit, size));
}

/** Digits may differ in width; no offset has more of them than the disk's end. */
const widest = (end: number, ruler: Ruler): string => formatTick(end, ruler).replace(/\d/g, '8');

function greatestDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestDivisor(other, one % other);
}
