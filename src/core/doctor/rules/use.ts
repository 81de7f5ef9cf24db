import type { Diagnosis } from '../../snapshots/model';
import type { ImageFacts } from '../facts';
import type { Kin } from '../kin';
import type { ImageRule } from '../rule';
import { nameOf, users } from '../rule';

/** Who has the image open. */
export const inUse: ImageRule = (image, { kin }) => {
  const { use, path } = image;
  if (use.state !== 'written' && use.state !== 'read') return [];
  if (use.state === 'written' && kin.childrenOf(image).length > 0) return [writtenBelow(image, kin)];
  const written = use.state === 'written';
  return [
    {
      code: 'in-use',
      severity: 'info',
      path,
      message: `the image is open ${written ? 'for writing ' : ''}by ${users(use.by)}`,
      meaning: written
        ? "A VM is running from it. What is found here may be of no one moment, and nothing may change it but that VM's own manager."
        : 'A VM or a program reads it, as older layers of a running VM are. It must not change meanwhile.',
      certainty: 'certain',
      remedies: [],
    },
  ];
};

/** A layer that others stand on is open for writing. A running VM that merges does that, and has the overlay open too. */
function writtenBelow(image: ImageFacts, kin: Kin): Diagnosis {
  const { path, use } = image;
  const children = kin.childrenOf(image);
  const merges = children.length === 1 && children.some((child) => child.use.by.some((who) => use.by.includes(who)));
  const [first] = children;
  const names = children.length === 1 && first ? `"${nameOf(first.path)}" stands` : `${children.length} images stand`;
  return {
    code: 'parent-in-use',
    severity: merges ? 'info' : 'error',
    path,
    message: `${names} on the image, and it is open for writing by ${users(use.by)}`,
    meaning: merges
      ? 'The same process has the overlay open as well: a running VM that is merging a snapshot does that.'
      : 'Each write to it damages what stands on it: a guest finds parts of an older state among newer ones.',
    certainty: merges ? 'likely' : 'certain',
    remedies: merges
      ? []
      : [
          {
            title: 'Shut down whatever writes to it at once, and start the VM from its newest layer',
            remedy: { kind: 'none' },
          },
        ],
  };
}
