import type { FileReference, Finding, LinkId } from '../../model';
import type { VdiHeader } from './header';
import { TYPE } from './header';

const UUID = 'UUID';
const MODIFICATION = 'modification UUID';

/** What images that stand on this one know it by. */
export const linkIdsOf = ({ uuid, modification }: VdiHeader): readonly LinkId[] => [
  { what: UUID, value: uuid },
  { what: MODIFICATION, value: modification },
];

/**
 * The parent of an image that stands on one by its type, as VirtualBox decides it (VDI.cpp, vdiTranslateVDI2ImageFlags).
 * No name of it is stored: VirtualBox finds it in its registry, by its UUID.
 */
export function parentOf({ type, parent, parentModification }: VdiHeader): FileReference | undefined {
  const isSecondary = type === TYPE.differencing || (type === TYPE.undo && parent !== undefined);
  if (!isSecondary) return undefined;
  const reference = { role: 'parent', format: 'vdi' } as const;
  if (parent === undefined) {
    const message = 'this is a differencing image, and it does not say of which parent';
    return { ...reference, written: '', target: { kind: 'refused', reason: 'malformed', message } };
  }
  return {
    ...reference,
    written: parent,
    target: { kind: 'search', endings: ['.vdi'] },
    expects: [
      { what: UUID, value: parent, severity: 'error' },
      // The first VirtualBox refused to open the two together where this differs (VDICore.cpp, vdiOpenImage); those since
      // only compare the UUID (MediumImpl.cpp, queryInfo).
      ...(parentModification === undefined
        ? []
        : [{ what: MODIFICATION, value: parentModification, severity: 'warning' } as const]),
    ],
  };
}

/** An image that is a base by its type, and all the same names a parent. */
export function ignoredParent({ type, parent }: VdiHeader): readonly Finding[] {
  if (parent === undefined || type === TYPE.differencing || type === TYPE.undo) return [];
  return [
    {
      code: 'parent-ignored',
      severity: 'warning',
      message: `the image names the parent "${parent}", though by its type it stands on none: the parent is left out`,
      advice: 'So does VirtualBox. QEMU refuses the image.',
    },
  ];
}
