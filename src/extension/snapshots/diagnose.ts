import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Diagnosis, Remedy } from '../../core/snapshots/model';
import { cardOf } from '../card';
import { message, plain } from '../text';
import { nodePath } from '../tree/families';
import { copyCommand, isTrusted, tellRefused } from './consent';
import { deleteSnapshot } from './delete';
import { diagnosisSheet } from './diagnosisSheet';
import type { SheetText } from './sheetHtml';
import { endPreview } from './preview';
import { relocateParent } from './relocate';
import { repair } from './repair';
import { foldersAround, leafOf, pathOf, settle, show, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked. */
export interface DiagnoseAnswers {
  /** Images or folders. */
  readonly paths: readonly string[];
}

/** Looks for everything that is wrong with an image and its chain, or with a folder, and shows it with what mends it. */
export async function diagnoseChain(
  world: SnapshotWorld,
  from: From | DiagnoseAnswers,
): Promise<readonly Diagnosis[] | undefined> {
  const paths = await pathsOf(world, from);
  return paths.length === 0 ? undefined : look(world, paths);
}

async function pathsOf(world: SnapshotWorld, from: From | DiagnoseAnswers): Promise<readonly string[]> {
  if (from && 'paths' in from) return from.paths;
  // Of a parent that is not there, what stands on it is looked at.
  if (from && 'key' in from && from.kind === 'broken') return from.children.flatMap((node) => nodePath(node) ?? []);
  const given = pathOf(from);
  // A layer is looked at with all that stands on it: that of the image in front.
  if (given !== undefined) return [cardOf(from) ? leafOf(world, given) : given];
  const path = await subject(world, from, 'Diagnose Chain');
  return path === undefined ? [] : [path];
}

async function look(world: SnapshotWorld, paths: readonly string[]): Promise<readonly Diagnosis[] | undefined> {
  const found = await examine(world, paths);
  if (found) world.sheets.show(keyOf(paths), page(world, paths, found));
  return found;
}

/** @returns undefined when it was cancelled, or nothing of it is there any more */
async function examine(world: SnapshotWorld, all: readonly string[]): Promise<readonly Diagnosis[] | undefined> {
  const there = await Promise.all(all.map(exists));
  const paths = all.filter((_, index) => there[index]);
  if (paths.length === 0 && there.length > 0) return undefined;
  const policy = world.trust.policy(paths.length === 1 ? paths[0] : undefined);
  const folders = [...new Set(paths.flatMap((path) => foldersAround(world, path)))];
  const title = `Diagnosing ${nameOf(all)}…`;
  return (await world.maintenance.job('diagnose', { paths, folders, policy }, title)) ?? undefined;
}

function page(world: SnapshotWorld, paths: readonly string[], found: readonly Diagnosis[]): SheetText {
  return diagnosisSheet(`Diagnosis of ${nameOf(paths)}`, found, {
    mend: async (remedy) => {
      if ((await mend(world, remedy)) === undefined) return;
      const left = await examine(world, paths);
      // The page may have been closed meanwhile, which is no reason to bring it up again.
      if (left) world.sheets.update(keyOf(paths), page(world, paths, left));
    },
    open: (path) => show(world, path),
    copy: copyCommand,
    again: () => look(world, paths),
  });
}

const keyOf = (paths: readonly string[]): string => `diagnosis ${paths.join('\n')}`;

const nameOf = (paths: readonly string[]): string =>
  paths.length === 1 ? basename(paths[0] ?? '') : `${paths.length} files`;

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Does what mends something, each with the same questions as its command.
 * @returns undefined when nothing was done
 */
async function mend(world: SnapshotWorld, remedy: Remedy): Promise<unknown> {
  switch (remedy.kind) {
    case 'relocate': {
      const { image, parent, parentFormat } = remedy;
      return relocateParent(world, { image, parent, parentFormat });
    }
    case 'choose-parent':
      return relocateParent(world, { image: remedy.image });
    case 'repair':
      return repair(world, { image: remedy.image, mode: remedy.mode });
    case 'check':
      return vscode.commands.executeCommand('vmDisk.checkImage', vscode.Uri.file(remedy.image));
    case 'end-preview':
      return askPreviewEnd(world, remedy.overlay);
    case 'finish-delete':
      // Its plan is a page of its own, and does what there is to do.
      await deleteSnapshot(world, { image: remedy.image });
      return undefined;
    case 'remove-file':
      return removeFile(world, remedy.path);
    case 'none':
      return undefined;
  }
}

async function askPreviewEnd(world: SnapshotWorld, overlay: string): Promise<unknown> {
  const items = [
    { how: 'undo', label: 'Undo Preview…', detail: 'Drops the preview and what was written to it' },
    { how: 'commit', label: 'Commit Preview…', detail: 'Keeps the preview and drops what is newer' },
  ] as const;
  const picked = await vscode.window.showQuickPick(items, { title: `Preview · ${basename(overlay)}` });
  return picked && endPreview(world, vscode.Uri.file(overlay), picked.how);
}

/** Removes a file that is left over, to the trash where there is one. */
async function removeFile(world: SnapshotWorld, path: string): Promise<true | undefined> {
  if (!(await isTrusted('Removing a file'))) return undefined;
  const refusals = await world.maintenance.call('mayLieIn', { file: path });
  if (refusals.length > 0) {
    await tellRefused(`${basename(path)} is not removed`, refusals);
    return undefined;
  }
  const remove = 'Remove File';
  const choice = await vscode.window.showWarningMessage(
    message(`Remove ${basename(path)}?`),
    { modal: true, detail: `${plain(path, 4000)}\n\nIt goes to the trash where there is one, otherwise for good.` },
    remove,
  );
  if (choice !== remove) return undefined;
  const file = vscode.Uri.file(path);
  try {
    await vscode.workspace.fs.delete(file, { useTrash: true });
  } catch {
    // No trash on this machine.
    await vscode.workspace.fs.delete(file, { useTrash: false });
  }
  await settle(world, [], [path]);
  return true;
}
