import type { Severity } from '../../model';
import type { Certainty, Diagnosis } from '../../snapshots/model';
import type { ImageFacts } from '../facts';
import type { ImageRule, Ward } from '../rule';
import { lapse, moment, nameOf } from '../rule';

/**
 * A parent must not change once something stands on it. Whether it did, no image says; what can be known are dates:
 * - the last write to each file, which a copy that does not keep dates makes anew;
 * - when a file came to be on this file system: a file that came after the overlay's last write was copied or put there,
 *   and its date is that of the copying;
 * - dates of internal snapshots in the parent, which only whoever opened it for writing takes.
 * A parent that has a parent itself is also written to, harmlessly, when that is named anew or merged into it.
 */
interface Judgement {
  readonly certainty: Certainty;
  readonly why: string;
}

/** QEMU makes the overlay of a running VM, then brings what is still to be written to the older layer. */
const LIVE_SNAPSHOT_MS = 10_000;

/** The last write to the parent came after that to the image, as far as dates that a copy has not made tell. */
export function isNewer(image: ImageFacts, parent: ImageFacts): boolean {
  return (parent.modified ?? 0) > (image.modified ?? Infinity) && !cameLater(image, parent);
}

/** The parent's file came to be after the last write to the image: its date may be that of the copying. */
function cameLater({ modified = Infinity }: ImageFacts, parent: ImageFacts): boolean {
  return parent.made !== undefined && parent.made > modified && (parent.modified ?? 0) >= parent.made;
}

export const parentNewer: ImageRule = (image, ward) => {
  const parent = ward.kin.parentOf(image);
  if (!parent || ward.kin.loopOf(image)) return [];
  const { modified = NaN } = image;
  const { modified: written = NaN } = parent;
  if (written > modified) {
    return [told(image, parent, judge(image, parent, ward), `${lapse(written - modified)} after the image itself`)];
  }
  return writtenSince(image, parent) ? [since(image, parent)] : [];
};

function judge(image: ImageFacts, parent: ImageFacts, { mergedInto }: Ward): Judgement {
  const taken = Math.max(...parent.snapshotDates);
  if (taken > (image.modified ?? Infinity)) {
    return {
      certainty: 'certain',
      why: `An internal snapshot was taken in the parent on ${moment(taken)}, so somebody has used it as a disk since.`,
    };
  }
  if (mergedInto.has(parent.id)) {
    return {
      certainty: 'possible',
      why: 'A deletion that was begun writes to the parent, nothing but what its overlays have already: that is harmless.',
    };
  }
  if (cameLater(image, parent)) {
    return {
      certainty: 'possible',
      why: "The parent's file came to be here after the last write to the image: if it was only copied here, its date says nothing.",
    };
  }
  if (parent.parent === undefined) {
    return {
      certainty: 'likely',
      why: 'Only what leaves its content alone would be harmless: a check that mended it, a new size, a date that a copy has changed.',
    };
  }
  if (parent.findings.some(({ code }) => code === 'dirty')) {
    return {
      certainty: 'likely',
      why: 'The parent was not closed cleanly either, as a VM that breaks down leaves it.',
    };
  }
  return {
    certainty: 'possible',
    why: 'Deleting a snapshot below and naming a parent anew write to it as well, and are harmless.',
  };
}

const SEVERITY: Readonly<Record<Certainty, Severity>> = { certain: 'warning', likely: 'warning', possible: 'info' };

const CLASSIC =
  'If a VM was started from the parent, or anything else wrote to its disk, all that stands on it is damaged: a guest ' +
  'finds parts of an older state among newer ones.';

function told(image: ImageFacts, parent: ImageFacts, { certainty, why }: Judgement, when: string): Diagnosis {
  return {
    code: 'parent-newer',
    severity: SEVERITY[certainty],
    path: image.path,
    message: `its parent "${nameOf(parent.path)}" was written to on ${moment(parent.modified ?? 0)}, ${when}`,
    meaning: `${CLASSIC} ${why}`,
    certainty,
    remedies:
      certainty === 'possible'
        ? []
        : [
            {
              title: `Put back a copy of the parent from before ${moment(image.modified ?? 0)}, or have the guest check its file systems`,
              remedy: { kind: 'none' },
            },
          ],
  };
}

/** The image was written to last of all, but the parent was still written to when the image was there already. */
function writtenSince(image: ImageFacts, parent: ImageFacts): boolean {
  const { made = Infinity, modified = 0 } = image;
  // A file with an older date than its own was copied: when the image was made, it does not say.
  if (made > modified || (parent.made ?? 0) > made) return false;
  return (parent.modified ?? 0) > made + LIVE_SNAPSHOT_MS;
}

function since(image: ImageFacts, parent: ImageFacts): Diagnosis {
  const later = (parent.modified ?? 0) - (image.made ?? 0);
  return {
    code: 'parent-written-since',
    severity: 'info',
    path: image.path,
    message: `its parent "${nameOf(parent.path)}" was still written to ${lapse(later)} after the image was made`,
    meaning: `${CLASSIC} Merging a snapshot into the parent does this too, and is harmless.`,
    certainty: 'possible',
    remedies: [],
  };
}
