import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ImageSummary } from '../../protocol/image';
import { cardOf } from '../card';
import type { Card } from '../card';
import type { ImageDocument } from '../editor/document';
import type { Editors } from '../editor/editors';
import { filesOf } from '../editor/files';
import { VIEW_TYPE, VIEW_TYPE_ANY } from '../ids';
import { chooseImage } from '../openImage';
import { pathKey } from '../paths';
import { nodePath } from '../tree/families';
import type { FamilyNode } from '../tree/families';
import type { DiskTree } from '../tree/view';
import type { Trust } from '../trust';
import type { Maintenance } from './maintenance';
import type { Sheets } from './sheet';

/** What the commands about snapshots need of the extension around them. */
export interface SnapshotWorld {
  readonly editors: Editors;
  readonly tree: DiskTree;
  readonly trust: Trust;
  readonly maintenance: Maintenance;
  readonly sheets: Sheets;
}

/** What menus give a command: the address of an editor or file, a card of the page, a node of the tree. */
export type From = vscode.Uri | FamilyNode | Card | undefined;

/** Answers of a caller that does not want to be asked: they name the image by its path, where a node has it whole. */
export function areAnswers<A extends { readonly image: string }>(from: From | A): from is A {
  return from !== undefined && 'image' in from && typeof from.image === 'string';
}

/** The file that a menu is about. */
export function pathOf(from: From): string | undefined {
  if (from instanceof vscode.Uri) return from.fsPath;
  if (from === undefined) return undefined;
  return cardOf(from)?.path ?? ('key' in from ? nodePath(from) : undefined);
}

/** The file that is to be worked on: that of the menu, else the image in front, else one that is asked for. */
export async function subject(world: SnapshotWorld, from: From, title: string): Promise<string | undefined> {
  const known = pathOf(from) ?? world.editors.active?.document.uri.fsPath;
  return known ?? (await chooseImage(world.tree.getChildren(), title))?.fsPath;
}

/** The chain of an image, in an editor of its own where it is not open yet: what happens to it can be seen there. */
export async function chainOf(world: SnapshotWorld, image: string): Promise<ImageSummary> {
  const find = (): ImageDocument | undefined => documentOf(world, image);
  const known = find();
  if (!known) await world.editors.open(vscode.Uri.file(image));
  const document = known ?? find();
  const result = await document?.result();
  if (document?.summary) return document.summary;
  throw new Error(
    `${basename(image)}: ${result?.kind === 'failed' ? result.error.message : 'this is no disk image that can be read'}`,
  );
}

function documentOf({ editors }: SnapshotWorld, image: string): ImageDocument | undefined {
  const front = editors.active?.document;
  const all = [...(front ? [front] : []), ...editors.documents];
  return all.find(({ uri }) => pathKey(uri.fsPath) === pathKey(image));
}

/** The image in front, where a file is a layer of it; the file itself otherwise. */
export function leafOf({ editors }: SnapshotWorld, file: string): string {
  const front = editors.active?.document.summary;
  return front?.layers.some(({ path }) => pathKey(path) === pathKey(file)) === true ? front.path : file;
}

/** Where images that belong to one may lie: its own folder, those of its chain, and the workspace's. */
export function foldersAround({ editors }: SnapshotWorld, image: string): readonly string[] {
  const chain = editors.holding(image)?.document.summary;
  const workspace = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  return [
    ...new Set([
      dirname(image),
      ...(chain ? filesOf(chain).map(dirname) : []),
      ...workspace.map(({ uri }) => uri.fsPath),
    ]),
  ];
}

/**
 * What was changed is shown as it is now: open images that it is part of are read anew, those whose file went away are
 * closed, and the tree looks again.
 */
export async function settle(
  { editors, tree }: SnapshotWorld,
  changed: readonly string[],
  removed: readonly string[] = [],
): Promise<void> {
  const gone = new Set(removed.map(pathKey));
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => isOurs(input) && gone.has(pathKey(input.uri.fsPath)));
  if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
  const touched = new Set([...changed, ...removed].map(pathKey));
  const stale = editors.documents.filter(
    ({ uri, summary }) =>
      !gone.has(pathKey(uri.fsPath)) && [uri.fsPath, ...filesOf(summary)].some((file) => touched.has(pathKey(file))),
  );
  await Promise.all([tree.look([...changed, ...removed]), ...stale.map((document) => document.refresh())]);
}

const isOurs = (input: unknown): input is vscode.TabInputCustom =>
  input instanceof vscode.TabInputCustom && [VIEW_TYPE, VIEW_TYPE_ANY].includes(input.viewType);

/** Opens an image in a tab that stays; the tree follows by itself. */
export const show = ({ editors }: SnapshotWorld, file: string): Promise<void> =>
  editors.open(vscode.Uri.file(file), { preview: false });
