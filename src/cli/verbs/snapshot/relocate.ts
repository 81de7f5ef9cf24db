import * as path from 'node:path';
import type { ParentCandidate, RelocateRequest } from '../../../core';
import { DiskError, formatBytes } from '../../../core';
import { TRUST_ALL } from '../../../node/gate';
import { commandText } from '../../../node/qemuImg';
import type { MissesParent } from '../../../node/snapshots/relocate';
import {
  findCandidates,
  judgeParent,
  missesParent,
  planRelocate,
  putBackHeader,
  relocateParent,
} from '../../../node/snapshots/relocate';
import { conducted, TOOL_OPTIONS, toolOf } from '../../conduct';
import { findingLines } from '../../findings';
import { Output } from '../../output';
import { ourCommand, paint, plain } from '../../text';
import type { ExitCode, Invocation, Verb } from '../../verb';
import { EXIT, UsageError } from '../../verb';

const DETAILS = `
Mends a chain whose parent was moved or renamed. Without --parent it lists the files that may be the parent of IMAGE,
best first, and says for each how sure that is and why: its size, format, name and times, and whether its content
fits what the overlay holds itself, such as a copy of its file system's superblock. Nothing is written.

It looks in the folder of the image, in the one where the parent is said to be and those beside it, and in the one
given by --look-in with what is below it. Of a chain that is broken further down, the image that misses its parent is
found and told.

With --parent it has qemu-img write the name of that file into the header, and nothing else. The old header is kept
beside the image until the whole chain was opened and read. Should that be cut off, --restore puts the kept one back.

With --output json the candidates: { image, candidates: [ { path, format, guestSize, certainty, score, evidence:
[ { speaks, what } ] } ] }; with --parent { image, before, backing, backingFormat }; with --dry-run
{ image, command }; with --restore { image, backing }.
`;

export const snapshotRelocate: Verb = {
  name: 'snapshot relocate',
  operands: ['IMAGE'],
  summary: 'looks for the parent that an image misses, and names it anew',
  details: DETAILS,
  options: {
    parent: { value: 'PATH', help: 'the file that IMAGE is to stand on' },
    'parent-format': { value: 'FORMAT', help: 'its format; as IMAGE says, or else probed, when left out' },
    absolute: { help: 'write its whole path, not the one from the folder of IMAGE' },
    'dry-run': { help: 'check that it can be done and tell the command, but write nothing' },
    'look-in': { value: 'FOLDER', help: 'look for candidates in this folder too, and below it' },
    restore: { help: 'put back the header that an earlier run has kept' },
    ...TOOL_OPTIONS,
  },
  run: (invocation) => {
    const [image = ''] = invocation.operands;
    const parent = invocation.value('parent');
    if (invocation.flag('restore')) {
      if (parent !== undefined) throw new UsageError('--restore goes without --parent');
      return restore(invocation, image);
    }
    if (parent === undefined) {
      for (const option of ['absolute', 'dry-run'] as const) {
        if (invocation.flag(option)) throw new UsageError(`--${option} goes with --parent`);
      }
      return list(invocation, image);
    }
    const parentFormat = invocation.value('parent-format');
    const request = { image, parent, parentFormat, absolute: invocation.flag('absolute') };
    return invocation.flag('dry-run') ? tellPlan(invocation, request) : run(invocation, request);
  },
};

async function list(invocation: Invocation, image: string): Promise<ExitCode> {
  const folder = invocation.value('look-in');
  const folders = folder === undefined ? [] : [folder];
  const orphan = missesParent(image, TRUST_ALL);
  const candidates = await conducted((conduct) => findCandidates(image, folders, TRUST_ALL, conduct));
  const output = new Output();
  if (invocation.json) output.json({ image: orphan.path, candidates });
  else for (const line of candidateLines(orphan, candidates)) output.line(line);
  output.flush();
  return EXIT.fine;
}

const shortened = (file: string): string => {
  const relative = path.relative(process.cwd(), file);
  return plain(relative === '' || relative.startsWith(`..${path.sep}..`) ? file : relative);
};

function candidateLines(orphan: MissesParent, candidates: readonly ParentCandidate[]): string[] {
  const { path: image, isWhole, canBeNamed, written } = orphan;
  const whole = `${shortened(image)} misses no parent: its whole chain can be opened.`;
  if (candidates.length === 0 && isWhole) return [whole];
  if (candidates.length === 0) {
    return [
      `${shortened(image)}: no file was found that may be its parent. Look elsewhere with --look-in FOLDER${canBeNamed ? ', or name it with --parent PATH' : ''}.`,
    ];
  }
  return [
    ...(isWhole ? [whole] : []),
    `${paint('bold', shortened(image))} may stand on:`,
    ...candidates.flatMap(({ path: file, format, guestSize, certainty, evidence, damaged }) => [
      '',
      `${paint(STYLE[certainty], certainty.padEnd(8))}  ${shortened(file)}  ${formatBytes(guestSize)}, ${format}${damaged ? ', damaged' : ''}`,
      ...evidence.map(({ speaks, what }) => `          ${speaks === 'for' ? '+' : '-'} ${plain(what)}`),
    ]),
    '',
    canBeNamed
      ? `To take one of them: ${ourCommand('snapshot', 'relocate', image, '--parent')} FILE`
      : `Only of a qcow2 image the name of its parent is changed: put the parent back where this one looks for it, ${plain(written)}`,
  ];
}
const STYLE = { certain: 'green', likely: 'green', possible: 'yellow', unlikely: 'red' } as const;

async function tellPlan(invocation: Invocation, request: RelocateRequest): Promise<ExitCode> {
  const judged = await conducted((conduct) => judgeParent(request, TRUST_ALL, conduct));
  const command = await planRelocate(request, TRUST_ALL);
  const output = new Output();
  const commandLine = commandText(command.args);
  if (invocation.json) output.json({ image: command.args.at(-1), command: { ...command, commandLine } });
  else {
    output.line(plain(command.what));
    output.line(`  ${plain(commandLine)}`);
    for (const line of doubtLines(judged)) output.line(line);
  }
  output.flush();
  return EXIT.fine;
}

/** What a person has to know who has chosen a file that is hardly the parent. */
function doubtLines(judged: ParentCandidate | undefined): string[] {
  if (judged?.certainty !== 'unlikely') return [];
  const against = judged.evidence.filter(({ speaks }) => speaks === 'against').map(({ what }) => what);
  return findingLines({
    code: 'parent-unlikely',
    severity: 'warning',
    message: `it is unlikely that ${judged.path} is the right parent: ${against.join('; ')}`,
    advice:
      'On a wrong parent the guest reads garbage, and damages its disk if it writes. Make sure before a VM starts.',
  });
}

async function run(invocation: Invocation, request: RelocateRequest): Promise<ExitCode> {
  const tool = await toolOf(invocation);
  const judged = await conducted((conduct) => judgeParent(request, TRUST_ALL, conduct));
  const done = await conducted((conduct) => relocateParent(request, tool, TRUST_ALL, conduct));
  const output = new Output();
  if (invocation.json) output.json(done);
  else {
    output.line(`${shortened(done.image)} stands on ${plain(done.backing)} (${done.backingFormat}) now.`);
    output.line(`It named ${plain(done.before ?? 'nothing')} before. The whole chain can be opened.`);
    for (const line of doubtLines(judged)) output.line(line);
  }
  output.flush();
  return EXIT.fine;
}

async function restore(invocation: Invocation, image: string): Promise<ExitCode> {
  const backing = await putBackHeader(image);
  if (backing === undefined) throw new DiskError('corrupt', 'the kept header names no parent', { file: image });
  const output = new Output();
  if (invocation.json) output.json({ image, backing });
  else output.line(`${shortened(image)} has its old header again: it names ${plain(backing)}.`);
  output.flush();
  return EXIT.fine;
}
