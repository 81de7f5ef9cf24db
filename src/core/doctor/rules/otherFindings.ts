import type { Finding, Severity } from '../../model';
import type { ImageRule } from '../rule';

/** Told by a rule of their own, or no matter of the image. */
const SPOKEN_FOR: ReadonlySet<string> = new Set([
  'backing-format-absent',
  'bitmap-in-use',
  'data-file',
  'dirty',
  'extent-missing',
  'extent-refused',
  'holes-unknown',
  'marked-corrupt',
  'parent-changed',
  'parent-cycle',
  'parent-empty',
  'parent-missing',
  'parent-refused',
  'parent-too-deep',
  'relative-to-working-directory',
  'windows-path',
]);

const MEANING: Readonly<Record<Severity, string>> = {
  error:
    'The image is damaged, or was made to look odd: QEMU may refuse it, and part of what it holds may not be reached.',
  warning: 'Something in the image is not as QEMU leaves it. The disk can be read all the same.',
  info: 'This does no harm by itself.',
};

/** Everything else that was noticed when the image was opened. */
export const otherFindings: ImageRule = ({ path, findings }, { remedies }) =>
  findings
    .filter(({ code }) => !SPOKEN_FOR.has(code))
    .map(({ code, severity, message, advice, offset }: Finding) => ({
      code,
      severity,
      path,
      message,
      meaning: advice === undefined ? MEANING[severity] : `${MEANING[severity]} ${advice}`,
      certainty: 'certain' as const,
      remedies: severity === 'info' ? [] : [remedies.check(path)],
      offset,
    }));
