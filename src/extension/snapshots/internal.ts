import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { InternalRequest } from '../../core/snapshots/model';
import { formatBytes } from '../../core/units';
import type { ImageSummary, LayerSummary } from '../../protocol/image';
import { pathKey } from '../paths';
import { formatMoment, message, plain, withoutIcons } from '../text';
import type { FamilyNode } from '../tree/families';
import { askText } from './askText';
import { consents, isTrusted, tellCancelled } from './consent';
import { dayName } from './createWords';
import { doneText, question } from './internalWords';
import { areAnswers, chainOf, settle, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked. */
export interface InternalAnswers {
  readonly image: string;
  readonly name: string;
  /** True to do it without showing the command first. */
  readonly confirmed?: boolean | undefined;
}

type Action = InternalRequest['action'];

const TITLES: Readonly<Record<Action, string>> = {
  create: 'Create Internal Snapshot…',
  apply: 'Apply Internal Snapshot…',
  delete: 'Delete Internal Snapshot…',
};
const DOING: Readonly<Record<Action, string>> = { create: 'Creating', apply: 'Applying', delete: 'Deleting' };

/** Saves, brings back or drops a state inside one qcow2. */
export async function internalSnapshot(
  world: SnapshotWorld,
  from: From | InternalAnswers,
  action: Action,
): Promise<InternalRequest | undefined> {
  if (!(await isTrusted(`${DOING[action]} an internal snapshot`))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const chosen: Chosen | undefined = answers ?? (await choose(world, from as From, action));
  if (!chosen) return undefined;
  const { image, name } = chosen;
  const request: InternalRequest = { image, name, action };
  const params = { request, policy: world.trust.policy(image) };
  const { maintenance } = world;
  const command = await maintenance.call('planInternal', params);
  if (answers?.confirmed !== true && !(await consents(world, { ...question(request, chosen.label), command }))) {
    return undefined;
  }
  const title = `${DOING[action]} ${chosen.label ?? name} in ${basename(image)}…`;
  try {
    const done = await maintenance.job('internalSnapshot', { ...params, qemuImg: maintenance.qemuImg }, title);
    if (done) vscode.window.setStatusBarMessage(message(doneText(request, chosen.label)), 5000);
    else tellCancelled(`${DOING[action]} the internal snapshot`);
    return done ?? undefined;
  } finally {
    await settle(world, [image]);
  }
}

interface Chosen extends InternalAnswers {
  /** What it is called, where it is asked for by its id. */
  readonly label?: string | undefined;
}

async function choose(world: SnapshotWorld, from: From, action: Action): Promise<Chosen | undefined> {
  const node = nodeOf(from);
  if (node?.kind === 'snapshot' && action !== 'create') {
    return { image: node.image.path, name: node.view.id, label: node.view.name };
  }
  const path = await subject(world, from, TITLES[action]);
  if (path === undefined) return undefined;
  const layer = layerIn(await chainOf(world, path), path);
  if (layer.format !== 'qcow2') {
    throw new Error(`${layer.fileName}: only qcow2 images hold snapshots; create a new layer instead`);
  }
  return action === 'create' ? askName(layer) : pickSnapshot(layer, action);
}

const nodeOf = (from: From): FamilyNode | undefined => (from && 'key' in from ? from : undefined);

function layerIn({ layers }: ImageSummary, path: string): LayerSummary {
  const layer = layers.find((each) => pathKey(each.path) === pathKey(path));
  if (!layer) throw new Error(`${basename(path)}: this is no layer of the image`);
  return layer;
}

async function askName({ path, fileName, views }: LayerSummary): Promise<Chosen | undefined> {
  const taken = new Set(views.flatMap(({ id, name }) => [id, name]).filter(Boolean));
  const today = dayName(new Date());
  const name = await askText({
    title: `Create Internal Snapshot in ${plain(fileName)}`,
    prompt: 'Saves the state of the disk inside the image. The VM has to be off.',
    value: taken.has(today) ? '' : today,
    placeHolder: 'before-upgrade',
    check: (value) => {
      const text = value.trim();
      if (text === '') return { problem: 'A snapshot needs a name' };
      if (taken.has(text)) return { problem: `${plain(fileName)} has a snapshot ${plain(text)} already` };
      return Buffer.byteLength(text) > MOST_TAG_BYTES
        ? { problem: 'This name is too long' }
        : { leadsTo: `Kept inside ${plain(fileName)}, in no new file; the VM has to be off` };
    },
  });
  return name === undefined ? undefined : { image: path, name };
}

/** What qemu-img keeps of a name (`QEMUSnapshotInfo`, 256 bytes with the end mark). */
const MOST_TAG_BYTES = 255;

async function pickSnapshot({ path, fileName, views }: LayerSummary, action: Action): Promise<Chosen | undefined> {
  const items = views.flatMap(({ id, name, snapshot }) => {
    if (!snapshot) return [];
    const state = snapshot.vmStateSize > 0 ? ` · ${formatBytes(snapshot.vmStateSize)} of memory` : '';
    return [
      {
        label: withoutIcons(name || id),
        description: `${formatMoment(snapshot.date)}${state}`,
        iconPath: new vscode.ThemeIcon('device-camera'),
        chosen: { image: path, name: id, label: name },
      },
    ];
  });
  if (items.length === 0) {
    void vscode.window.showInformationMessage(message(`${fileName} holds no internal snapshots.`));
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(items, {
    title: `${TITLES[action].replace('…', '')} · ${fileName}`,
    placeHolder: action === 'apply' ? 'Which state is to come back?' : 'Which is to go?',
    matchOnDescription: true,
  });
  return picked?.chosen;
}
