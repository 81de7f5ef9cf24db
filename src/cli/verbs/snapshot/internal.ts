import { TRUST_ALL } from '../../../node/gate';
import { commandText } from '../../../node/qemuImg';
import { internalSnapshot, planInternal } from '../../../node/snapshots/internal';
import type { InternalRequest } from '../../../core';
import { conducted, TOOL_OPTIONS, toolOf } from '../../conduct';
import { Output } from '../../output';
import { plain } from '../../text';
import type { Invocation, Verb } from '../../verb';
import { EXIT } from '../../verb';

const CREATE = `
Keeps the current state of the disk inside IMAGE, a qcow2 image, as the internal snapshot NAME. It is qemu-img that
does it; the command is told. IMAGE must not be in use. The snapshot is read afterwards, and must be what the disk is.
`;

const APPLY = `
Puts the disk back to the internal snapshot NAME (or its id) of IMAGE: what was written since is lost. It is qemu-img
that does it; the command is told. IMAGE must not be in use, and nothing may stand on it. The disk is read afterwards,
and must be what the snapshot was.
`;

const DRY_RUN = { 'dry-run': { help: 'show the command, and run nothing' } };

export const snapshotCreateInternal: Verb = {
  name: 'snapshot create-internal',
  operands: ['IMAGE', 'NAME'],
  summary: 'keep the current state inside a qcow2 image, by qemu-img',
  details: CREATE,
  options: { ...TOOL_OPTIONS, ...DRY_RUN },
  run: (invocation) => runInternal(invocation, 'create', invocation.operands[1] ?? ''),
};

export const snapshotApply: Verb = {
  name: 'snapshot apply',
  operands: ['IMAGE', 'NAME'],
  summary: 'put a qcow2 image back to one of its internal snapshots, by qemu-img',
  details: APPLY,
  options: { ...TOOL_OPTIONS, ...DRY_RUN },
  run: (invocation) => runInternal(invocation, 'apply', invocation.operands[1] ?? ''),
};

const DONE: Readonly<Record<InternalRequest['action'], string>> = {
  create: 'kept as',
  apply: 'put back to',
  delete: 'deleted:',
};

const VERIFIED: Readonly<Record<InternalRequest['action'], string>> = {
  create: 'The snapshot was read and is as the disk',
  apply: 'The disk was read and is as the snapshot',
  delete: 'All that is left was read and is as before',
};

/** Runs, or with `--dry-run` shows, what is done to the internal snapshot `name` of the first operand. */
export async function runInternal(
  invocation: Invocation,
  action: InternalRequest['action'],
  name: string,
): Promise<number> {
  const request: InternalRequest = { image: invocation.operands[0] ?? '', action, name };
  const dry = invocation.flag('dry-run');
  const output = new Output();
  if (dry) {
    const { args, what } = await planInternal(request, TRUST_ALL);
    if (invocation.json) output.json({ done: false, ...request, command: ['qemu-img', ...args], what });
    else {
      output.line(plain(commandText(args)));
      output.line(plain(what));
    }
  } else {
    const tool = await toolOf(invocation);
    await conducted((conduct) => internalSnapshot(request, tool, TRUST_ALL, conduct));
    if (invocation.json) output.json({ done: true, ...request });
    else output.line(`${plain(request.image)}: ${DONE[action]} "${plain(name)}". ${VERIFIED[action]}.`);
  }
  output.flush();
  return EXIT.fine;
}
