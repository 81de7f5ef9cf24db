import type { ImageRule } from '../rule';

/** A file that holds a part of the disk was not there, or not to be opened. */
export const missingExtent: ImageRule = ({ path, findings }, { remedies }) =>
  findings
    .filter(({ code }) => MISSING.has(code))
    .map(({ code, message, advice, severity }) => ({
      code,
      severity,
      path,
      message,
      meaning:
        'The image only names the files that hold the disk. What is in this one is unknown, and a VM does not start without ' +
        `it.${advice === undefined ? '' : ` ${advice}`}`,
      certainty: 'certain' as const,
      remedies: [
        remedies.advice(
          'Put the file back beside the image under the name that is told: it was renamed, moved or left behind',
        ),
      ],
    }));

/** Of a VMDK's extents, and of the images of a bundle. */
const MISSING: ReadonlySet<string> = new Set(['extent-missing', 'extent-refused']);
