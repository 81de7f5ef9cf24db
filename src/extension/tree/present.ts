import { basename } from 'node:path';
import type { Finding, LayerAccount, Severity } from '../../core/model';
import { formatBytes, formatCount, formatDay, formatName, formatWhen, unitName } from '../../core/units';
import type { LayerStory } from '../../core/snapshots/model';
import type { SurveyedImage } from '../../protocol/image';
import { diskName, snapshotStory } from '../../protocol/story';
import { code, count, formatMoment, markdown, plain, sentence } from '../text';
import type { BitmapNode, BrokenNode, FamilyNode, ImageNode, SnapshotNode, UnusableNode } from './families';

/** How a node looks, free of VS Code's types so that it can be tested. */
export interface Presentation {
  readonly label: string;
  readonly description: string;
  /** Markdown in which everything that comes from an image is escaped. */
  readonly tooltip: string;
  /** A product icon's id. */
  readonly icon: string;
  /** For a screen reader, where the label does not say enough. */
  readonly spoken: string;
  /** For `when` clauses of menus. */
  readonly context: string;
  readonly problems: Problems;
}

export interface Problems {
  readonly errors: number;
  readonly warnings: number;
  /** The gravest first. */
  readonly findings: readonly Finding[];
}

const NO_PROBLEMS: Problems = { errors: 0, warnings: 0, findings: [] };
const GRAVITY: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** What a node is called. */
export function nodeLabel(node: FamilyNode): string {
  switch (node.kind) {
    case 'image':
      return plain(imageLabel(node));
    case 'snapshot':
      return plain(snapshotStory(node.image, node.view.name)?.label ?? (node.view.name || node.view.id));
    case 'bitmap':
      return plain(node.bitmap.name);
    case 'unusable':
    case 'broken':
    case 'unlisted':
      return plain(node.fileName);
  }
}

/** With the disk that it is a layer of, where another one, or none, stands below. */
function imageLabel({ image, parent }: ImageNode): string {
  const { label, story, fileName } = image;
  const below = parent?.kind === 'image' ? diskName(parent.image.story) : undefined;
  const own = diskName(story);
  const disk = own === below ? undefined : own;
  return joined(': ', disk, label ?? (disk === undefined ? fileName : undefined));
}

export function nodeProblems(node: FamilyNode): Problems {
  switch (node.kind) {
    case 'image':
      return problemsOf(node.image.findings);
    case 'broken':
      return oneError({ code: `parent-${node.end.kind}`, message: node.end.message });
    case 'unusable':
      return oneError(node.unusable.error);
    default:
      return NO_PROBLEMS;
  }
}

/** @param place the node's folder, told when a neighbour in the tree has the same name */
export function present(node: FamilyNode, place?: string): Presentation {
  const label = nodeLabel(node);
  const problems = nodeProblems(node);
  switch (node.kind) {
    case 'image':
      return { label, problems, ...imageLook(node, problems, place) };
    case 'snapshot':
      return { label, problems, ...snapshotLook(node) };
    case 'bitmap':
      return { label, problems, ...bitmapLook(node) };
    case 'unusable':
      return { label, problems, ...unusableLook(node, problems, place) };
    case 'broken':
      return { label, problems, ...brokenLook(node) };
    case 'unlisted':
      return {
        label,
        problems,
        description: 'outside what was looked through',
        tooltip: lines(heading(node), code(node.path), 'A parent that lies outside the workspace.'),
        icon: 'database',
        spoken: `${label}, outside what was looked through`,
        context: 'unlisted',
      };
  }
}

/** What an image owns, from each leaf that stands on it: one figure where all agree, else from least to most. */
export function ownedText(image: SurveyedImage): string | undefined {
  const owned = Object.values(image.accounts ?? {}).map((account) => account.owned);
  if (owned.length === 0) return undefined;
  const least = formatBytes(Math.min(...owned));
  const most = formatBytes(Math.max(...owned));
  return least === most ? least : `${least} to ${most}`;
}

function oneError({ code: name, message, advice }: Omit<Finding, 'severity'>): Problems {
  return { errors: 1, warnings: 0, findings: [{ code: name, severity: 'error', message, advice }] };
}

export function problemsOf(findings: readonly Finding[]): Problems {
  const grave = findings.filter(({ severity }) => severity !== 'info');
  return {
    errors: grave.filter(({ severity }) => severity === 'error').length,
    warnings: grave.filter(({ severity }) => severity === 'warning').length,
    findings: grave.sort((a, b) => GRAVITY[a.severity] - GRAVITY[b.severity]),
  };
}

/** `1 error, 2 warnings`, or nothing. */
export function problemsText({ errors, warnings }: Problems): string {
  return joined(', ', errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : '');
}

type Look = Omit<Presentation, 'label' | 'problems'>;

/** A file's name that tells nobody anything: its beginning is enough, and leaves room for what does. */
const UUID = /^([0-9a-f]{8})-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

function imageLook(node: ImageNode, problems: Problems, place: string | undefined): Look {
  const { image } = node;
  const owned = ownedText(image);
  const owns = owned === undefined ? undefined : `owns ${owned}`;
  // A frozen layer's own date is that of its snapshot: its file is only as old as its last write.
  const date = image.story?.date ?? image.modified;
  const day = date === undefined ? undefined : formatWhen(date, Date.now());
  const role = node.parent === undefined ? 'base' : node.leaf ? 'newest layer' : 'layer';
  const fileName = plain(image.fileName);
  const named = nodeLabel(node) === fileName ? undefined : fileName.replace(UUID, '$1…');
  return {
    description: joined(' · ', named, previewText(image), owns, day, place === undefined ? undefined : plain(place)),
    tooltip: imageTooltip(node, problems),
    icon: image.preview ? 'eye' : node.parent === undefined ? 'database' : node.leaf ? 'layers-active' : 'layers',
    spoken: joined(
      ', ',
      nodeLabel(node),
      formatName(image.format),
      role,
      previewText(image),
      owns,
      day,
      problemsText(problems),
    ),
    context: !node.leaf ? 'image' : image.preview ? 'image.leaf.preview' : 'image.leaf',
  };
}

/** `preview of web01.img`, of the overlay of a preview. */
const previewText = ({ preview }: SurveyedImage): string | undefined =>
  preview && `preview of ${plain(basename(preview.of))}`;

function snapshotLook(node: SnapshotNode): Look {
  const { view, snapshot, image } = node;
  const state = snapshot.vmStateSize > 0 ? ` · ${formatBytes(snapshot.vmStateSize)} of VM state` : '';
  const story = snapshotStory(image, view.name);
  const name = view.name || view.id;
  return {
    description: joined(
      ' · ',
      story && story.label !== name ? plain(name) : undefined,
      formatWhen(snapshot.date, Date.now()),
    ),
    tooltip: lines(
      `${heading(node)} · internal snapshot ${markdown(view.id)}`,
      story?.description === undefined ? '' : markdown(story.description),
      `Taken ${formatMoment(snapshot.date)} · ${formatBytes(view.guestSize)} disk${state}`,
      `Inside ${code(image.path)}`,
    ),
    icon: 'device-camera',
    spoken: joined(', ', nodeLabel(node), 'internal snapshot', formatDay(snapshot.date)),
    context: 'snapshot',
  };
}

function bitmapLook(node: BitmapNode): Look {
  const { granularity, flags } = node.bitmap;
  const inUse = flags.includes('in-use');
  return {
    description: joined(' · ', 'bitmap', formatBytes(granularity), inUse ? 'in use' : undefined),
    tooltip: lines(
      `${heading(node)} · dirty bitmap`,
      `One bit for every ${formatBytes(granularity)} of the disk`,
      inUse ? 'Marked as in use: a VM has it open, or it was not closed properly.' : '',
    ),
    icon: 'symbol-array',
    spoken: joined(', ', nodeLabel(node), 'dirty bitmap'),
    context: 'bitmap',
  };
}

function imageTooltip(node: ImageNode, problems: Problems): string {
  const { image, alsoAt, loops } = node;
  const accounts = Object.entries(image.accounts ?? {});
  const used = image.diskUsage === undefined ? '' : ` (${formatBytes(image.diskUsage)} on the host)`;
  return lines(
    `${heading(node)} · ${markdown(formatName(image.format))}`,
    ...storyLines(image.story),
    code(image.path),
    `${formatBytes(image.guestSize)} disk · ${formatBytes(image.fileSize)} file${used} · ` +
      `${formatBytes(image.grain)} ${unitName(image.format)}s`,
    image.modified === undefined ? '' : `Changed ${formatMoment(image.modified)}`,
    image.backing === null ? 'Stands on nothing: a base' : `Stands on ${code(image.backing)}`,
    ...accounts.map(([leaf, account]) => accountLine(account, accounts.length > 1 ? leaf : undefined)),
    image.readable ? '' : 'Encrypted: the map can be shown, the content can’t.',
    loops ? 'Following its parents leads back to it.' : '',
    ...alsoAt.map((path) => `The same file as ${code(path)}`),
    ...problemLines(problems),
  );
}

function storyLines(story: LayerStory | undefined): readonly string[] {
  if (!story) return [];
  const { platform, role, date, description, disk, vm } = story;
  return [
    description === undefined ? '' : markdown(description),
    date === undefined ? '' : `${role === 'snapshot' ? 'Snapshot taken' : 'From'} ${formatMoment(date)}`,
    joined(
      ' · ',
      disk === undefined ? undefined : `Disk ${markdown(disk)}`,
      vm === undefined ? undefined : `VM ${markdown(vm)}`,
      platform,
    ),
  ];
}

function problemLines({ findings }: Problems): readonly string[] {
  return findings.map(({ severity, message, advice }) => {
    const rest = advice === undefined ? '' : ` ${markdown(advice)}`;
    return `**${severity === 'error' ? 'Error' : 'Warning'}:** ${markdown(sentence(message))}${rest}`;
  });
}

function accountLine(account: LayerAccount, leaf: string | undefined): string {
  const as = leaf === undefined ? '' : `Under ${code(leaf)}: `;
  const hidden = account.shadowed > 0 ? `, ${formatBytes(account.shadowed)} hidden by newer layers` : '';
  return `${as}${as ? 'owns' : 'Owns'} ${formatBytes(account.owned)} (${formatCount(account.owned)} bytes)${hidden}`;
}

function unusableLook(node: UnusableNode, problems: Problems, place: string | undefined): Look {
  const { path, format } = node.unusable;
  const said = format === undefined ? 'can’t be read' : 'damaged';
  return {
    description: joined(' · ', said, place === undefined ? undefined : plain(place)),
    tooltip: lines(joined(' · ', heading(node), format), code(path), ...problemLines(problems)),
    icon: 'error',
    spoken: joined(', ', nodeLabel(node), said),
    context: 'unusable',
  };
}

const BROKEN: Readonly<Record<BrokenNode['end']['kind'], { readonly said: string; readonly icon: string }>> = {
  missing: { said: 'missing', icon: 'question' },
  refused: { said: 'not opened', icon: 'circle-slash' },
  cycle: { said: 'stands on itself', icon: 'sync-ignored' },
  'too-deep': { said: 'too deep', icon: 'fold-down' },
};

function brokenLook(node: BrokenNode): Look {
  const { end } = node;
  const outside = end.reason === 'outside';
  const { said, icon } = outside ? { said: 'not allowed', icon: 'lock' } : BROKEN[end.kind];
  return {
    description: said,
    tooltip: lines(`${heading(node)} · ${said}`, code(end.name), markdown(sentence(end.message))),
    icon,
    spoken: joined(', ', nodeLabel(node), 'parent', said),
    context: outside ? 'broken.outside' : `broken.${end.kind}`,
  };
}

const heading = (node: FamilyNode): string => `**${markdown(nodeLabel(node))}**`;

function joined(separator: string, ...parts: readonly (string | undefined)[]): string {
  return parts.filter(Boolean).join(separator);
}

/** Paragraphs of Markdown; empty ones are left out. */
function lines(...parts: readonly string[]): string {
  return parts.filter(Boolean).join('\n\n');
}
