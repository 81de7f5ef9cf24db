import type { RefusalReason, Severity } from '../../model';
import type { OfferedRemedy, Remedies } from '../remedies';
import type { ImageRule } from '../rule';
import { formatProblem } from './backingFormat';

interface Words {
  readonly severity: Severity;
  readonly meaning: string;
  readonly remedies: (remedies: Remedies, path: string) => readonly OfferedRemedy[];
}

const choose = (remedies: Remedies, path: string): readonly OfferedRemedy[] => [remedies.choosePlace(path)];

const WORDS: Readonly<Record<Exclude<RefusalReason, 'missing'>, Words>> = {
  protocol: {
    severity: 'warning',
    meaning: 'What lies below was not looked at: only files are opened here. QEMU may well reach it.',
    remedies: () => [],
  },
  'not-a-file': {
    severity: 'error',
    meaning:
      'An image in a file has no business naming a device or a folder: whoever opens such an image hands that device ' +
      'to the guest. What lies below was not looked at.',
    remedies: choose,
  },
  outside: {
    severity: 'warning',
    meaning: 'What lies below was not looked at: the folder is not trusted, and the parent lies outside of it.',
    remedies: (remedies) => [
      remedies.advice('Trust the workspace, or allow the file, if you know where the image comes from'),
    ],
  },
  unreadable: {
    severity: 'error',
    meaning: "A VM can't start from this image as long as its parent can't be opened.",
    remedies: choose,
  },
  malformed: {
    severity: 'error',
    meaning: "The name of the parent makes no sense, so a VM can't start from this image.",
    remedies: choose,
  },
};

/** The parent is named, and was not opened for a reason other than that it is not there. */
export const refusedParent: ImageRule = (image, ward) => {
  const { parent, path } = image;
  if (parent?.state !== 'refused' || parent.reason === undefined || parent.reason === 'missing') return [];
  // Where it is the recorded format that is wrong, that is what is said.
  if (formatProblem(image) !== undefined) return [];
  const { severity, meaning, remedies } = WORDS[parent.reason];
  return [
    {
      code: `parent-${parent.reason}`,
      severity,
      path,
      message: parent.message ?? `the parent "${parent.written}" is not opened`,
      meaning,
      certainty: 'certain',
      remedies: remedies(ward.remedies, path),
    },
  ];
};
