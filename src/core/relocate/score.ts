import type { ExpectedId, LinkId } from '../model';
import type { Certainty, ParentCandidate } from '../snapshots/model';
import { formatBytes } from '../units';

/** How sure it is that a file is the parent that an overlay misses: a weighing of what speaks for it and against. */

/** The overlay that misses its parent, as far as it matters here. */
export interface Orphan {
  readonly guestSize: number;
  /** The parent's name as it is written, and the format that it is said to have. */
  readonly written: string;
  readonly format: string | undefined;
  /** What it knows its parent by. */
  readonly expects?: readonly ExpectedId[] | undefined;
  /** Milliseconds since 1970: when its file was made, where the host tells, and last written to. */
  readonly made?: number | undefined;
  readonly modified?: number | undefined;
}

/** A file that may be the parent. */
export interface Suspect {
  readonly path: string;
  /** The format that its content says it has. */
  readonly format: string;
  readonly guestSize: number;
  readonly modified?: number | undefined;
  /** The parent that it names itself, if any. */
  readonly stands: string | undefined;
  /** What those that stand on it know it by. */
  readonly linkIds?: readonly LinkId[] | undefined;
  /** What reading the overlay with this file beneath it told. */
  readonly content: readonly Evidence[];
}

/** One reason, with how much it weighs: bits of evidence, more or less, for or against. */
export interface Evidence {
  readonly weight: number;
  readonly what: string;
  /** It leaves no doubt about what disk this is, either way. */
  readonly decides?: boolean | undefined;
  /** Whatever disk it is, not all of it is there or can be true. */
  readonly damages?: boolean | undefined;
}

export function weigh(orphan: Orphan, suspect: Suspect): ParentCandidate {
  const all = [
    ...linkEvidence(orphan, suspect),
    ...nameEvidence(orphan, suspect),
    ...sizeEvidence(orphan, suspect),
    ...formatEvidence(orphan, suspect),
    ...timeEvidence(orphan, suspect),
    ...siblingEvidence(orphan, suspect),
    ...suspect.content,
  ].filter(({ weight }) => weight !== 0);
  const sum = all.reduce((total, { weight }) => total + weight, -2);
  return {
    path: suspect.path,
    format: suspect.format,
    guestSize: suspect.guestSize,
    certainty: certaintyOf(all, sum),
    score: 1 / (1 + 2 ** -sum),
    evidence: all
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
      .map(({ weight, what }) => ({ speaks: weight > 0 ? 'for' : 'against', what })),
    ...(all.some(({ damages }) => damages) && { damaged: true }),
  };
}

function certaintyOf(all: readonly Evidence[], sum: number): ParentCandidate['certainty'] {
  const against = all.some(({ decides, weight }) => decides === true && weight < 0);
  if (against || sum < 0) return 'unlikely';
  if (all.some(({ decides, weight }) => decides === true && weight > 0) && sum >= LIKELY_FROM) return 'certain';
  return sum >= LIKELY_FROM ? 'likely' : 'possible';
}
const LIKELY_FROM = 4;

/**
 * Puts candidates in order, best first, and those that are damaged last. Several that are certainly the overlay's
 * disk are states of it, or copies: then none is certain, and the best is likely where it is clearly ahead.
 */
export function rank(candidates: readonly ParentCandidate[]): readonly ParentCandidate[] {
  const sorted = [...candidates].sort(
    (a, b) =>
      Number(a.damaged ?? false) - Number(b.damaged ?? false) || b.score - a.score || (a.path < b.path ? -1 : 1),
  );
  const certain = sorted.filter(({ certainty }) => certainty === 'certain');
  return humbled(sorted, certain.length > 1 ? ['certain'] : certain.length === 1 ? [] : ['likely']);
}

/** How far ahead, in odds, one must be of the next to stay likely. */
const AHEAD = 4;

function humbled(
  sorted: readonly ParentCandidate[],
  those: readonly ParentCandidate['certainty'][],
): readonly ParentCandidate[] {
  const equals = sorted.filter(({ certainty }) => those.includes(certainty));
  const [best, next] = equals;
  if (!best || !next) return sorted;
  const clear = odds(best.score) >= AHEAD * odds(next.score);
  return sorted.map((each) => {
    if (!equals.includes(each)) return each;
    const ahead = clear && each === best;
    const certainty: Certainty = ahead ? 'likely' : 'possible';
    const other = fileName((each === best ? next : best).path);
    const what = ahead || !clear ? `${other} may be it as well` : `${other} fits better`;
    return { ...each, certainty, evidence: [...each.evidence, { speaks: 'against', what }] };
  });
}

const odds = (score: number): number => score / Math.max(Number.EPSILON, 1 - score);

/** An id is drawn anew for each image: the same one is no accident. Another may be that of the parent, written to since. */
function linkEvidence({ expects = [] }: Orphan, { linkIds = [] }: Suspect): Evidence[] {
  return expects.map(({ what, value, or, severity }): Evidence => {
    const is = linkIds.filter((id) => id.what === what).map((id) => id.value);
    const isGrave = severity === 'error';
    if (is.includes(value) || (or !== undefined && is.includes(or))) {
      return { weight: isGrave ? 8 : 1, what: `its ${what} is the one that the overlay expects`, decides: isGrave };
    }
    const found = is.length === 0 ? `it has no ${what}` : `its ${what} is ${is.join(' or ')}`;
    return { weight: isGrave ? -9 : -1, what: `${found}, and the overlay expects ${value}` };
  });
}

function nameEvidence({ written }: Orphan, { path }: Suspect): Evidence[] {
  const [wanted, found] = [fileName(written), fileName(path)];
  if (wanted === '') return [];
  if (wanted === found) return [{ weight: 4, what: `it has the name that the overlay writes: ${wanted}` }];
  if (wanted.toLowerCase() === found.toLowerCase() || stem(wanted) === stem(found)) {
    return [{ weight: 2, what: `its name is much like the one that the overlay writes, ${wanted}` }];
  }
  const [a, b] = [stem(wanted), stem(found)];
  const shorter = Math.min(a.length, b.length);
  return shorter >= 3 && (a.startsWith(b) || b.startsWith(a))
    ? [{ weight: 1, what: `its name begins like the one that the overlay writes, ${wanted}` }]
    : [];
}

/** The last part of a path of whatever system, and of what stands before it in a `json:` name. */
export function fileName(name: string): string {
  return (
    name
      .replace(/"[\s\]}]*$/, '')
      .split(/[\\/"]/)
      .at(-1) ?? ''
  );
}

/** Without endings: `disk.before-upgrade.qcow2`, as libvirt names overlays, and `disk (1).img`, as copies are, are `disk`. */
function stem(name: string): string {
  return name
    .toLowerCase()
    .replace(/(?:\.(?:qcow2?|raw|img|dd|bak|old|orig|backup|copy|\d+))+$/, '')
    .replace(/(?:[ _-]*\(\d+\)|[ _-]+(?:copy|old|backup|bak|orig|base))+$/, '');
}

function sizeEvidence({ guestSize }: Orphan, suspect: Suspect): Evidence[] {
  const [own, other] = [formatBytes(guestSize), formatBytes(suspect.guestSize)];
  if (suspect.guestSize === guestSize) return [{ weight: 2, what: `its disk is as large as the overlay's, ${own}` }];
  return suspect.guestSize < guestSize
    ? [
        {
          weight: -1 - Math.log2(guestSize / Math.max(512, suspect.guestSize)) / 2,
          what: `its disk has ${other}, the overlay's ${own}: it may have been made larger since`,
        },
      ]
    : [{ weight: -3, what: `its disk has ${other}, more than the overlay's ${own}` }];
}

function formatEvidence({ format }: Orphan, suspect: Suspect): Evidence[] {
  if (format === undefined) return [];
  if (format === suspect.format) {
    return [{ weight: 1, what: `it is ${suspect.format}, as the overlay says of its parent` }];
  }
  return [{ weight: -5, what: `it is ${suspect.format}, and the overlay says that its parent is ${format}` }];
}

/** Clocks of two machines, and copies that keep times in whole seconds, differ by as much. */
const SLACK_MS = 2000;
const SHORTLY_MS = 10 * 60_000;

function timeEvidence({ made, modified }: Orphan, suspect: Suspect): Evidence[] {
  if (suspect.modified === undefined) return [];
  if (modified !== undefined && suspect.modified > modified + SLACK_MS) {
    return [{ weight: -2, what: 'it was written to after the overlay last was' }];
  }
  if (made === undefined) return [];
  return suspect.modified > made + SLACK_MS
    ? [{ weight: -1, what: "it was written to after the overlay's file was made" }]
    : suspect.modified > made - SHORTLY_MS
      ? [{ weight: 1.5, what: "it was last written to shortly before the overlay's file was made" }]
      : [{ weight: 1, what: "it was not written to since the overlay's file was made" }];
}

function siblingEvidence({ written }: Orphan, { stands }: Suspect): Evidence[] {
  if (stands === undefined || fileName(stands) !== fileName(written)) return [];
  return [{ weight: -4, what: 'it names the same missing parent itself: it stands beside the overlay, not below it' }];
}
