import * as path from 'node:path';
import type { DeletePlan } from '../../../core';
import { formatBytes } from '../../../core';
import { TRUST_ALL } from '../../../node/gate';
import { deleteLayer } from '../../../node/snapshots/delete';
import { internalSnapshot } from '../../../node/snapshots/internal';
import { conducted, TOOL_OPTIONS, toolOf } from '../../conduct';
import { findingSentence } from '../../findings';
import { Output, tell } from '../../output';
import { plain } from '../../text';
import type { ExitCode, Invocation, Verb } from '../../verb';
import { EXIT } from '../../verb';
import { DELETE_OPTIONS, deleteRequest, tellPlan } from './plan';

const DETAILS = `
Deletes the layer IMAGE: its data goes down into its parent or up into what stands on it, whichever is the better way;
vmdisk snapshot plan tells which. The work on images is qemu-img's; each command is told before it runs. Before the
file is removed every newest image that stands on it is read again: it must read as before, or nothing is removed.

It is refused where another image would read otherwise, and while any of the images is in use. What was cut off is
finished by running the same again.

With --snapshot NAME that internal snapshot of IMAGE is deleted instead.

Of a newest layer, on which nothing stands, the data goes down: its parent is what the VM has to use from then on.

With --output json: { image, direction, freed, verified, heir? }; heir is that parent.
`;

export const snapshotDelete: Verb = {
  name: 'snapshot delete',
  operands: ['IMAGE'],
  summary: 'deletes a layer, its data kept for what stands on it',
  details: DETAILS,
  options: {
    ...DELETE_OPTIONS,
    'dry-run': { help: 'show the plan, as snapshot plan does, and do nothing' },
    ...TOOL_OPTIONS,
  },
  run: async (invocation) => {
    if (invocation.flag('dry-run')) return tellPlan(invocation);
    const snapshot = invocation.value('snapshot');
    if (snapshot !== undefined) return deleteSnapshot(invocation, snapshot);
    const request = deleteRequest(invocation);
    const tool = await toolOf(invocation);
    const done = await conducted((conduct) => deleteLayer(request, tool, TRUST_ALL, conduct, tellCautions));
    const output = new Output();
    if (invocation.json) output.json(done);
    else {
      const name = (file: string): string => plain(path.relative(process.cwd(), file) || file);
      output.line(`${name(done.image)} is deleted.`);
      const change =
        done.freed >= 0 ? `${formatBytes(done.freed)} came free` : `${formatBytes(-done.freed)} more are taken`;
      if (done.heir === undefined) {
        output.line(`${change}. Verified to read as before: ${done.verified.map(name).join(', ')}.`);
      } else output.line(`${change}. ${name(done.heir)} reads as it did: let the VM use that one from now on.`);
    }
    output.flush();
    return EXIT.fine;
  },
};

/** What a person who did not ask for the plan has to know all the same. */
function tellCautions({ cautions }: DeletePlan): void {
  for (const caution of cautions) if (caution.severity !== 'info') tell(findingSentence(caution));
}

async function deleteSnapshot(invocation: Invocation, name: string): Promise<ExitCode> {
  const [image = ''] = invocation.operands;
  const tool = await toolOf(invocation);
  await conducted((conduct) => internalSnapshot({ image, action: 'delete', name }, tool, TRUST_ALL, conduct));
  const output = new Output();
  if (invocation.json) output.json({ image, snapshot: name });
  else output.line(`The snapshot ${plain(name)} of ${plain(image)} is deleted.`);
  output.flush();
  return EXIT.fine;
}
