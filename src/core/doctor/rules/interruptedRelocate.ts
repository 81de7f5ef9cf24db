import { formatBytes } from '../../units';
import type { LeftoverRule } from '../rule';
import { moment, nameOf } from '../rule';

/** A parent was being named anew: the old header is still kept. */
export const interruptedRelocate: LeftoverRule = (leftover, { remedies }) => {
  if (leftover.kind !== 'relocate') return [];
  const { path, image, before, backing, header, began } = leftover;
  const written = image.image?.parent?.written ?? null;
  const state =
    image.image === undefined ? 'unknown' : written === backing ? 'after' : written === before ? 'before' : 'other';
  const found = image.image?.parent === undefined || image.image.parent.state === 'found';
  const told = {
    unknown: "The image is not to be found or can't be read.",
    after: found
      ? 'The new name is written, and the chain is whole by it: only the verification was not finished, and the kept header may go once the disk is seen to be right.'
      : 'The new name is written, and the parent is not found by it.',
    before: 'The old name is still in place: nothing was changed, and the kept header may go.',
    other: 'The image names yet another parent: it was changed since, so the kept header must not be put back.',
  }[state];
  const restorable = header !== undefined && (state === 'unknown' || (state === 'after' && !found));
  return [
    {
      code: 'relocate-interrupted',
      severity: 'warning',
      path,
      message: `naming the parent of "${nameOf(image.path)}" anew, from "${before ?? 'none'}" to "${backing}", was begun on ${moment(began)} and was not finished`,
      meaning: `${told} Only the image's header was to be changed, and no data. ${header ? `The header as it was is kept in "${nameOf(header.path)}" (${formatBytes(header.size)}).` : 'The header that was kept is not there any more.'}`,
      certainty: 'certain',
      remedies: [
        ...(restorable ? [remedies.restoreHeader(image.path)] : []),
        ...(state === 'after' && !found ? [remedies.choosePlace(image.path)] : []),
        ...(header && !restorable ? [remedies.remove(header.path)] : []),
        ...(restorable ? [] : [remedies.remove(path)]),
      ],
    },
  ];
};
