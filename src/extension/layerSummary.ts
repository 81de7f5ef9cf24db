import { lostBytes } from '../core/lost';
import type { Fact, Finding, LayerAccount } from '../core/model';
import type { LayerStory } from '../core/snapshots/model';
import { formatBytes, formatCount, formatName } from '../core/units';
import type { ImageSummary, LayerSummary, SurveyedImage } from '../protocol/image';
import { snapshotStory } from '../protocol/story';
import { code, formatMoment, plain } from './text';

const COLUMNS = ['Depth', 'Layer', 'Format', 'File', 'Owns', 'Hidden', 'Changed'];

/** What “Copy Layer Summary” puts on the clipboard: Markdown that reads well as plain text, fit for a ticket. */
export function chainSummary(summary: ImageSummary, picked: number | null): string {
  const { layers, accounting, end, standpoint } = summary;
  const rows = layers.map((layer) => {
    const account = accounting?.layers[layer.depth];
    return row([
      String(layer.depth),
      escaped(layer.label ?? layer.fileName),
      escaped(formatName(layer.format)),
      formatBytes(layer.fileSize),
      account ? formatBytes(account.owned) : '',
      account ? formatBytes(account.shadowed) : '',
      layer.modified === undefined ? '' : formatMoment(layer.modified),
    ]);
  });
  const from = standpointText(summary);
  const rest = [
    accounting && accounting.nobody > 0 ? nobodyText(summary, accounting.nobody) : '',
    accounting && accounting.unknown > 0 ? `${formatBytes(accounting.unknown)} unknown` : '',
  ].filter(Boolean);
  const layer = picked === null ? undefined : layers[picked];
  return paragraphs(
    `### ${escaped(layers[0]?.fileName ?? summary.path)}`,
    `${formatBytes(summary.guestSize)} disk in ${layers.length} layer${layers.length === 1 ? '' : 's'}, newest first` +
      (standpoint.depth === 0 && standpoint.view === '' ? '' : `; numbers as of ${from}`),
    [row(COLUMNS), row(COLUMNS.map(() => '---')), ...rows].join('\n'),
    end.kind === 'base' ? '' : `**The chain is broken (${end.kind}):** ${escaped(end.message)}`,
    rest.length === 0 ? '' : `${rest.join(' · ')}${summary.scan === 'complete' ? '' : ' (still being read)'}`,
    ...(layer ? details(layer, accounting?.layers[layer.depth]) : []),
    problems(layers),
  );
}

function nobodyText({ layers, standpoint }: ImageSummary, nobody: number): string {
  const lost = lostBytes(
    layers.slice(standpoint.depth).flatMap(({ findings }) => findings),
    nobody,
  );
  const lostOf = lost === 0 ? '' : `, up to ${formatBytes(lost)} of it unknown since tables are lost`;
  return `${formatBytes(nobody)} held by no layer, reads as zero${lostOf}`;
}

/** The same for one image of the tree. */
export function imageSummary(image: SurveyedImage): string {
  const accounts = Object.values(image.accounts ?? {});
  return paragraphs(...details(image, accounts.length === 1 ? accounts[0] : undefined), problems([image]));
}

function standpointText({ layers, standpoint }: ImageSummary): string {
  const layer = layers[standpoint.depth];
  const view = layer?.views.find(({ id }) => id === standpoint.view);
  const name = escaped(layer?.label ?? layer?.fileName ?? '');
  return standpoint.view === '' ? name : `snapshot ${escaped(view?.name ?? standpoint.view)} of ${name}`;
}

function details(layer: Omit<LayerSummary, 'depth'>, account: LayerAccount | undefined): string[] {
  const facts: readonly (readonly [string, string])[] = [
    ['File', code(layer.path)],
    ...storyFacts(layer.story),
    ['Format', escaped(formatName(layer.format))],
    ['Disk', bytes(layer.guestSize)],
    ['File size', bytes(layer.fileSize)],
    ...(layer.diskUsage === undefined ? [] : [['On the host', bytes(layer.diskUsage)] as const]),
    ...(layer.modified === undefined ? [] : [['Changed', formatMoment(layer.modified)] as const]),
    ['Backing file', layer.backing === null ? 'none' : code(layer.backing)],
    ...(account
      ? ([
          ['Owns', bytes(account.owned)],
          ['Hidden', bytes(account.shadowed)],
        ] as const)
      : []),
    ...layer.facts.map((fact) => [escaped(fact.label), factValue(fact)] as const),
    ...layer.views.flatMap(({ name, snapshot }) => {
      const title = snapshotStory(layer, name)?.label ?? name;
      return snapshot ? [['Internal snapshot', `${escaped(title)}, ${formatMoment(snapshot.date)}`] as const] : [];
    }),
    ...layer.bitmaps.map(({ name }) => ['Bitmap', escaped(name)] as const),
  ];
  return [
    `#### ${escaped(layer.label ?? layer.fileName)}`,
    facts.map(([label, value]) => `- ${label}: ${value}`).join('\n'),
  ];
}

function storyFacts(story: LayerStory | undefined): readonly (readonly [string, string])[] {
  if (!story) return [];
  const { platform, description, date, disk, vm } = story;
  return [
    ...(date === undefined ? [] : [['Snapshot taken', formatMoment(date)] as const]),
    ...(description === undefined ? [] : [['Description', escaped(description)] as const]),
    ...(vm === undefined ? [] : [['VM', escaped(vm)] as const]),
    ...(disk === undefined ? [] : [['Disk name', escaped(disk)] as const]),
    ['Platform', escaped(platform)],
  ];
}

function problems(layers: readonly Pick<LayerSummary, 'fileName' | 'findings'>[]): string {
  const items = layers.flatMap(({ fileName, findings }) => findings.map((finding) => problem(fileName, finding)));
  return items.length === 0 ? '' : `Findings\n\n${items.join('\n')}`;
}

function problem(fileName: string, { severity, code: name, message, advice }: Finding): string {
  return `- ${severity} ${code(name)} in ${escaped(fileName)}: ${escaped([message, advice].filter(Boolean).join(' '))}`;
}

function factValue({ value, unit }: Fact): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return unit === 'bytes' ? bytes(value) : `${value}${unit === 'bits' ? ' bits' : ''}`;
  return escaped(value);
}

/** Markdown's marks escaped, no more than needed: this is read as plain text just as often. */
const escaped = (text: string): string => plain(text).replace(/[\\`*[\]<>|]/g, '\\$&');

const bytes = (amount: number): string =>
  amount < 1024 ? formatBytes(amount) : `${formatBytes(amount)} (${formatCount(amount)} bytes)`;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function paragraphs(...parts: readonly string[]): string {
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}
