import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ImageSummary } from '../../protocol/image';
import type { GatePolicy } from '../../protocol/worker';
import type { ImageDocument } from '../editor/document';
import { formatMoment, message, withoutIcons } from '../text';
import { besides } from '../paths';
import { comparisonResult } from './comparisonWords';
import { imagesBeside } from './imagesBeside';
import { runWork } from './progress';
import { shownDisk } from './shownDisk';

/** A disk to compare with: an image, and `''` for its current state or an internal snapshot's id. */
export interface OtherDisk {
  readonly path: string;
  readonly view: string;
}

type Choice = vscode.QuickPickItem & { readonly other?: OtherDisk };

/** What is asked of the extension around it. */
export interface CompareWorld {
  /** Paths of the images that the tree lists, and of those that are open. */
  readonly known: () => readonly string[];
  /** Tells names that disk images have. */
  readonly isImage: (name: string) => boolean;
  policy(image: string): GatePolicy;
}

/**
 * Compares the disk that a document shows with another, byte by byte; the page then shows where they differ.
 * @param given the other disk, otherwise the user is asked
 */
export async function compareWith(document: ImageDocument, world: CompareWorld, given?: OtherDisk): Promise<void> {
  const { summary } = document;
  if (!summary) return;
  const other = given ?? (await ask(summary, world));
  if (!other) return;
  const title = `Comparing ${basename(summary.path)} with ${basename(other.path)}…`;
  const found = await runWork(document, 'compare', { ...other, policy: world.policy(other.path) }, { title });
  if (found) vscode.window.setStatusBarMessage(message(comparisonResult(found)), 8000);
}

async function ask(summary: ImageSummary, { known, isImage }: CompareWorld): Promise<OtherDisk | undefined> {
  const title = `Compare ${shownDisk(summary)} with…`;
  const beside = await imagesBeside(summary.path, isImage);
  const browse: Choice = {
    label: 'Another file…',
    iconPath: new vscode.ThemeIcon('folder-opened'),
    description: 'any image on this machine',
    alwaysShow: true,
  };
  const sections: readonly (readonly [string, readonly Choice[]])[] = [
    ['layers of this chain', layers(summary)],
    ['internal snapshots', snapshots(summary)],
    ['other images', others(summary, [...beside, ...known()])],
  ];
  const items = sections.flatMap(([label, choices]): Choice[] =>
    choices.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...choices],
  );
  const last: Choice[] = items.length === 0 ? [] : [{ label: '', kind: vscode.QuickPickItemKind.Separator }];
  const picked = await vscode.window.showQuickPick([...items, ...last, browse], {
    title,
    placeHolder: 'With which disk?',
    matchOnDescription: true,
  });
  return picked && (picked.other ?? askFile(dirname(summary.path), title));
}

/** The disk as each of the other layers saw it. */
function layers({ layers: all, standpoint }: ImageSummary): Choice[] {
  return all
    .filter(({ depth }) => depth !== standpoint.depth || standpoint.view !== '')
    .map(({ depth, label, fileName, path }) => ({
      label: withoutIcons(label ?? fileName),
      iconPath: new vscode.ThemeIcon('layers'),
      description: [depth === 0 ? 'as it is now' : 'as of this layer', ...(label === undefined ? [] : [fileName])].join(
        ' · ',
      ),
      other: { path, view: '' },
    }));
}

function snapshots({ layers: all, standpoint }: ImageSummary): Choice[] {
  return all.flatMap(({ depth, fileName, path, views }) =>
    views
      .filter(({ id, snapshot }) => snapshot && (depth !== standpoint.depth || id !== standpoint.view))
      .map(({ id, name, snapshot }) => ({
        label: withoutIcons(name || id),
        iconPath: new vscode.ThemeIcon('history'),
        description: [fileName, ...(snapshot ? [formatMoment(snapshot.date)] : [])].join(' · '),
        other: { path, view: id },
      })),
  );
}

function others({ layers: all }: ImageSummary, images: readonly string[]): Choice[] {
  return besides(
    images,
    all.map(({ path }) => path),
  ).map((path) => ({
    label: withoutIcons(basename(path)),
    iconPath: new vscode.ThemeIcon('database'),
    description: vscode.workspace.asRelativePath(dirname(path)),
    other: { path, view: '' },
  }));
}

async function askFile(folder: string, title: string): Promise<OtherDisk | undefined> {
  const [picked] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: 'Compare',
      canSelectMany: false,
      defaultUri: vscode.Uri.file(folder),
    })) ?? [];
  return picked && { path: picked.fsPath, view: '' };
}
