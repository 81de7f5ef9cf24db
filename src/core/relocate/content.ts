import { formatOffset } from '../units';
import { extFits } from './extChecksums';
import type { Mark } from './marks';
import { marksOf } from './marks';
import type { Evidence } from './score';
import type { TrialDisk } from './trialDisk';
import type { Volume } from './volumes';
import { partitionsOf } from './volumes';

/** Volumes of one disk that are looked at. */
const MAX_VOLUMES = 64;

/**
 * Whether what an overlay holds and what a file beneath it holds are parts of one disk: names that a file system writes in
 * several places, some of which the overlay covers, and checksums on one side of what is on the other.
 * @param disk of the overlay on the file
 * @param alone the file by itself
 */
export function contentEvidence(disk: TrialDisk, alone: TrialDisk): Evidence[] {
  const { marks, volumes, table } = partitionsOf(disk);
  const evidence: Evidence[] = [...volumeEvidence(marks, () => partitionsOf(alone).marks)];
  let [own, below] = [marks.length, 0];
  for (const volume of volumes.slice(0, MAX_VOLUMES)) {
    const found = marksOf(disk, volume);
    own += found.filter(({ origin }) => origin === 'overlay').length;
    below += found.filter(({ origin }) => origin !== 'overlay').length;
    evidence.push(...volumeEvidence(found, () => marksOf(alone, volume)), ...checksums(disk, volume, found));
  }
  if (evidence.length > 0) return evidence;
  if (below > 0) {
    const what = table === undefined ? 'there is a file system' : `there are file systems where the ${table} says`;
    return [{ weight: 1, what: `${what}, of which no part proves that these two belong together` }];
  }
  if (own > 0 || table === undefined) return [];
  return [{ weight: -1, what: `the ${table} leads to no file system that is known here` }];
}

/** Of one volume, or of the table of all: by its copies on both sides, else by what the overlay has written over. */
function volumeEvidence(marks: readonly Mark[], covered: () => readonly Mark[]): Evidence[] {
  const first = marks[0];
  if (!first) return [];
  const agreed = agreement(marks);
  const under = first.origin === 'overlay' ? covered() : [];
  return [...(agreed.length > 0 ? agreed : writtenOver(first, under)), ...later(first, under)];
}

/** What the overlay holds in place of what the file had there: mostly the same thing, at a later time. */
function writtenOver(own: Mark, under: readonly Mark[]): Evidence[] {
  if (own.origin !== 'overlay') return [];
  const at = placeOf(own);
  const [first] = under;
  if (!first) return [{ weight: -2, what: `it has nothing where the overlay has its ${own.kind}${at}` }];
  if (first.id === own.id) {
    const what = `the ${own.kind}${at} has the same id in it as in the overlay, which has written over that`;
    return [{ weight: 7, decides: true, what }];
  }
  return [{ weight: -6, what: `it has another ${first.kind} where the overlay has its ${own.kind}${at}` }];
}

/** What only grows, in a file, past what it is in the overlay: the file has gone on by itself. */
function later(own: Mark, [first]: readonly Mark[]): Evidence[] {
  const [now, then] = [own.moment, first?.moment];
  if (!now || !then || first?.id !== own.id) return [];
  if (then.every((value, i) => value <= (now[i] ?? value))) return [closeness((now[0] ?? 0) - (then[0] ?? 0))];
  const what = `the ${own.kind}${placeOf(own)} was written to in it after the overlay wrote there: it is a later state`;
  return [{ weight: -9, decides: true, what }];
}

/** Of several states of one disk the last before the overlay's is the likeliest. @param gap in seconds */
function closeness(gap: number): Evidence {
  const hours = gap / 3600;
  const told =
    hours < 1 ? 'less than an hour' : hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`;
  const what = `its superblock was last written ${told} before the one that the overlay has`;
  return { weight: 2 / (1 + hours / 24), what };
}

const placeOf = ({ volume }: Mark): string => (volume === 0 ? '' : ` at ${formatOffset(volume)}`);

/** Marks of one volume: those of the overlay and those below must name the same. */
function agreement(marks: readonly Mark[]): Evidence[] {
  const own = marks.find(({ origin }) => origin === 'overlay');
  const below = marks.filter(({ origin }) => origin === 'below');
  const [first] = below;
  if (!own || !first) return [];
  const { kind } = own;
  const at = placeOf(own);
  const other = below.find(({ id }) => id !== own.id);
  if (other) {
    return [
      {
        weight: -12,
        decides: true,
        what: `the ${kind}${at} is another one: ${other.where}, which it holds, does not name what ${own.where} in the overlay does`,
      },
    ];
  }
  const stale = own.state !== undefined && below.some(({ state }) => state !== undefined && state !== own.state);
  if (stale) {
    return [{ weight: 1, what: `the ${kind}${at} is the overlay's by its id, though of another moment` }];
  }
  return [
    {
      weight: 8,
      decides: true,
      what: `the ${kind}${at} is the overlay's: ${first.where}, which it holds, has the id that ${own.where} in the overlay names`,
    },
  ];
}

function checksums(disk: TrialDisk, volume: Volume, marks: readonly Mark[]): Evidence[] {
  if (marks[0] === undefined || !/^ext\d file system$/.test(marks[0].kind)) return [];
  const fits = extFits(disk, volume);
  if (!fits || fits.fit + fits.misfit === 0) return [];
  const { fit, misfit, summed, unclean } = fits;
  const all = fit + misfit;
  const at = volume.start === 0 ? '' : ` at ${formatOffset(volume.start)}`;
  const what = `${summed ? 'checksums' : 'counts'} in the ${marks[0].kind}${at} that go from the overlay to it or back`;
  if (misfit === 0) {
    const weight = Math.min(6, (summed ? 3 : 1) + Math.log2(all));
    return [{ weight, decides: summed, what: `all ${all} ${what} are right` }];
  }
  const wrong = `${misfit} of ${all} ${what} are wrong: it is not the state that the overlay was made on`;
  return [unclean ? { weight: -(8 * misfit) / all, what: wrong } : { weight: -8, decides: true, what: wrong }];
}
