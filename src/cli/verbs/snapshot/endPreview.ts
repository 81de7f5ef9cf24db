import type { PreviewEnd } from '../../../core';
import { formatBytes } from '../../../core';
import { TRUST_ALL } from '../../../node/gate';
import { endPreview, planPreviewEnd } from '../../../node/snapshots/preview';
import { conducted } from '../../conduct';
import { findingJson, findingLines } from '../../findings';
import { Output } from '../../output';
import { plain } from '../../text';
import type { Verb } from '../../verb';
import { EXIT } from '../../verb';

const COMMIT = `
Keeps the preview OVERLAY as the newest layer, and removes the layers that are newer than the one it stands on, from
the old newest one down. A layer that another image stands on stays, and all below it. What the removed layers hold
is lost: --dry-run shows what goes.

The preview is read before and after, and must be the same. A commit that was ended is finished by doing it again.
`;

const UNDO = `
Removes the preview OVERLAY with all that was written to it, and goes back to the newest layer from before.
`;

export const snapshotCommit = verb('commit', 'keep a preview, and remove the layers newer than what it shows', COMMIT);
export const snapshotUndo = verb('undo', 'remove a preview, and go back to the newest layer', UNDO);

function verb(how: 'commit' | 'undo', summary: string, details: string): Verb {
  return {
    name: `snapshot ${how}`,
    operands: ['OVERLAY'],
    summary,
    details,
    options: { 'dry-run': { help: 'show what would be removed, and remove nothing' } },
    run: async (invocation) => {
      const request = { overlay: invocation.operands[0] ?? '', how };
      const dry = invocation.flag('dry-run');
      const end = dry
        ? await planPreviewEnd(request, TRUST_ALL)
        : await conducted((conduct) => endPreview(request, TRUST_ALL, conduct));
      print(end, dry, invocation.json);
      return dry && end.refusals.length > 0 ? EXIT.failed : EXIT.fine;
    },
  };
}

function print(end: PreviewEnd, dry: boolean, json: boolean): void {
  const { preview, how, keeps, removes, refusals, cautions } = end;
  const output = new Output();
  if (json) {
    output.json({
      done: !dry,
      how,
      preview,
      keeps,
      removes: removes.map(({ path, fileSize }) => ({ filename: path, fileSize })),
      refusals: refusals.map(findingJson),
      cautions: cautions.map(findingJson),
    });
  } else {
    const verb = dry ? 'would be removed' : 'removed';
    for (const { path, fileSize } of removes) output.line(`${plain(path)}: ${verb} (${formatBytes(fileSize)})`);
    if (removes.length === 0) output.line(dry ? 'Nothing would be removed.' : 'Nothing was removed.');
    for (const finding of [...refusals, ...cautions]) {
      findingLines(finding).forEach((line) => {
        output.line(line);
      });
    }
    if (refusals.length === 0) output.line(`${plain(keeps)} is what the VM is to use${dry ? ' then' : ''}.`);
  }
  output.flush();
}
