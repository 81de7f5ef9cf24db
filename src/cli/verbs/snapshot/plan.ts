import { planDelete } from '../../../node/snapshots/delete';
import type { DeleteRequest } from '../../../node/snapshots/delete';
import { planInternal } from '../../../node/snapshots/internal';
import { TRUST_ALL } from '../../../node/gate';
import { commandText } from '../../../node/qemuImg';
import { conducted } from '../../conduct';
import { Output } from '../../output';
import { plain } from '../../text';
import type { ExitCode, Invocation, OptionSpec, Verb } from '../../verb';
import { EXIT, UsageError } from '../../verb';
import { planJson, writePlan } from './planText';

export const DELETE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  snapshot: { value: 'NAME|ID', help: 'that internal snapshot of the image, not the layer' },
  direction: {
    value: 'commit|pull',
    help: 'down into its parent, or up into what stands on it; the better one when left out',
  },
  exact: { help: 'read as much as it takes to tell what is really moved, however much' },
  'look-in': { value: 'FOLDER', help: 'look for images that stand on it in this folder too' },
};

const DETAILS = `
Tells what deleting the layer IMAGE would do, and writes nothing: which way its data goes, how much is moved, the room
that takes, what comes free in the end and why, which other images stand on it, and each step with its command.

With --snapshot NAME it is about that internal snapshot of IMAGE.

With --output json the plan: { image, parent, direction, moves: [ { into, bytes, growth } ], bytesToMove, exact,
space: [ { folder, needed, free } ], freed, why, standing, leaves, steps, refusals, cautions }; direction is null
where it is refused. All sizes are bytes.

Exit code 1 where it is refused.
`;

export const snapshotPlan: Verb = {
  name: 'snapshot plan',
  operands: ['IMAGE'],
  summary: 'what deleting a layer would move, need, free and break',
  details: DETAILS,
  options: DELETE_OPTIONS,
  run: tellPlan,
};

/** The plan of `snapshot plan`, and of `snapshot delete --dry-run`. */
export async function tellPlan(invocation: Invocation): Promise<ExitCode> {
  const [image = ''] = invocation.operands;
  const snapshot = invocation.value('snapshot');
  if (snapshot !== undefined) return planSnapshot(invocation, image, snapshot);
  const drawn = await conducted((conduct) => planDelete(deleteRequest(invocation), TRUST_ALL, conduct));
  const output = new Output();
  if (invocation.json) output.json(planJson(drawn));
  else writePlan(output, drawn);
  output.flush();
  return drawn.direction === undefined ? EXIT.failed : EXIT.fine;
}

/** @throws UsageError */
export function deleteRequest(invocation: Invocation): DeleteRequest {
  const [image = ''] = invocation.operands;
  const direction = invocation.value('direction');
  if (direction !== undefined && direction !== 'commit' && direction !== 'pull') {
    throw new UsageError(`--direction is commit or pull, not "${direction}"`);
  }
  if (invocation.value('format') !== undefined) {
    throw new UsageError('--format is not for this verb: what stands on an image says what it is');
  }
  const folder = invocation.value('look-in');
  return { image, direction, exact: invocation.flag('exact'), folders: folder === undefined ? [] : [folder] };
}

async function planSnapshot(invocation: Invocation, image: string, name: string): Promise<ExitCode> {
  const command = await planInternal({ image, action: 'delete', name }, TRUST_ALL);
  const output = new Output();
  if (invocation.json)
    output.json({ image, snapshot: name, command: { ...command, commandLine: commandText(command.args) } });
  else {
    output.line(plain(command.what));
    output.line(`  ${plain(commandText(command.args))}`);
  }
  output.flush();
  return EXIT.fine;
}
