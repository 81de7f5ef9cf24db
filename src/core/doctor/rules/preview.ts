import type { LeftoverRule } from '../rule';
import { moment, nameOf } from '../rule';

/** A preview that was not ended yet: nothing is wrong with that, but one has to know what to boot. */
export const preview: LeftoverRule = (leftover, { remedies }) => {
  if (leftover.kind !== 'preview') return [];
  const { path, overlay, of, leaf, made, committing } = leftover;
  if (!overlay.exists) {
    return [
      {
        code: 'preview-gone',
        severity: 'info',
        path,
        message: `the preview "${nameOf(overlay.path)}" is gone; the note about it was left over`,
        meaning: `"${nameOf(leaf.path)}" is what the VM starts from. The note may be removed.`,
        certainty: leaf.exists ? 'certain' : 'likely',
        remedies: [remedies.remove(path)],
      },
    ];
  }
  if (committing) {
    const [, commit] = remedies.endPreview(overlay.path);
    return [
      {
        code: 'preview-commit-interrupted',
        severity: 'warning',
        path: overlay.path,
        message: `committing the preview of "${nameOf(of.path)}" was begun and was not finished`,
        meaning:
          "The image is what the VM starts from now, and is whole; the newer layers are going. Committing it again finishes that. It can't be undone any more.",
        certainty: 'certain',
        remedies: commit ? [commit] : [],
      },
    ];
  }
  const lost = [of, leaf].filter(({ exists }) => !exists);
  return [
    {
      code: 'preview-open',
      severity: 'info',
      path: overlay.path,
      message: `the image is a preview of "${nameOf(of.path)}", made on ${moment(made)} beside the newest layer "${nameOf(leaf.path)}"`,
      meaning:
        lost.length > 0
          ? `${lost.map((noted) => `"${nameOf(noted.path)}"`).join(' and ')} ${lost.length === 1 ? 'is' : 'are'} not where the preview was made of, so it can\'t be ended by itself.`
          : `Undoing it removes the image and all that was written to it; the VM then starts from "${nameOf(leaf.path)}" again. ` +
            'Committing it keeps the image and removes the newer layers.',
      certainty: 'certain',
      remedies: lost.length > 0 ? [] : remedies.endPreview(overlay.path),
    },
  ];
};
