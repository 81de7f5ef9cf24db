import { faultsFound } from '../core/checkWords';
import type { Severity, View } from '../core/model';
import { formatBytes, formatClock, formatDay, formatName, unitName } from '../core/units';
import type { ImageSummary, LayerSummary, Standpoint } from '../protocol/image';
import { snapshotStory } from '../protocol/story';
import { plural } from './format';

/** The layer looked from, and so the newest that counts. */
export function standpointLayer(summary: ImageSummary): LayerSummary | undefined {
  return summary.layers[summary.standpoint.depth];
}

/** The layer whose file is shown, or would be: the one picked out, else the one looked from. */
export function fileLayer({ summary, picked }: {
  readonly summary: ImageSummary | undefined; readonly picked: number | null;
}): LayerSummary | undefined {
  return summary?.layers[picked ?? summary.standpoint.depth];
}

/** `checked: consistent`, `2 corruptions, 14 leaked clusters`; undefined for what was not checked. */
export const checkVerdict = ({ check }: Pick<LayerSummary, 'check'>): string | undefined =>
  check && (faultsFound(check.counts) ?? 'checked: consistent');

/** The facts of the header line: format and version, disk, files, clusters. */
export function headerFacts(summary: ImageSummary): string[] {
  const leaf = summary.layers[0];
  if (!leaf) return [];
  const files = summary.layers.length;
  const bytes = summary.layers.reduce((sum, layer) => sum + onHost(layer), 0);
  return [
    formatTitle(leaf),
    `${formatBytes(summary.guestSize)} disk`,
    `${formatBytes(bytes)} on the host${files > 1 ? ` in ${files} files` : ''}`,
    ...(leaf.format === 'raw' || leaf.grain <= 512 ? [] : [`${formatBytes(leaf.grain)} ${unitName(leaf.format)}s`]),
  ];
}

/** `qcow2 v3`, where the image states a version. */
export function formatTitle(layer: LayerSummary): string {
  const format = formatName(layer.format);
  const version = layer.facts.find((fact) => /^(format )?version$/i.test(fact.label))?.value;
  return version === undefined || version === true || version === false
    ? format : `${format} v${String(version).replace(/^v/i, '')}`;
}

/** `2 errors, 1 warning`, and how bad the worst is; undefined when there is nothing to worry about. */
export function countFindings(summary: ImageSummary): { text: string; worst: Severity } | undefined {
  const all = summary.layers.flatMap(severitiesOf);
  const count = (severity: Severity): number => all.filter((each) => each === severity).length;
  const broken = summary.end.kind === 'base' || all.includes('error') ? 0 : 1;
  const errors = count('error') + broken;
  const warnings = count('warning');
  const texts = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ];
  return texts.length === 0 ? undefined : { text: texts.join(', '), worst: errors > 0 ? 'error' : 'warning' };
}

/** How bad each problem of a layer is that the Problems panel lists: findings, and what a check found. */
export function severitiesOf({ findings, check }: Pick<LayerSummary, 'findings' | 'check'>): Severity[] {
  const checked = check?.problems.map((problem) => problem.severity) ?? [];
  // All that a check did not list is one line of the panel.
  const untold: Severity[] = check && check.untold > 0 ? ['warning'] : [];
  return [...findings.map(({ severity }) => severity), ...checked, ...untold];
}

/** The snapshots inside a layer, newest first; of those of one moment, the one that the image lists last is newest. */
export function snapshotsOf({ views }: Pick<LayerSummary, 'views'>): View[] {
  const after = (one: View, other: View): number =>
    (other.snapshot?.date ?? 0) - (one.snapshot?.date ?? 0)
    || (other.snapshot?.dateNanoseconds ?? 0) - (one.snapshot?.dateNanoseconds ?? 0);
  return views.filter((view) => view.id !== '').reverse().sort(after);
}

/** From this many layers on each is told by its number as well. */
const NUMBERED_FROM = 8;

/**
 * `12 · nightly-48` in long chains, with the depth as the command line counts it; the name alone in short ones, and where
 * it is that number.
 */
export const numbered = (name: string, depth: number, layers: number): string =>
  layers < NUMBERED_FROM || name === String(depth) ? name : `${depth} · ${name}`;

/** Bytes that a layer's file takes on the host; where that is not known, as many as it has. */
export const onHost = ({ diskUsage, fileSize }: Pick<LayerSummary, 'diskUsage' | 'fileSize'>): number =>
  diskUsage ?? fileSize;

/** A state of the disk that can be looked at. */
export interface Place extends Standpoint {
  readonly name: string;
  /** Set for an internal snapshot: the name of its layer. */
  readonly within?: string;
}

/** All states of the disk, newest first: each layer, and below it the snapshots inside it, newest first. */
export function places(summary: ImageSummary, names: readonly string[]): Place[] {
  return summary.layers.flatMap((layer) => {
    const name = names[layer.depth] ?? '';
    return [
      { depth: layer.depth, view: '', name },
      ...snapshotsOf(layer).map((view) => (
        { depth: layer.depth, view: view.id, name: viewName(layer, view), within: name })),
    ];
  });
}

/** What the platform that made a layer says of it, beside its name. */
export function storyFacts({ story }: Pick<LayerSummary, 'story'>): { readonly label: string; readonly value: string }[] {
  if (!story) return [];
  const { platform, description, date, disk, vm, role } = story;
  const taken = date === undefined ? undefined : `${formatDay(date)} ${formatClock(date)}`;
  const facts = [
    [role === 'snapshot' ? 'Snapshot taken' : 'From', taken], ['Description', description], ['Disk', disk], ['VM', vm],
    ['Platform', platform],
  ] as const;
  return facts.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }]));
}

/** What an internal snapshot is called: by its platform, else in the image. */
export const viewName = (layer: LayerSummary, view: View): string =>
  snapshotStory(layer, view.name)?.label ?? (view.name || view.id);

export const samePlace = (one: Standpoint, other: Standpoint): boolean =>
  one.depth === other.depth && one.view === other.view;

/** True when everything is read, nothing is broken, and no layer holds a byte of the disk. */
export function isEmpty({ scan, accounting, end, layers }: ImageSummary): boolean {
  return scan === 'complete' && end.kind === 'base' && accounting !== undefined
    && accounting.nobody === accounting.guestSize
    && layers.every(({ findings }) => findings.every(({ severity }) => severity !== 'error'));
}
