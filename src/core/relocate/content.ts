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
 */
export function contentEvidence(disk: TrialDisk): Evidence[] {
  const { marks, volumes, table } = partitionsOf(disk);
  const evidence: Evidence[] = [...agreement(marks)];
  let known = 0;
  for (const volume of volumes.slice(0, MAX_VOLUMES)) {
    const found = marksOf(disk, volume);
    if (found.some(({ origin }) => origin === 'below')) known += 1;
    evidence.push(...agreement(found), ...checksums(disk, volume, found));
  }
  if (evidence.length > 0) return evidence;
  if (known > 0) {
    const what = table === undefined ? 'it has a file system' : `it has file systems where the ${table} says`;
    return [{ weight: 1, what: `${what}; the overlay holds no part that would prove it to be this one` }];
  }
  return table === undefined ? [] : [{ weight: -1, what: `the ${table} leads to no file system that is known here` }];
}

/** Marks of one volume: those of the overlay and those below must name the same. */
function agreement(marks: readonly Mark[]): Evidence[] {
  const own = marks.find(({ origin }) => origin === 'overlay');
  const below = marks.filter(({ origin }) => origin === 'below');
  const [first] = below;
  if (!own || !first) return [];
  const { kind, volume } = own;
  const at = volume === 0 ? '' : ` at ${formatOffset(volume)}`;
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
  if (marks[0]?.kind !== 'ext4 file system') return [];
  const fits = extFits(disk, volume);
  if (!fits || fits.fit + fits.misfit === 0) return [];
  const { fit, misfit, unclean } = fits;
  const all = fit + misfit;
  const at = volume.start === 0 ? '' : ` at ${formatOffset(volume.start)}`;
  if (misfit === 0) {
    const what = `all ${all} checksums in the ext4 file system${at} that go from the overlay to it or back are right`;
    return [{ weight: Math.min(6, 3 + Math.log2(all)), decides: true, what }];
  }
  const what = `${misfit} of ${all} checksums in the ext4 file system${at} that go from the overlay to it or back are wrong: it is not the state that the overlay was made on`;
  return [unclean ? { weight: -(8 * misfit) / all, what } : { weight: -8, decides: true, what }];
}
