import { formatBytes } from '../../units';
import type { LeftoverRule } from '../rule';
import { nameOf } from '../rule';

/** What our own work has kept for the case that it went wrong. */
export const kept: LeftoverRule = (leftover, { remedies }) => {
  switch (leftover.kind) {
    case 'kept-header':
      return [
        {
          code: 'header-kept',
          severity: 'info',
          path: leftover.path,
          message: `the header of "${nameOf(leftover.image)}" as it was before its parent was named anew (${formatBytes(leftover.size)})`,
          meaning:
            'It is kept until the chain was verified, and there is no note that this is still to be done. It may go once the disk is seen to be right.',
          certainty: 'likely',
          remedies: [remedies.remove(leftover.path)],
        },
      ];
    case 'before-repair':
      return [
        {
          code: 'kept-before-repair',
          severity: 'info',
          path: leftover.path,
          message: `what a repair of "${nameOf(leftover.image)}" has changed, as it was (${formatBytes(leftover.size)})`,
          meaning: 'It is of use as long as nobody has seen that the repaired disk is right. It may go then.',
          certainty: 'likely',
          remedies: [],
        },
      ];
    default:
      return [];
  }
};

/** A note that says nothing. */
export const oddNote: LeftoverRule = (leftover, { remedies }) => {
  if (leftover.kind !== 'odd-note') return [];
  const { path, image, why } = leftover;
  return [
    {
      code: 'note-unreadable',
      severity: 'warning',
      path,
      message: `a note about what was being done to "${nameOf(image)}" can't be used: ${why}`,
      meaning:
        'Something was perhaps begun with that image and not finished; what, the note does not tell. The image itself is judged by what it is.',
      certainty: 'possible',
      remedies: [remedies.remove(path)],
    },
  ];
};
