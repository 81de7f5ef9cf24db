import * as path from 'node:path';
import { faultsFound } from '../../core';
import type { Repaired, RepairMode } from '../../core';
import { TRUST_ALL } from '../../node/gate';
import { commandText } from '../../node/qemuImg';
import { planRepair, repair as mend, undoRepair } from '../../node/snapshots/repair';
import { conducted, TOOL_OPTIONS, toolOf } from '../conduct';
import { Output } from '../output';
import { plain } from '../text';
import type { ExitCode, Invocation, Verb } from '../verb';
import { EXIT, UsageError } from '../verb';

const DETAILS = `
Has "qemu-img check -r" mend an image that nobody uses: --mode leaks gives back clusters that are counted and that
nothing refers to, which no guest can notice; --mode all mends tables as well, as far as that can be: what was lost
stays lost, and a guest may then read zeros where there was nonsense.

First all parts of the image that this may change are kept, in a file IMAGE.before-repair beside it that takes no more
space than these; what it is stands in IMAGE.before-repair.json. --undo COPY puts them back and removes the copy: the
image is then what it was, byte for byte. That is refused once the image has been written to again.

With --output json: { image, mode, kept, before: { corruptions, leaks }, after: { corruptions, leaks } }, kept being
null where nothing was changed; with --dry-run { image, command }; with --undo { image, restored }.

Exit code 1 where something is still wrong afterwards.
`;

export const repair: Verb = {
  name: 'repair',
  operands: ['IMAGE'],
  summary: 'has qemu-img mend an image, what it changes kept first',
  details: DETAILS,
  options: {
    mode: { value: 'leaks|all', help: 'what to mend' },
    undo: { value: 'COPY', help: 'put back what an earlier repair has kept' },
    'dry-run': { help: 'check that it can be done and tell the command, but write nothing' },
    ...TOOL_OPTIONS,
  },
  run: (invocation) => {
    const [image = ''] = invocation.operands;
    const [mode, copy] = [invocation.value('mode'), invocation.value('undo')];
    if (copy !== undefined) {
      if (mode !== undefined) throw new UsageError('--undo goes without --mode');
      return undo(invocation, image, copy);
    }
    if (mode !== 'leaks' && mode !== 'all') {
      throw new UsageError(
        mode === undefined ? '--mode leaks or --mode all is needed' : `--mode is leaks or all, not "${mode}"`,
      );
    }
    return invocation.flag('dry-run') ? tellPlan(invocation, image, mode) : run(invocation, image, mode);
  },
};

const faultsOf = (faults: Repaired['before']): string | undefined =>
  faultsFound({ ...faults, checkErrors: 0, further: 0 });

const shortened = (file: string): string => plain(path.relative(process.cwd(), file) || file);

async function run(invocation: Invocation, image: string, mode: RepairMode): Promise<ExitCode> {
  const tool = await toolOf(invocation);
  const done = await conducted((conduct) => mend({ image, mode }, tool, TRUST_ALL, conduct));
  const output = new Output();
  const { before, after, kept } = done;
  const name = shortened(done.image);
  const left = faultsOf(after);
  if (invocation.json) output.json({ ...done, kept: kept ?? null });
  else if (kept === undefined) {
    output.line(
      left === undefined
        ? `${name}: nothing is wrong, and nothing was changed.`
        : `${name} has ${left}, and nothing was changed: qemu-img can't mend that. vmdisk check tells what it is.`,
    );
  } else {
    output.line(`${name} had ${faultsOf(before) ?? 'marks to clear'}; it has ${left ?? 'nothing that is wrong'} now.`);
    if (left !== undefined) output.line(`What is left qemu-img can't mend in this way: vmdisk check tells what it is.`);
    output.line(`What was changed is kept in ${shortened(kept)}, and its ranges in ${shortened(kept)}.json.`);
    output.line(`Remove both once all is well. To go back: vmdisk repair ${name} --undo ${shortened(kept)}`);
  }
  output.flush();
  return left === undefined ? EXIT.fine : EXIT.failed;
}

async function tellPlan(invocation: Invocation, image: string, mode: RepairMode): Promise<ExitCode> {
  const command = await planRepair({ image, mode }, TRUST_ALL);
  const output = new Output();
  const commandLine = commandText(command.args);
  if (invocation.json) output.json({ image, command: { ...command, commandLine } });
  else {
    output.line(plain(command.what));
    output.line(`  ${plain(commandLine)}`);
  }
  output.flush();
  return EXIT.fine;
}

async function undo(invocation: Invocation, image: string, copy: string): Promise<ExitCode> {
  await conducted((conduct) => undoRepair(image, copy, conduct));
  const output = new Output();
  if (invocation.json) output.json({ image, restored: copy });
  else output.line(`${plain(image)} is what it was before the repair; ${plain(copy)} is removed.`);
  output.flush();
  return EXIT.fine;
}
