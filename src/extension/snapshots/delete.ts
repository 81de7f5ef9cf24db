import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Deleted, DeletePlan, Direction } from '../../core/snapshots/model';
import { message } from '../text';
import { pickLayer } from './chainPick';
import { copyCommand, isTrusted, openSetting, tellCancelled } from './consent';
import { deletedSheet, planSheet } from './deleteSheet';
import { areAnswers, chainOf, foldersAround, pathOf, settle, show, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked. */
export interface DeleteAnswers {
  /** The layer that is to go. */
  readonly image: string;
  readonly direction?: Direction | undefined;
  /** True to do it without showing the plan first. */
  readonly confirmed?: boolean | undefined;
}

const TITLE = 'Delete Snapshot (Merge)…';

/** Shows what deleting a layer would do, and does it once that was agreed to. */
export async function deleteSnapshot(
  world: SnapshotWorld,
  from: From | DeleteAnswers,
): Promise<Deleted | DeletePlan | undefined> {
  if (!(await isTrusted('Deleting a snapshot'))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const image = answers?.image ?? (await choose(world, from as From));
  if (image === undefined) return undefined;
  if (answers?.confirmed === true) return run(world, image, answers.direction);
  return showPlan(world, image, answers?.direction);
}

async function choose(world: SnapshotWorld, from: From): Promise<string | undefined> {
  const given = pathOf(from);
  if (given !== undefined && !(from instanceof vscode.Uri)) return given;
  const path = await subject(world, from, TITLE);
  if (path === undefined) return undefined;
  const summary = await chainOf(world, path);
  return (await pickLayer(summary, summary.layers, TITLE, 'Which layer is to go? Its plan comes first'))?.path;
}

const keyOf = (image: string): string => `delete ${image}`;

async function showPlan(world: SnapshotWorld, image: string, direction?: Direction): Promise<DeletePlan | undefined> {
  const plan = await planOf(world, image, direction);
  if (!plan) return undefined;
  const tool = await world.maintenance.tool();
  const other = await otherWay(world, plan);
  const sheet = planSheet(plan, tool, other, {
    run: () => runShown(world, image, plan.direction),
    turn: () => showPlan(world, image, other),
    again: () => showPlan(world, image, direction),
    copy: copyCommand,
    openSetting,
  });
  world.sheets.show(keyOf(image), sheet);
  return plan;
}

async function planOf(
  world: SnapshotWorld,
  image: string,
  direction: Direction | undefined,
): Promise<DeletePlan | null> {
  const params = paramsOf(world, image, direction);
  return world.maintenance.job('planDelete', params, `Planning to delete ${basename(image)}…`);
}

function paramsOf(world: SnapshotWorld, image: string, direction: Direction | undefined) {
  return { image, direction, folders: foldersAround(world, image), policy: world.trust.policy(image) };
}

/** The way that was not chosen, where nothing speaks against it. */
async function otherWay(world: SnapshotWorld, { image, direction }: DeletePlan): Promise<Direction | undefined> {
  if (direction === undefined) return undefined;
  const other = direction === 'commit' ? 'pull' : 'commit';
  try {
    const plan = await world.maintenance.call('planDelete', paramsOf(world, image, other));
    return plan?.direction === other ? other : undefined;
  } catch {
    return undefined; // it is no way then
  }
}

async function runShown(world: SnapshotWorld, image: string, direction: Direction | undefined): Promise<void> {
  const deleted = await run(world, image, direction);
  if (!deleted) return;
  const open = (path: string): unknown => show(world, path);
  world.sheets.show(keyOf(image), deletedSheet(deleted, open));
}

async function run(
  world: SnapshotWorld,
  image: string,
  direction: Direction | undefined,
): Promise<Deleted | undefined> {
  const { maintenance } = world;
  const params = { ...paramsOf(world, image, direction), qemuImg: maintenance.qemuImg };
  // What stands around it is looked at again however it ends: a job that was cancelled may have changed files too.
  const around = chainAround(world, image);
  try {
    const deleted = await maintenance.job('deleteLayer', params, `Deleting ${basename(image)}…`);
    if (deleted) {
      await settle(world, [...around, ...deleted.verified], [image]);
      vscode.window.setStatusBarMessage(message(`Deleted ${basename(image)}`), 4000);
      return deleted;
    }
    tellCancelled(`Deleting ${basename(image)}`);
  } catch (error) {
    await settle(world, [...around, image]);
    throw error;
  }
  await settle(world, [...around, image]);
  return undefined;
}

/** The files of every open chain that an image is part of. */
function chainAround({ editors }: SnapshotWorld, image: string): readonly string[] {
  const held = editors.holding(image);
  return held?.document.summary?.layers.map(({ path }) => path).filter((path) => path !== image) ?? [dirname(image)];
}
