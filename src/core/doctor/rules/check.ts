import { COMPLETE, COMPLETE_FIRST, faultsFound } from '../../checkWords';
import { isRepaired } from '../../repair/repaired';
import type { Diagnosis } from '../../snapshots/model';
import { formatCount } from '../../units';
import type { ImageRule } from '../rule';

/** What a check of the image has found, where one was asked for. */
export const checkFound: ImageRule = ({ path, check, use, format }, { remedies }) => {
  if (!check) return [];
  if ('failed' in check) {
    return [
      {
        code: 'check-failed',
        severity: 'error',
        path,
        message: `the check could not be made: ${check.failed}`,
        meaning: 'Whether the image is sound is not known.',
        certainty: 'certain',
        remedies: [],
      },
    ];
  }
  const found: Diagnosis[] = [];
  const { checkErrors, corruptions, further, leaks } = check;
  const running = use.state === 'written';
  const meanwhile = running ? ' The image is being written to: check it again when the VM is off.' : '';
  const certainty = running ? 'possible' : 'certain';
  const isCorrupt = checkErrors + corruptions + further > 0;
  if (isCorrupt) {
    found.push({
      code: 'check-corruptions',
      severity: 'error',
      path,
      message: `the check found ${faultsFound({ ...check, leaks: 0 }) ?? ''}`,
      meaning: `Some of the guest's data may be wrong already, or be overwritten by the next write.${meanwhile}`,
      certainty,
      remedies: [
        ...(check.endsEarly ? [remedies.advice(isRepaired(format) ? COMPLETE_FIRST : COMPLETE)] : []),
        remedies.check(path),
        ...(isRepaired(format) ? [remedies.repair(path, 'all')] : []),
      ],
    });
  }
  if (leaks > 0) {
    found.push({
      code: 'check-leaks',
      severity: 'warning',
      path,
      message: `the check found ${formatCount(leaks)} leaked cluster${leaks === 1 ? '' : 's'}`,
      meaning: isCorrupt
        ? 'What a broken table refers to looks unused as well. Nothing may be freed before the corruptions are mended.'
        : `Space is taken that nothing uses, as work that was broken off leaves it. The data is whole.${meanwhile}`,
      certainty: isCorrupt ? 'possible' : certainty,
      remedies: running || isCorrupt || !isRepaired(format) ? [] : [remedies.repair(path, 'leaks')],
    });
  }
  return found;
};
