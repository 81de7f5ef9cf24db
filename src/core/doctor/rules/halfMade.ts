import { formatBytes } from '../../units';
import type { LeftoverRule } from '../rule';
import { moment, nameOf } from '../rule';

/** A new file under the name that it has while it is being made. */
export const halfMade: LeftoverRule = (leftover, { kin, remedies }) => {
  if (leftover.kind !== 'half-made') return [];
  const { path, target, pid, began, size, running, complete } = leftover;
  const name = nameOf(target);
  const common = { path, code: 'half-made-file' } as const;
  if (running) {
    return [
      {
        ...common,
        severity: 'info',
        message: `"${name}" is being made here by process ${pid}, since ${moment(began)}`,
        meaning: 'It gets its name when it is complete. Let it be.',
        certainty: 'likely',
        remedies: [],
      },
    ];
  }
  if (kin.isParent(path)) {
    return [
      {
        ...common,
        severity: 'warning',
        message: 'the file has the name of one that was being made, and an image stands on it',
        meaning: 'Do not remove it: it is part of a chain.',
        certainty: 'certain',
        remedies: [],
      },
    ];
  }
  return [
    {
      ...common,
      severity: 'warning',
      message: complete
        ? `a second name of "${name}" was left over when that was made, on ${moment(began)}`
        : `"${name}" was being made here on ${moment(began)} and was not finished: ${formatBytes(size)} are left of it`,
      meaning: complete
        ? 'The file itself is complete. Removing this name changes nothing of it.'
        : `The process that made it (${pid}) does not run on this machine any more. The file is incomplete, no image uses it, ` +
          'and what it was made from was only read: it is safe to remove, unless another machine is making it in a shared folder.',
      certainty: 'likely',
      remedies: [remedies.remove(path)],
    },
  ];
};
