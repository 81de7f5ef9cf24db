import { clustersChecked, faultsFound } from '../core/checkWords';
import type { ImageSummary } from '../protocol/image';
import { reservation } from '../protocol/soundness';
import { comparisonSentence, otherDisk } from './comparisonbar';
import { samePlace } from './summary';

/** Summaries come anew each time, and with them what is said of one comparison. */
export const sameComparison = (before: ImageSummary | undefined, now: ImageSummary): boolean =>
  JSON.stringify(before?.comparison) === JSON.stringify(now.comparison);

/** True when what was said of a place on the map may no longer hold. */
export const outdates = (before: ImageSummary, now: ImageSummary): boolean =>
  before.generation !== now.generation || !samePlace(before.standpoint, now.standpoint) || !sameComparison(before, now);

/** True when the disk is looked at from elsewhere and a comparison has ended with that, rather than by being ended. */
export const comparisonLeft = (before: ImageSummary, now: ImageSummary): boolean =>
  before.comparison !== undefined && now.comparison === undefined && !samePlace(before.standpoint, now.standpoint);

/** What came of work since a summary, for those who do not see it: checks that ended, a comparison that did. */
export function news(before: ImageSummary, now: ImageSummary): string | undefined {
  const checked = now.layers.flatMap((layer) => {
    const { check, fileName, path } = layer;
    const known = before.layers.find((layer) => layer.path === path)?.check;
    if (!check || JSON.stringify(check.counts) === JSON.stringify(known?.counts)) return [];
    const but = reservation(layer, now);
    const whole = `consistent by itself, ${clustersChecked(check.counts)}${but === undefined ? '' : `; but ${but}`}`;
    return [`${fileName}: ${faultsFound(check.counts) ?? whole}.`];
  });
  const { comparison } = now;
  const compared = comparison && !sameComparison(before, now) ? [`Compared with ${otherDisk(comparison)}: ${comparisonSentence(comparison, now.guestSize)}`] : [];
  const told = [...checked, ...compared];
  return told.length === 0 ? undefined : told.join(' ');
}
