import { formatBytes } from '../../units';
import type { LeftoverRule } from '../rule';
import { nameOf } from '../rule';

/** The header that was kept while a parent was named anew, and stayed. */
export const keptHeader: LeftoverRule = (leftover, { remedies }) => {
  if (leftover.kind !== 'kept-header') return [];
  const { path, image, size } = leftover;
  return [
    {
      code: 'header-kept',
      severity: 'info',
      path,
      message: `the header of "${nameOf(image)}" as it was before its parent was to be named anew (${formatBytes(size)})`,
      meaning:
        'It is kept until the chain was verified, and there is no note that this is still to be done. It may go once the ' +
        'disk is seen to be right.',
      certainty: 'likely',
      remedies: [remedies.remove(path)],
    },
  ];
};

/** What a repair has kept, and whether that came to its end. */
export const keptBeforeRepair: LeftoverRule = (leftover, { kin, remedies }) => {
  if (leftover.kind !== 'before-repair') return [];
  const { path, image, size, state } = leftover;
  const name = nameOf(image);
  const common = { path, certainty: 'certain' } as const;
  const undo = remedies.undoRepair(image, path);
  if (state === 'partial') {
    return [
      {
        ...common,
        code: 'repair-not-begun',
        severity: 'info',
        certainty: 'possible',
        message: `a repair of "${name}" was perhaps broken off while it still kept what it was to change`,
        meaning:
          'Then the image was not changed, and this is an incomplete copy that may go. It has no note that says so: ' +
          'somebody may have made it as a copy of their own, so look before it goes.',
        remedies: [],
      },
    ];
  }
  if (state === 'repaired') {
    return [
      {
        ...common,
        code: 'kept-before-repair',
        severity: 'info',
        message: `what a repair of "${name}" has changed is kept here as it was (${formatBytes(size)})`,
        meaning:
          'It is of use until somebody has seen that the repaired disk is right. Then it may go, with the note beside it.',
        remedies: [undo],
      },
    ];
  }
  if (kin.at(image)?.use.state === 'written') {
    return [
      {
        ...common,
        code: 'repair-running',
        severity: 'info',
        certainty: 'likely',
        message: `"${name}" is being repaired`,
        meaning: 'Let it come to its end.',
        remedies: [],
      },
    ];
  }
  const undoing = state === 'undoing';
  return [
    {
      ...common,
      code: undoing ? 'repair-undo-interrupted' : 'repair-interrupted',
      severity: 'warning',
      message: undoing
        ? `putting back what a repair of "${name}" had changed was begun and was not finished`
        : `a repair of "${name}" was begun and was not finished`,
      meaning: undoing
        ? 'The image is partly as it was and partly as repaired: nothing should use it before this is finished.'
        : 'The image may be partly repaired. All that the repair changes is kept, so putting it back loses nothing; then it can be begun anew.',
      remedies: undoing ? [undo] : [undo, remedies.check(image)],
    },
  ];
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
