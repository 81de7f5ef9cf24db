import { TRUST_ALL } from '../../../node/gate';
import { startPreview } from '../../../node/snapshots/preview';
import { findingLines } from '../../findings';
import { Output } from '../../output';
import { ourCommand, plain } from '../../text';
import type { Verb } from '../../verb';
import { EXIT } from '../../verb';
import { createdJson } from './create';

const DETAILS = `
Puts a fresh overlay on LAYER, one of the layers that LEAF stands on: the disk as it was when the next layer was
made. Let the VM use that overlay to look at it; nothing that is there already changes, and LEAF stays.

Then choose: "snapshot undo OVERLAY" removes the overlay and goes back to LEAF; "snapshot commit OVERLAY" keeps it
and removes what is newer than LAYER. A note beside the overlay remembers what it is a preview of.
`;

export const snapshotPreview: Verb = {
  name: 'snapshot preview',
  operands: ['LEAF', 'LAYER'],
  summary: 'look at an older layer, in an overlay that can be thrown away',
  details: DETAILS,
  options: { overlay: { value: 'FILE', help: 'the overlay to make; a free name beside LAYER when left out' } },
  run: async (invocation) => {
    const [leaf = '', of = ''] = invocation.operands;
    const { preview, created } = await startPreview({ leaf, of, overlay: invocation.value('overlay') }, TRUST_ALL);
    const output = new Output();
    if (invocation.json) output.json({ ...preview, created: createdJson(created) });
    else {
      output.line(`${plain(preview.overlay)}: a preview of ${plain(preview.of)}. Let the VM use it.`);
      output.line(`To go back to ${plain(preview.leaf)}: ${ourCommand('snapshot', 'undo', preview.overlay)}`);
      output.line(`To keep the preview: ${ourCommand('snapshot', 'commit', preview.overlay)}`);
      for (const finding of created.findings)
        findingLines(finding).forEach((line) => {
          output.line(line);
        });
    }
    output.flush();
    return EXIT.fine;
  },
};
