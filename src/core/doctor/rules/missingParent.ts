import type { ParentCandidate } from '../../snapshots/model';
import { formatBytes } from '../../units';
import type { ImageFacts } from '../facts';
import type { OfferedRemedy, Remedies } from '../remedies';
import type { Kin } from '../kin';
import type { ImageRule, Ward } from '../rule';
import { nameOf } from '../rule';

/** More than a person compares. */
const MOST_OFFERED = 3;

/** The parent is not where the image says it is. */
export const missingParent: ImageRule = (image, ward) => {
  const { parent, path } = image;
  if (parent?.state !== 'missing') return [];
  return [
    {
      code: 'parent-missing',
      severity: 'error',
      path,
      message: parent.message ?? `the parent "${parent.written}" is not there`,
      meaning:
        "A VM can't start from this image: whatever was not written since the snapshot is in the parent alone. " +
        'Nothing is lost as long as the parent is somewhere.',
      certainty: 'certain',
      remedies: [
        ...parent.candidates
          .filter(({ certainty }) => certainty !== 'unlikely')
          .slice(0, MOST_OFFERED)
          .map((candidate) => (isNamedAnew(image) ? take : putBack)(candidate, image, ward.remedies)),
        ...others(image, ward),
        ...(isNamedAnew(image) ? [] : [ward.remedies.advice('Put the parent where the image looks for it')]),
      ],
    },
  ];
};

const isNamedAnew = ({ format }: ImageFacts): boolean => format === 'qcow2';

function take(candidate: ParentCandidate, { path }: ImageFacts, remedies: Remedies): OfferedRemedy {
  const title = `Take "${nameOf(candidate.path)}" as its parent (${judged(candidate)})`;
  return remedies.relocate(title, path, candidate.path, candidate.format);
}

/** To where the image looks for it: beside the image, where it names no place that there is here. */
function putBack(candidate: ParentCandidate, { path, parent }: ImageFacts, remedies: Remedies): OfferedRemedy {
  const to = parent?.path ?? path.slice(0, path.length - nameOf(path).length) + nameOf(candidate.path);
  return remedies.putBack(`Put "${candidate.path}" back at "${to}" (${judged(candidate)})`, candidate.path, to);
}

/** How sure a candidate is, what it is, and the strongest reason. */
function judged({ certainty, format, guestSize, evidence, damaged }: ParentCandidate): string {
  const [strongest] = evidence;
  const but = damaged ? ', damaged' : '';
  const why = strongest === undefined ? '' : `; ${strongest.speaks === 'for' ? '' : 'but '}${strongest.what}`;
  return `${certainty}${but}: ${format}, ${formatBytes(guestSize)}${why}`;
}

/** A file of that very name beside the image is worth a look, whatever the candidates' search made of it. */
function others(image: ImageFacts, { kin, remedies }: Ward): OfferedRemedy[] {
  const offered = new Set(image.parent?.candidates.map(({ path }) => path));
  const besides = takeBeside(image, kin, remedies).filter(
    ({ remedy }) => remedy.kind !== 'relocate' || !offered.has(remedy.parent),
  );
  return [...besides, remedies.choosePlace(image.path)];
}

/** Taking the file of the parent's name that lies beside the image; none where that one stands on the image itself. */
export function takeBeside(image: ImageFacts, kin: Kin, remedies: Remedies): OfferedRemedy[] {
  const beside = image.parent?.beside;
  if (!beside || stands(beside.path, image, kin)) return [];
  const size =
    beside.guestSize === undefined || beside.guestSize === image.guestSize
      ? ''
      : ` (but it is a disk of ${formatBytes(beside.guestSize)}, and the image one of ${formatBytes(image.guestSize)})`;
  return [
    remedies.relocate(
      `Take "${nameOf(beside.path)}" beside it as its parent${size}`,
      image.path,
      beside.path,
      beside.format,
    ),
  ];
}

function stands(path: string, on: ImageFacts, kin: Kin): boolean {
  const other = kin.at(path);
  return other !== undefined && kin.chainOf(other).includes(on);
}
