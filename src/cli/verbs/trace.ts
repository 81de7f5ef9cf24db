import * as path from 'node:path';
import type { LayerTrace, Lookup, Trace, TraceStep } from '../../core';
import { formatBytes, formatCount, formatOffset, Kind, NOBODY, parseOffset } from '../../core';
import { SNAPSHOT_OPTION } from '../args';
import type { OpenImage } from '../image';
import { openImage } from '../image';
import { Output } from '../output';
import type { Column } from '../text';
import { indent, paint, plain, table } from '../text';
import type { Verb } from '../verb';
import { EXIT, UsageError } from '../verb';

const SECTOR = 512;

const DETAILS = `
Walks the way of a read of one byte of the guest's disk: from the newest layer down to the one that answers,
with each table that is looked at, its entry and flags; then says what a write to that byte would do.

OFFSET counts in bytes, or with a unit: 4096, 0x1000, 1M, 3GiB, 8s (sectors of 512 bytes).

With --output json: { offset, owner, steps: [ { depth, filename, outcome, lookups: [ { table, index, entryOffset,
entry, flags } ], hostOffset, hostFile } ], write: { effect, bytes, reason, copiesFrom } }. owner is a depth, or null
where no layer answers. hostFile is there where hostOffset is one of another file than the image. What deeper layers
hold for that byte without being asked is in "hidden", in the shape of steps.
`;

export const trace: Verb = {
  name: 'trace',
  operands: ['IMAGE', 'OFFSET'],
  summary: 'how a read of one byte walks down to its owner, and what a write would do',
  details: DETAILS,
  options: SNAPSHOT_OPTION,
  run: (invocation) => {
    const [file = '', text = ''] = invocation.operands;
    const offset = parseOffset(text);
    if (offset === undefined) throw new UsageError(`"${text}" is no offset: 4096, 0x1000, 1M, 3GiB and 8s are`);
    const image = openImage(invocation, file);
    const answer = image.session.trace(offset);
    const output = new Output();
    if (invocation.json) output.json(traceJson(image, answer));
    else
      humanLines(image, answer).forEach((line) => {
        output.line(line);
      });
    output.flush();
    return EXIT.fine;
  },
};

// ---------------------------------------------------------------------------------------------

const OUTCOME = {
  [Kind.Absent]: 'absent',
  [Kind.Data]: 'data',
  [Kind.Zero]: 'zero',
  [Kind.ZeroAllocated]: 'zero',
  [Kind.Compressed]: 'compressed',
  [Kind.Invalid]: 'unknown',
  [Kind.Unknown]: 'unknown',
} as const;

function traceJson({ names }: OpenImage, { offset, owner, steps, ended, write }: Trace): Record<string, unknown> {
  const step = ({ depth, kind, lookups, hostOffset, holder }: TraceStep): Record<string, unknown> => ({
    depth,
    filename: names[depth],
    outcome: OUTCOME[kind],
    ...(kind === Kind.Invalid ? { invalid: true } : {}),
    lookups,
    ...(hostOffset === undefined ? {} : { hostOffset }),
    ...(holder === undefined ? {} : { hostFile: holder }),
  });
  const hidden = steps.filter(({ role }) => role === 'hidden').map(step);
  return {
    offset,
    owner: owner < 0 ? null : owner,
    ...(ended === undefined ? {} : { ended }),
    steps: steps.filter(({ role }) => role !== 'hidden').map(step),
    ...(hidden.length === 0 ? {} : { hidden }),
    write,
  };
}

// ---------------------------------------------------------------------------------------------

function humanLines({ session, titles }: OpenImage, answer: Trace): string[] {
  const { offset, steps, ended } = answer;
  const name = (depth: number): string => titles[depth] ?? '';
  const state = session.view.id === '' ? '' : ` at snapshot ${plain(session.view.name)}`;
  const sector = `${offset % SECTOR === 0 ? '' : 'in '}sector ${formatCount(Math.floor(offset / SECTOR))}`;
  const place = `Byte ${paint('bold', formatOffset(offset))} (${formatCount(offset)}, ${sector}) of ${name(0)}${state}`;
  return [
    `${place} ${verdict(answer, name)}`,
    '',
    ...steps.flatMap((step) => stepLines(step, name(step.depth))),
    ...(ended === undefined ? [] : [`${paint('red', BROKEN)}    ${plain(ended)}`]),
    '',
    writeSentence(answer, name),
  ];
}

function verdict({ owner, kind }: Trace, name: (depth: number) => string): string {
  if (owner === NOBODY) return 'is in no layer: it reads as zero';
  if (owner < 0) return "can't be known";
  return `is answered by layer ${owner}, ${name(owner)}${kind === Kind.Invalid ? ', whose table is broken there' : ''}`;
}

/** Hollow: not here, look below. Filled: found. Dotted: not asked any more. */
const MARK = { passed: '○', owner: '●', hidden: '◌' } as const;
const BROKEN = '×';

function markOf({ role, kind }: TraceStep): string {
  if (role !== 'owner') return MARK[role];
  return kind === Kind.Unknown || kind === Kind.Invalid ? paint('red', BROKEN) : paint('green', MARK.owner);
}

function stepLines(step: TraceStep, name: string): string[] {
  const { depth, role, lookups } = step;
  const title = role === 'owner' ? paint('bold', name) : name;
  const line = `${markOf(step)} ${String(depth).padEnd(2)} ${title}  ${stepWords(step)}`;
  const rail = role === 'passed' ? '│' : ' ';
  return [
    role === 'hidden' ? paint('dim', line) : line,
    ...indent(lookupLines(lookups), `${rail}      `).map((text) => paint('dim', text)),
  ];
}

const LOOKUP_COLUMNS: readonly Column[] = [
  { title: '' },
  { title: '' },
  { title: '', align: 'right' },
  { title: '' },
  { title: '' },
];

function lookupLines(lookups: readonly Lookup[]): string[] {
  if (lookups.length === 0) return [];
  const rows = lookups.map(({ table: name, index, entryOffset, entry, flags }) => {
    return [`${name}[${index}]`, 'at', formatOffset(entryOffset), entry, flags.join(', ')];
  });
  return table(LOOKUP_COLUMNS, rows).slice(1);
}

function stepWords(step: TraceStep): string {
  const { kind, hostOffset, holder, role } = step;
  const file = holder === undefined ? 'the file' : plain(path.basename(holder));
  const at = hostOffset === undefined ? '' : ` at ${formatOffset(hostOffset)} of ${file}`;
  const words: Readonly<Record<Kind, string>> = {
    [Kind.Absent]: hostOffset === undefined ? 'not here' : `not here, though space is kept${at}`,
    [Kind.Data]: `data${at}`,
    [Kind.Zero]: hostOffset === undefined ? 'zero: this layer says so' : `zero: a hole${at}`,
    [Kind.ZeroAllocated]: `zero: this layer says so, and keeps space${at}`,
    [Kind.Compressed]: `compressed into ${formatBytes(step.compressedLength ?? 0)}${at}`,
    [Kind.Invalid]: hostOffset === undefined ? 'the table entry is broken' : `past the end of its file${at}`,
    [Kind.Unknown]: 'the table could not be read',
  };
  const unit = kind === Kind.Absent || step.lookups.length === 0 ? '' : `, ${unitWords(step)}`;
  return `${words[kind]}${unit}${role === 'hidden' && kind !== Kind.Absent ? ' (hidden)' : ''}`;
}

const unitWords = ({ unitStart, unitEnd }: LayerTrace): string =>
  `for guest bytes ${formatOffset(unitStart)} to ${formatOffset(unitEnd)}`;

/** What a write to that byte would do, in one sentence. */
function writeSentence({ write, steps }: Trace, name: (depth: number) => string): string {
  const depth = steps[0]?.depth ?? 0;
  const file = name(depth);
  const reason = write.reason === undefined ? '' : ` (${write.reason})`;
  const space = `${formatBytes(write.bytes)} of new space in ${file}`;
  const sources = (write.copiesFrom ?? []).map((from) => `layer ${from}${compressedNote(steps, from)}`);
  const rest = sources.length === 0 ? '' : `, and the rest of that piece is copied there from ${sources.join(' and ')}`;
  switch (write.effect) {
    case 'in-place':
      return `A write there goes in place into ${file}${reason}: no new space.`;
    case 'allocate':
      return `A write there takes ${space}${reason}.`;
    case 'copy':
      return write.bytes === 0
        ? `A write there goes into space that ${file} has already${reason}${rest}.`
        : `A write there takes ${space}${reason}${rest}.`;
    case 'impossible':
      return `A write there is impossible${reason}.`;
  }
}

function compressedNote(steps: readonly TraceStep[], depth: number): string {
  return steps.find((step) => step.depth === depth)?.kind === Kind.Compressed ? ', decompressed' : '';
}
