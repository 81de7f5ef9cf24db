import { Kind, NOBODY, UNKNOWN_OWNER } from '../core/model';
import type { Lookup, Trace, TraceStep } from '../core/model';
import { formatBytes, formatCount, formatOffset, unitName } from '../core/units';
import { plural } from './format';
import { sharesOf } from './map/cells';
import type { Part } from './map/cells';

/** A piece of a sentence; `strong` for the names in it. */
export interface Piece {
  readonly text: string;
  readonly strong?: boolean;
}

export const SECTOR_BYTES = 512;

/** With a capital letter, unless it starts with a name such as `qcow2` or with a path. */
export const asSentence = (text: string): string =>
  text.replace(/^[a-z](?=[a-z]*[ ,])/, (letter) => letter.toUpperCase());

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  [Kind.Absent]: 'not allocated',
  [Kind.Data]: 'data',
  [Kind.Zero]: 'zero',
  [Kind.ZeroAllocated]: 'zero, space kept',
  [Kind.Compressed]: 'compressed',
  [Kind.Invalid]: 'broken entry',
  [Kind.Unknown]: 'unknown',
};

export const kindName = (kind: number): string => (KIND_NAMES as Readonly<Record<number, string>>)[kind] ?? 'unknown';

export function ownerName(owner: number, names: readonly string[]): string {
  if (owner === NOBODY) return 'nobody';
  return owner === UNKNOWN_OWNER ? 'unknown' : (names[owner] ?? `layer ${owner}`);
}

/** `after-install, compressed`; what nobody owns has no kind worth telling. */
export function partName({ owner, kind }: Pick<Part, 'owner' | 'kind'>, names: readonly string[]): string {
  if (owner === NOBODY) return 'nobody (reads as zero)';
  if (owner === UNKNOWN_OWNER) return 'unknown';
  return kind === Kind.Data ? ownerName(owner, names) : `${ownerName(owner, names)}, ${kindName(kind)}`;
}

/** `after-install 75%, Current, zero 25%`. */
export function mixSentence(parts: readonly Part[], names: readonly string[]): string {
  return sharesOf(parts).map(({ part, share }) => `${partName(part, names)} ${share}`).join(', ');
}

/** What is asked of the layers to name their units, newest first; `grain` in bytes. */
type Grains = readonly { readonly format: string; readonly grain: number }[];

/** The layer's own word; `block` where nothing has a size of its own. */
function unitWord({ depth, lookups, unitStart, unitEnd }: TraceStep, layers: Grains): string {
  const layer = layers[depth];
  if (lookups.length === 0 || !layer) return 'block';
  const word = unitName(layer.format);
  if (unitEnd - unitStart >= layer.grain) return word;
  return layer.format === 'qcow2' ? 'subcluster' : `part of a ${word}`;
}

/** `64 KiB cluster`, `512-byte block`: the unit of the layer that answers, or of the layer looked at first. */
export function unitSentence(trace: Trace, layers: Grains): string {
  const step = trace.steps.find((each) => each.role === 'owner') ?? trace.steps[0];
  if (!step) return 'none';
  const size = formatBytes(step.unitEnd - step.unitStart).replace(/ bytes?$/, '-byte');
  return `${size} ${unitWord(step, layers)}`;
}

/** What is told of the selected block to somebody who does not see it. */
export function blockSentence(trace: Trace, names: readonly string[], layers: Grains): string {
  const place = `${formatOffset(trace.offset)}, ${unitSentence(trace, layers)}`;
  const passed = trace.steps.filter((step) => step.role === 'passed').length;
  if (trace.owner === NOBODY) return `${place}: nobody owns it, it reads as zero.`;
  if (trace.owner === UNKNOWN_OWNER) return `${place}: unknown. ${trace.ended ?? ''}`.trim();
  const way = passed === 0 ? '' : `, found below ${plural(passed, 'newer layer')}`;
  return `${place}: ${kindName(trace.kind)} in ${ownerName(trace.owner, names)}${way}.`;
}

/** What a cell holds, for the live region, when keys chose it. */
export function cellSentence(
  cell: { start: number; end: number; parts: readonly Part[] }, names: readonly string[],
): string {
  const size = `${formatOffset(cell.start)}, ${formatBytes(cell.end - cell.start)}`;
  return cell.parts.length === 0 ? `${size}.` : `${size}: ${mixSentence(cell.parts, names)}.`;
}

const OLDER: Readonly<Partial<Record<number, string>>> = {
  [Kind.Absent]: 'hidden, nothing here',
  [Kind.Data]: 'hidden, holds older data',
  [Kind.Zero]: 'hidden, holds an older zero',
  [Kind.ZeroAllocated]: 'hidden, holds an older zero',
  [Kind.Compressed]: 'hidden, holds older data, compressed',
};

/** `Current: not here`, `after-install: data`, `Base: hidden, holds older data`. */
export function stepSentence(step: TraceStep): string {
  if (step.role === 'hidden') return OLDER[step.kind] ?? `hidden, ${kindName(step.kind)}`;
  if (step.kind === Kind.Absent) return 'not here';
  if (step.kind === Kind.Compressed) return 'data, compressed';
  return step.kind === Kind.Zero || step.kind === Kind.ZeroAllocated ? `reads as ${kindName(step.kind)}`
    : kindName(step.kind);
}

/** `0x8000_0000_8C21_0000`: a raw entry in groups of four, leading zeros kept. */
export function groupEntry(entry: string): string {
  return `0x${entry.replace(/^0x/i, '').replace(/(?<=.)(?=(?:.{4})+$)/g, '_').toUpperCase()}`;
}

const isZeroEntry = (lookup: Lookup): boolean => /^0x0*$/i.test(lookup.entry);

/** `L1[26] → L2[5696]`, and `= 0` where the last entry is empty. */
export function pathSentence(lookups: readonly Lookup[]): string {
  const path = lookups.map((lookup) => `${lookup.table}[${formatIndex(lookup.index)}]`).join(' → ');
  const last = lookups.at(-1);
  return last && isZeroEntry(last) ? `${path} = 0` : path;
}

const formatIndex = (index: number): string => (index < 10_000 ? String(index) : formatCount(index));

const PAST_END = 'past end of file';

/** Why a table is empty that the image does not have: files cut short read as zeros behind their end. */
export function missingTable(lookups: readonly Lookup[]): string | undefined {
  return lookups.some(({ flags }) => flags.includes(PAST_END))
    ? 'its table lies past the end of the file: reads as empty' : undefined;
}

/** The last entry with its flags, where it says something: `0x8000_0000_8C21_0000 · copied`. */
export function entrySentence(lookups: readonly Lookup[]): string | undefined {
  const last = lookups.at(-1);
  const flags = last?.flags.filter((flag) => flag !== PAST_END) ?? [];
  if (!last || (isZeroEntry(last) && flags.length === 0)) return undefined;
  return [...(isZeroEntry(last) ? [] : [groupEntry(last.entry)]), ...flags].join(' · ');
}

/** What a write to this block would do, in one sentence. */
export function writeSentence(trace: Trace, names: readonly string[], layers: Grains): Piece[] {
  const { effect, bytes, reason, copiesFrom } = trace.write;
  const writer: Piece = { text: ownerName(trace.steps[0]?.depth ?? 0, names), strong: true };
  const space = spaceOf(bytes, unitName(layers[trace.steps[0]?.depth ?? 0]?.format ?? ''));
  const because = reason === undefined ? '' : ` (${reason})`;
  switch (effect) {
    case 'in-place':
      return [{ text: 'A write here changes ' }, writer, { text: ` in place; its file does not grow${because}.` }];
    case 'impossible':
      return [{ text: `Nothing can be written here${reason === undefined ? '' : `: ${reason}`}.` }];
    case 'allocate':
      return [{ text: `A write here puts ${space} into ` }, writer, { text: `${because}.` }];
    case 'copy': {
      const start = [{ text: `A write here puts ${space} into ` }, writer];
      const sources = listed((copiesFrom ?? []).map((depth) => ({ text: ownerName(depth, names), strong: true })));
      if (sources.length === 0) return [...start, { text: `${because}.` }];
      const rest = `${because}; what the write does not cover is first copied from `;
      return [...start, { text: rest }, ...sources, { text: '.' }];
    }
  }
}

/** `A`, `A and B`, `A, B and C`. */
const listed = (names: readonly Piece[]): Piece[] => names.flatMap((name, index) => [
  ...(index === 0 ? [] : [{ text: index === names.length - 1 ? ' and ' : ', ' }]), name,
]);

const spaceOf = (bytes: number, unit: string): string => (bytes === 0 ? 'it' : `a new ${formatBytes(bytes)} ${unit}`);

export const plainText = (pieces: readonly Piece[]): string => pieces.map((piece) => piece.text).join('');

/** The whole walk as text, for the clipboard. */
export function traceText(trace: Trace, names: readonly string[], layers: Grains): string {
  const owner = trace.steps.find((step) => step.role === 'owner');
  const lines = [
    `Guest offset  ${formatOffset(trace.offset)} (${formatCount(trace.offset)})`,
    `Sector        ${formatCount(Math.floor(trace.offset / SECTOR_BYTES))}`,
    `Size          ${unitSentence(trace, layers)}`,
    `Owner         ${ownerName(trace.owner, names)}`,
    `Kind          ${kindName(trace.kind)}`,
    ...(owner?.hostOffset === undefined ? []
      : [`In file at    ${formatOffset(owner.hostOffset)} of ${owner.holder ?? owner.filename}`]),
    '',
    'How a read gets there',
  ];
  for (const step of trace.steps) {
    lines.push(`  ${step.role === 'owner' ? '●' : '○'} ${ownerName(step.depth, names)}: ${stepSentence(step)}`);
    for (const { table, index, entry, entryOffset, flags } of step.lookups) {
      const told = flags.length > 0 ? ` (${flags.join(', ')})` : '';
      lines.push(`      ${table}[${index}] = ${entry}${told} at ${formatOffset(entryOffset)} of ${step.filename}`);
    }
    const missing = missingTable(step.lookups);
    if (missing !== undefined) lines.push(`      ${missing}`);
  }
  if (trace.ended !== undefined) lines.push(`  ${trace.ended}`);
  return [...lines, '', plainText(writeSentence(trace, names, layers)), ''].join('\n');
}
