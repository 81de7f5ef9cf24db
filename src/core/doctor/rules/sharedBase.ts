import type { ImageRule } from '../rule';
import { listedNames, nameOf, users } from '../rule';
import { isNewer } from './parentNewer';

/** An image that several stand on and that is itself written to: each write is a write into all of them. */
export const sharedBase: ImageRule = (image, { kin, mergedInto }) => {
  const children = kin.childrenOf(image);
  if (children.length < 2 || mergedInto.has(image.id)) return [];
  const open = image.use.state === 'written';
  const older = children.filter((child) => isNewer(child, image));
  // Of a layer with a parent the date alone says little: see `parentNewer`.
  if (!open && (older.length === 0 || image.parent !== undefined)) return [];
  const names = listedNames(children.map(({ path }) => nameOf(path)));
  return [
    {
      code: 'shared-base-written',
      severity: open ? 'error' : 'warning',
      path: image.path,
      message: open
        ? `${names} stand on the image, and it is open for writing by ${users(image.use.by)}`
        : `${names} stand on the image, and it was written to after ${listedNames(older.map(({ path }) => nameOf(path)))}`,
      meaning:
        'What several overlays share must not change: each write to it changes the disks of all of them, and their ' +
        'file systems do not survive that.',
      certainty: open ? 'certain' : 'likely',
      remedies: [
        {
          title: open
            ? 'Shut down whatever writes to it, and start VMs from overlays only'
            : 'Make it read-only, and put back a copy from before the overlays',
          remedy: { kind: 'none' },
        },
      ],
    },
  ];
};
