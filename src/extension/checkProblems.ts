import type { CheckProblem, Finding, GuestRange, View } from '../core/model';
import { placesListed } from '../core/checkWords';
import { formatCount, formatOffset } from '../core/units';
import type { CheckSummary } from '../protocol/image';

/** A finding with lines of its own below the first. */
export interface DetailedFinding extends Finding {
  readonly details?: readonly string[] | undefined;
}

/** What a check found, as the Problems panel lists it; what it did not list is one line. */
export function checkProblems({ problems, untold }: CheckSummary, views: readonly View[]): DetailedFinding[] {
  const told = problems.map((problem) => asFinding(problem, views));
  if (untold === 0) return told;
  const more = untold === 1 ? '1 more problem is' : `${formatCount(untold)} more problems are`;
  return [...told, { code: 'check-untold', severity: 'warning', message: `${more} not listed` }];
}

function asFinding(problem: CheckProblem, views: readonly View[]): DetailedFinding {
  const { code, severity, message, advice, offset, host, claims, guest } = problem;
  const listed = placesListed(problem);
  const details = [
    ...claims.map((claim) => `Claimed by ${claim}`),
    ...guest.map((range) => `Touches ${guestText(range, views)}`),
    ...(listed === undefined ? [] : [`These are ${listed}; no others are marked on the map`]),
  ];
  return { code, severity, message, advice, offset: offset ?? host?.start, details };
}

/** `guest bytes 0x1_0000 – 0x2_0000 of snapshot “clean”`. */
function guestText({ view, start, end }: GuestRange, views: readonly View[]): string {
  const name = views.find(({ id }) => id === view)?.name;
  const of = view === '' ? '' : ` of snapshot “${name === undefined || name === '' ? view : name}”`;
  return `guest bytes ${formatOffset(start)} – ${formatOffset(end)}${of}`;
}
