import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { formatBytes } from '../../core/units';
import type { Created, CreateRequest } from '../../core/snapshots/model';
import { oneLine } from '../../core/errors';
import { message, plain, withoutIcons } from '../text';
import { askText } from './askText';
import type { Asked } from './askText';
import { isTrusted, tellRefused } from './consent';
import { createdText, dayName, nameProblem, optionsText } from './createWords';
import type { OverlayOptions } from './createWords';
import { areAnswers, settle, show, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked. */
export interface CreateAnswers extends OverlayOptions {
  /** The image that becomes the base of the new layer. */
  readonly image: string;
  /** The snapshot's name; or the new file, whole. */
  readonly name?: string | undefined;
  readonly overlay?: string | undefined;
  readonly baseFormat?: string | undefined;
}

const CLUSTER_SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048].map((kib) => kib * 1024);

/**
 * Puts a new layer on an image, which from then on is written to in its place. Nothing of the image itself changes.
 * @returns the new layer; undefined when the user thought better of it, or it is not to be
 */
export async function createSnapshot(world: SnapshotWorld, from: From | CreateAnswers): Promise<Created | undefined> {
  if (!(await isTrusted('Creating a snapshot'))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const base = answers?.image ?? (await subject(world, from as From, 'Create Snapshot…'));
  if (base === undefined) return undefined;
  const refusals = await world.maintenance.call('mayLieIn', { file: base });
  if (refusals.length > 0 && answers?.overlay === undefined) {
    const elsewhere = 'Scratch Overlay Elsewhere…';
    const buttons = answers ? [] : [elsewhere];
    if (answers) throw new Error(refusals.map((finding) => finding.message).join('; '));
    const choice = await tellRefused(`No snapshot of ${basename(base)} is made beside it`, refusals, ...buttons);
    return choice === elsewhere ? scratchOverlay(world, base) : undefined;
  }
  const request = answers ? await answered(world, answers) : await ask(world, base);
  return request && make(world, request, answers !== undefined);
}

/** An overlay outside of where the base lies: to look and to try things out, of which the platform knows nothing. */
async function scratchOverlay(world: SnapshotWorld, base: string): Promise<Created | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? dirname(base);
  const target = await vscode.window.showSaveDialog({
    title: 'Scratch Overlay',
    saveLabel: 'Create',
    defaultUri: vscode.Uri.file(join(folder, `${basename(base)}.scratch.qcow2`)),
  });
  if (!target) return undefined;
  return make(world, { base, overlay: target.fsPath, absolute: true }, false);
}

async function make(world: SnapshotWorld, request: CreateRequest, quiet: boolean): Promise<Created> {
  const policy = world.trust.policy(request.base);
  const created = await world.maintenance.brief(
    'createSnapshot',
    { request, policy },
    `Creating ${basename(request.overlay)}…`,
  );
  await settle(world, [created.overlay, created.base]);
  await show(world, created.overlay);
  if (!quiet) void tell(created);
  return created;
}

async function tell(created: Created): Promise<void> {
  const copy = 'Copy Path';
  if ((await vscode.window.showInformationMessage(message(createdText(created)), copy)) === copy) {
    await vscode.env.clipboard.writeText(created.overlay);
  }
}

async function answered(world: SnapshotWorld, answers: CreateAnswers): Promise<CreateRequest> {
  const { image: base, name = dayName(new Date()), overlay, ...options } = answers;
  return { base, overlay: overlay ?? (await world.maintenance.call('suggestOverlay', { base, name })), ...options };
}

async function ask(world: SnapshotWorld, base: string): Promise<CreateRequest | undefined> {
  await world.maintenance.brief('assertBase', { base, policy: world.trust.policy(base) }, `Reading ${basename(base)}…`);
  const overlay = await askName(world, base);
  if (overlay === undefined) return undefined;
  const options = await askOptions(base, overlay);
  return options && { base, overlay, ...options };
}

/** Asks for the snapshot's name, and says at every letter which file it makes or why it can't be that. */
async function askName(world: SnapshotWorld, base: string): Promise<string | undefined> {
  const fileOf = (name: string): Promise<string> =>
    world.maintenance.call('suggestOverlay', { base, name: name.trim() });
  const check: Asked['check'] = async (name) => {
    const problem = nameProblem(name);
    if (problem !== undefined) return { problem };
    try {
      return {
        leadsTo: `The new layer: ${plain(basename(await fileOf(name)))}; ${plain(basename(base))} stays as it is`,
      };
    } catch (error) {
      return { problem: oneLine(error) };
    }
  };
  const name = await askText({
    title: `Create Snapshot of ${plain(basename(base))}`,
    prompt: `${plain(basename(base))} stays as it is; what is written from now on goes to the new layer.`,
    placeHolder: 'before-upgrade',
    value: dayName(new Date()),
    check,
  });
  return name === undefined ? undefined : fileOf(name);
}

interface Choice extends vscode.QuickPickItem {
  readonly does?: 'create' | 'clusterSize' | 'extendedL2' | 'compat' | 'absolute';
}

/** The options with what is sensible chosen: one Enter takes them all, each line changes one and comes back. */
async function askOptions(base: string, overlay: string): Promise<OverlayOptions | undefined> {
  let options: OverlayOptions = {};
  for (;;) {
    const picked: Choice | undefined = await vscode.window.showQuickPick(choices(base, overlay, options), {
      title: `Create Snapshot of ${basename(base)}`,
      placeHolder: 'Enter creates it',
    });
    switch (picked?.does) {
      case undefined:
        return undefined;
      case 'create':
        return options;
      case 'clusterSize':
        options = { ...options, clusterSize: (await askClusterSize(options.clusterSize)) ?? options.clusterSize };
        break;
      case 'extendedL2':
        options = { ...options, extendedL2: options.extendedL2 === true ? undefined : true, compat: undefined };
        break;
      case 'compat':
        options = { ...options, compat: options.compat === '0.10' ? undefined : '0.10', extendedL2: undefined };
        break;
      case 'absolute':
        options = { ...options, absolute: options.absolute === true ? undefined : true };
    }
  }
}

function choices(base: string, overlay: string, options: OverlayOptions): Choice[] {
  const { clusterSize, extendedL2 = false, compat = '1.1', absolute = false } = options;
  const mark = (on: boolean): string => (on ? '$(check) ' : '$(blank) ');
  return [
    {
      does: 'create',
      label: `$(add) Create ${withoutIcons(basename(overlay))}`,
      detail: optionsText(basename(base), options),
    },
    { label: 'change first', kind: vscode.QuickPickItemKind.Separator },
    {
      does: 'clusterSize',
      label: '$(blank) Cluster size…',
      description: clusterSize === undefined ? 'as the base has it' : formatBytes(clusterSize),
    },
    {
      does: 'extendedL2',
      label: `${mark(extendedL2)}Extended L2 entries`,
      description: 'less is copied when a little is written; read by QEMU 5.2 and newer',
    },
    {
      does: 'compat',
      label: `${mark(compat === '0.10')}Compatible with QEMU before 1.1`,
      description: 'version 2 of the format: no zero clusters',
    },
    {
      does: 'absolute',
      label: `${mark(absolute)}Write the base’s whole path`,
      description: 'otherwise its path from the new file’s folder, so that both can move together',
    },
  ];
}

async function askClusterSize(now: number | undefined): Promise<number | undefined> {
  const items = CLUSTER_SIZES.map((size) => ({ label: formatBytes(size), size, picked: size === now }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Cluster Size',
    placeHolder: 'Small: less is copied at a write. Large: fewer tables',
  });
  return picked?.size;
}
