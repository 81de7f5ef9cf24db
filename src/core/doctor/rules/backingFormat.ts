import type { Certainty } from '../../snapshots/model';
import { formatBytes } from '../../units';
import type { ContentFacts, ImageFacts, ParentFacts } from '../facts';
import type { ImageRule } from '../rule';
import { nameOf } from '../rule';

/** Names under which images record a raw parent. */
const RAW: ReadonlySet<string> = new Set(['raw', 'file', 'host_device', 'host_cdrom']);

interface Problem {
  readonly recorded: string;
  readonly content: ContentFacts;
  readonly parent: ParentFacts;
}

/** The image records one format for its parent, and the parent's bytes are of another. */
export function formatProblem({ parent }: ImageFacts): Problem | undefined {
  const { recorded, content } = parent ?? {};
  if (!parent || recorded === undefined || !content) return undefined;
  const isRaw = RAW.has(recorded);
  const agrees = isRaw ? content.format === 'raw' || content.format === undefined : content.format === recorded;
  return agrees ? undefined : { recorded, content, parent };
}

/** The format that the image records for its parent is not what the parent is. */
export const wrongBackingFormat: ImageRule = (image, ward) => {
  const problem = formatProblem(image);
  if (!problem) return [];
  const { recorded, content, parent } = problem;
  const name = nameOf(parent.path ?? parent.written);
  const certainty = RAW.has(recorded) ? asRawCertainty(image, content) : 'certain';
  return [
    {
      code: 'backing-format-wrong',
      severity: certainty === 'possible' ? 'warning' : 'error',
      path: image.path,
      message: `the image records its parent "${name}" as ${recorded}, but by its content that is ${content.found}`,
      meaning: RAW.has(recorded)
        ? asRawMeaning(content)
        : `A VM can't start from this image: the parent is refused as ${recorded}.`,
      certainty,
      remedies:
        content.format === undefined || parent.path === undefined
          ? [ward.remedies.choosePlace(image.path)]
          : [ward.remedies.relocate(`Record the parent as ${content.format}`, image.path, parent.path, content.format)],
    },
  ];
};

/**
 * A guest may write to its raw disk what makes it look like an image of another format, so bytes alone prove nothing:
 * sizes that fit only one of the two readings do.
 */
function asRawCertainty(
  { guestSize }: ImageFacts,
  { guestSize: held, fileSize, namesOthers }: ContentFacts,
): Certainty {
  const fitsContent = held === guestSize && !namesOthers;
  const fitsRaw = Math.ceil(fileSize / 512) * 512 === guestSize;
  if (fitsContent && !fitsRaw) return 'certain';
  return fitsRaw || held !== guestSize ? 'possible' : 'likely';
}

function asRawMeaning({ guestSize, namesOthers, fileSize }: ContentFacts): string {
  const held = guestSize === undefined ? '' : `, not its disk of ${formatBytes(guestSize)}`;
  const trap = namesOthers
    ? ' A guest that means harm can write such a header to its own raw disk, to have files of the host opened: this one ' +
      'names further files, so make sure of where it comes from before recording anything.'
    : ' Only if the parent is a raw disk on which a guest has stored an image from its first byte on, all is as it should be.';
  return `A VM reads the bytes of the parent's file (${formatBytes(fileSize)}) as they are${held}: garbage, for a guest.${trap}`;
}

/** The image does not say what its parent is, so whoever opens it has to guess. */
export const absentBackingFormat: ImageRule = ({ findings, path, parent }, { remedies }) => {
  const finding = findings.find(({ code }) => code === 'backing-format-absent');
  if (!finding || !parent) return [];
  const format = parent.content?.format;
  const mend =
    format === undefined || parent.path === undefined
      ? []
      : [remedies.relocate(`Record the parent as ${format}`, path, parent.path, format)];
  return [
    {
      code: 'backing-format-absent',
      severity: 'warning',
      path,
      message: finding.message,
      meaning:
        "QEMU and libvirt guess the format from the first bytes, which on a raw disk are the guest's to choose: a guest " +
        'could have files of the host opened. Newer versions refuse such an image.',
      certainty: 'certain',
      remedies: mend,
      offset: finding.offset,
    },
  ];
};
