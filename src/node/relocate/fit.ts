import type { Evidence, Session, Suspect } from '../../core';
import { contentEvidence, DiskError, trialDisk } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { Conduct } from '../snapshots/conduct';
import { runJob } from '../snapshots/conduct';
import type { Mended } from './trial';
import { openTrial } from './trial';

/** What reading the overlay with a file beneath it tells about whether they belong together. @throws `AbortError` */
export async function fitOf(
  mended: Mended,
  suspect: Omit<Suspect, 'content'>,
  policy: GatePolicy,
  conduct: Conduct,
): Promise<readonly Evidence[]> {
  const { path: file, format } = suspect;
  try {
    const trial = openTrial(mended, file, format, file, policy);
    try {
      const { chain, from } = trial;
      if (chain.layers.length < 2) return [{ weight: -6, what: "it can't be opened as the overlay's parent" }];
      const whole = await runJob(trial.scan(), `reads the tables of ${file}`, conduct);
      const disk = trialDisk(chain, from, whole);
      trial.stand({ depth: 1, view: '' });
      const below = await runJob(trial.scan(), `reads the tables of ${file}`, conduct);
      const alone = trialDisk(chain, trial.from, below);
      const broken =
        chain.end.kind === 'base' ? [] : [{ weight: -0.5, what: 'it stands on a parent that is missing itself' }];
      return [...contentEvidence(disk, alone), ...broken, ...damage(trial)];
    } finally {
      trial.close();
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return [{ weight: -6, what: `it can't be read: ${error.message}` }];
  }
}

/** What its own file and tables are found to lack, now that they were read. */
function damage(trial: Session): readonly Evidence[] {
  const below = trial.chain.layers[1];
  const errors = trial
    .findings(1)
    .filter((finding) => finding.severity === 'error' && below?.findings.includes(finding) !== true);
  return errors.slice(0, 1).map(({ message }) => ({ weight: -3, what: `it is damaged: ${message}`, damages: true }));
}
