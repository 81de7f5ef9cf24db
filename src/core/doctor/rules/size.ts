import { formatBytes } from '../../units';
import type { ImageFacts } from '../facts';
import type { ImageRule } from '../rule';
import { nameOf } from '../rule';
import { formatProblem } from './backingFormat';
import { isNewer } from './parentNewer';

/** The parent's disk is not as long as the overlay's. */
export const parentSize: ImageRule = (image, { kin }) => {
  const parent = kin.parentOf(image);
  if (!parent || parent.guestSize === image.guestSize || kin.loopOf(image)) return [];
  // Read as what it is not, it has another size.
  if (formatProblem(image)) return [];
  return [parent.guestSize < image.guestSize ? smaller(image, parent) : larger(image, parent)];
};

const sizes = (image: ImageFacts, parent: ImageFacts): string =>
  `its parent "${nameOf(parent.path)}" is a disk of ${exactly(parent, image)}, the image one of ${exactly(image, parent)}`;

/** Two sizes that differ must not be written the same. */
function exactly({ guestSize }: ImageFacts, other: ImageFacts): string {
  const rounded = formatBytes(guestSize);
  return rounded === formatBytes(other.guestSize) ? `${guestSize} bytes` : rounded;
}

function smaller(image: ImageFacts, parent: ImageFacts): ReturnType<ImageRule>[number] {
  const wasCut =
    parent.findings.some(({ code }) => code === 'partial-sector' || code === 'parent-empty') || parent.guestSize === 0;
  const suspicious = wasCut || isNewer(image, parent);
  return {
    code: 'parent-smaller',
    severity: suspicious ? 'warning' : 'info',
    path: image.path,
    message: sizes(image, parent),
    meaning:
      `Past the parent's end the disk reads as zero where the image itself has nothing. That is as it should be if the ` +
      'disk was made larger with or after the snapshot; if the parent was cut short, data is missing.' +
      (wasCut
        ? ' The parent looks as if it was cut short.'
        : suspicious
          ? ' The parent changed after the image did.'
          : ''),
    certainty: suspicious ? 'likely' : 'possible',
    remedies: [],
  };
}

function larger(image: ImageFacts, parent: ImageFacts): ReturnType<ImageRule>[number] {
  const suspicious = isNewer(image, parent);
  return {
    code: 'parent-larger',
    severity: suspicious ? 'warning' : 'info',
    path: image.path,
    message: sizes(image, parent),
    meaning:
      'What the parent has past the end of the image is hidden. That is as it should be if the image was made smaller on ' +
      'purpose; if the parent was made larger after the snapshot, the guest does not see that.' +
      (suspicious ? ' The parent changed after the image did.' : ''),
    certainty: suspicious ? 'likely' : 'possible',
    remedies: [],
  };
}
