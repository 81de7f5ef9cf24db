import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Preview, PreviewEnd } from '../../core/snapshots/model';
import { cardOf } from '../card';
import { pathKey } from '../paths';
import { message, plain } from '../text';
import { leavesAbove } from '../tree/families';
import { pickLayer } from './chainPick';
import { dialogText, isTrusted, tellRefused } from './consent';
import { previewEndQuestion, previewText } from './previewWords';
import { areAnswers, chainOf, foldersAround, leafOf, pathOf, settle, show, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked. */
export interface PreviewAnswers {
  /** The newest layer. */
  readonly image: string;
  /** The older layer that is to be looked at. */
  readonly of: string;
  readonly overlay?: string | undefined;
}

export interface PreviewEndAnswers {
  /** The preview's overlay. */
  readonly image: string;
}

const TITLE = 'Preview Snapshot…';

/** Puts a fresh overlay on an older layer, to look at the disk as it was then, and to boot from it. */
export async function previewSnapshot(world: SnapshotWorld, from: From | PreviewAnswers): Promise<Preview | undefined> {
  if (!(await isTrusted('Previewing a snapshot'))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const chosen = answers ?? (await choose(world, from as From));
  if (!chosen) return undefined;
  const { image: leaf, of, overlay } = chosen;
  const params = { leaf, of, overlay, policy: world.trust.policy(leaf) };
  const { preview } = await world.maintenance.brief('startPreview', params, `Making a preview of ${basename(of)}…`);
  await settle(world, [preview.overlay, preview.of]);
  await show(world, preview.overlay);
  if (!answers) void vscode.window.showInformationMessage(message(previewText(preview)));
  return preview;
}

async function choose(world: SnapshotWorld, from: From): Promise<PreviewAnswers | undefined> {
  const path = await subject(world, from, TITLE);
  if (path === undefined) return undefined;
  // A card or a node of the tree that something stands on is the very layer to look at.
  if (cardOf(from) || pathOf(from) !== undefined) {
    const leaf = await leafAbove(world, path);
    if (leaf === undefined) return undefined;
    if (pathKey(leaf) !== pathKey(path)) return { image: leaf, of: path };
  }
  const summary = await chainOf(world, path);
  const older = summary.layers.slice(1);
  if (older.length === 0) {
    void vscode.window.showInformationMessage(
      message(`${basename(path)} has no older layer to look at: create a snapshot first.`),
    );
    return undefined;
  }
  const layer = await pickLayer(summary, older, TITLE, 'As of which layer?');
  return layer && { image: summary.path, of: layer.path };
}

/** What a VM writes to that stands on a layer: the image in front, the only one there is, or one that is asked for. */
async function leafAbove(world: SnapshotWorld, path: string): Promise<string | undefined> {
  const front = leafOf(world, path);
  if (pathKey(front) !== pathKey(path)) return front;
  const node = world.tree.find(path);
  const leaves = node ? leavesAbove(node) : [];
  if (leaves.length < 2) return leaves[0] ?? path;
  const items = leaves.map((leaf) => ({ label: plain(basename(leaf)), leaf }));
  const picked = await vscode.window.showQuickPick(items, {
    title: `${TITLE.replace('…', '')} · ${basename(path)}`,
    placeHolder: 'Several images stand on it. Which one to go back to afterwards?',
  });
  return picked?.leaf;
}

/** Commits a preview (it is kept, and what is newer goes) or undoes it (it goes), after the files that go were told. */
export async function endPreview(
  world: SnapshotWorld,
  from: From | PreviewEndAnswers,
  how: PreviewEnd['how'],
): Promise<PreviewEnd | undefined> {
  const verb = how === 'commit' ? 'Committing' : 'Undoing';
  if (!(await isTrusted(`${verb} a preview`))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const overlay = answers?.image ?? (await previewOf(world, from as From));
  if (overlay === undefined) return undefined;
  const params = { overlay, how, policy: world.trust.policy(overlay) };
  const plan = await world.maintenance.brief('planPreviewEnd', params, 'Looking at the preview…');
  if (plan.refusals.length > 0) {
    if (answers) throw new Error(plan.refusals.map((finding) => finding.message).join('; '));
    await tellRefused(`The preview can’t be ${how === 'commit' ? 'committed' : 'undone'}`, plan.refusals);
    return undefined;
  }
  if (!answers && !(await agrees(plan))) return undefined;
  const ended = await world.maintenance.brief('endPreview', params, `${verb} the preview…`);
  const removed = ended.removes.map(({ path }) => path);
  await settle(world, [ended.keeps, ended.preview.of], removed);
  await show(world, ended.keeps);
  return ended;
}

async function agrees(plan: PreviewEnd): Promise<boolean> {
  const { title, detail, button } = previewEndQuestion(plan);
  const choice = await vscode.window.showWarningMessage(
    message(title),
    { modal: true, detail: dialogText(detail) },
    button,
  );
  return choice === button;
}

/** The preview that a menu or the image in front is about; else one of those that there are. */
async function previewOf(world: SnapshotWorld, from: From): Promise<string | undefined> {
  const given = pathOf(from);
  const path = given ?? world.editors.active?.document.uri.fsPath;
  const folders = path === undefined ? [] : foldersAround(world, path);
  const previews = await world.maintenance.call('previewsIn', { folders });
  const its = previews.find(
    ({ overlay }) => path !== undefined && [path, leafOf(world, path)].map(pathKey).includes(pathKey(overlay)),
  );
  if (its) return its.overlay;
  // A leaf that was left for a preview: the preview is what is to be ended.
  const left = previews.filter(({ leaf }) => path !== undefined && pathKey(leaf) === pathKey(path));
  const all = left.length > 0 ? left : given === undefined ? previews : [];
  if (all.length === 0) {
    void vscode.window.showInformationMessage('No preview is open here.');
    return undefined;
  }
  if (all.length === 1) return all[0]?.overlay;
  const items = all.map((preview) => ({
    label: plain(basename(preview.overlay)),
    description: plain(`of ${basename(preview.of)}, instead of ${basename(preview.leaf)}`),
    preview,
  }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Preview', placeHolder: 'Which preview?' });
  return picked?.preview.overlay;
}
