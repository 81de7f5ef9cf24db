import type { CheckCounts, CheckProblem } from './model';
import { formatCount } from './units';

/** What a check found, in one line: `2 corruptions, 14 leaked clusters`; undefined where all is well. */
export function faultsFound({
  checkErrors,
  corruptions,
  leaks,
  further,
}: Pick<CheckCounts, 'checkErrors' | 'corruptions' | 'leaks' | 'further'>): string | undefined {
  const kinds: readonly (readonly [number, string])[] = [
    [corruptions, 'corruption'],
    [further, 'further corruption'],
    [checkErrors, 'place not checked'],
    [leaks, 'leaked cluster'],
  ];
  const found = kinds.filter(([count]) => count > 0).map(([count, words]) => counted(count, words));
  return found.length === 0 ? undefined : found.join(', ');
}

/** That a problem touches more of the guest's disk than is listed: `the first 16 of 345 places`; undefined where not. */
export function placesListed({ guest, guestPlaces }: Pick<CheckProblem, 'guest' | 'guestPlaces'>): string | undefined {
  if (guestPlaces === undefined) return undefined;
  return `the first ${formatCount(guest.length)} of ${formatCount(guestPlaces)} places that were found`;
}

/** The code of a problem with something that is said to lie past the end of the file. */
export const PAST_END = 'past-end';

/** Whether the file ends before what it refers to, as that of a copy that broke off does. */
export const endsEarly = (problems: readonly Pick<CheckProblem, 'code'>[]): boolean =>
  problems.some(({ code }) => code === PAST_END);

/** What to do about a file that ends early, of a format that nothing is repaired of. */
export const COMPLETE = 'The file ends before what it refers to: get the complete one, if there is any.';

/** What to do before a file is repaired that ends early. */
export const COMPLETE_FIRST =
  'The file ends before what it refers to: get the complete one first, if there is any. A repair drops what only that holds.';

/** `12,345 clusters in use, 3% fragmented`. */
export function clustersChecked({ allocatedClusters, fragmentedClusters }: CheckCounts): string {
  const inUse = `${counted(allocatedClusters, 'cluster')} in use`;
  if (allocatedClusters === 0) return inUse;
  const percent = (fragmentedClusters / allocatedClusters) * 100;
  const share = percent > 0 && percent < 1 ? 'less than 1' : String(Math.round(percent));
  return `${inUse}, ${share}% fragmented`;
}

/** `1 place not checked`, `14 leaked clusters`: the plural is that of the first noun. */
function counted(count: number, words: string): string {
  const many = words.startsWith('place') ? words.replace('place', 'places') : `${words}s`;
  return `${formatCount(count)} ${count === 1 ? words : many}`;
}
