import { basename } from 'node:path';
import { formatBytes } from '../../core/units';
import type { Preview, PreviewEnd } from '../../core/snapshots/model';
import { findingText } from './findings';

/** What a preview is good for, once it is there. */
export function previewText({ overlay, of, leaf }: Preview): string {
  return (
    `${basename(overlay)} shows the disk as ${basename(of)} has it. A VM may boot from it; ` +
    `commit it to go on from there, or undo it to go back to ${basename(leaf)}.`
  );
}

/** The question before a preview ends: the files that go, one a line. */
export function previewEndQuestion(end: PreviewEnd): {
  readonly title: string;
  readonly detail: readonly string[];
  readonly button: string;
} {
  const { preview, how, removes, keeps, cautions } = end;
  const total = removes.reduce((sum, { fileSize }) => sum + fileSize, 0);
  const goes =
    removes.length === 0
      ? 'No file goes.'
      : [
          removes.length === 1
            ? 'This file goes for good:'
            : `These files go for good, ${formatBytes(total)} together:`,
          ...removes.map(({ path, fileSize }) => `${path}, ${formatBytes(fileSize)}`),
        ].join('\n');
  return {
    title:
      how === 'commit'
        ? `Keep the preview, and drop all that is newer than ${basename(preview.of)}?`
        : `Undo the preview, and drop what was written to it?`,
    detail: [goes, `From then on the VM boots from ${basename(keeps)}.`, ...cautions.map(findingText)],
    button: how === 'commit' ? 'Commit Preview' : 'Undo Preview',
  };
}
