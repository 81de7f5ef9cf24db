import { clustersChecked, faultsFound } from '../core/checkWords';
import type { ImageSummary } from '../protocol/image';
import { reservation } from '../protocol/soundness';
import { comparisonSentence, otherDisk } from './comparisonbar';

/** Summaries come anew each time, and with them what is said of one comparison. */
export const sameComparison = (before: ImageSummary | undefined, now: ImageSummary): boolean =>
  JSON.stringify(before?.comparison) === JSON.stringify(now.comparison);

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
