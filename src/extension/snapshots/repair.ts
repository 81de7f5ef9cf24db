import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Repaired, RepairMode } from '../../core/snapshots/model';
import { revealFile } from '../reveal';
import { message } from '../text';
import { consents, isTrusted, tellCancelled } from './consent';
import { question, repairedText } from './repairWords';
import { areAnswers, settle, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked. */
export interface RepairAnswers {
  readonly image: string;
  readonly mode?: RepairMode | undefined;
  /** True to do it without showing the command first. */
  readonly confirmed?: boolean | undefined;
}

const MODES: readonly (vscode.QuickPickItem & { readonly mode: RepairMode })[] = [
  {
    mode: 'leaks',
    label: 'Leaks',
    detail: 'Clusters that are counted as used and that nothing refers to are given back. No content is touched',
  },
  {
    mode: 'all',
    label: 'All',
    detail: 'Counts that are too low as well, and references that can’t be true: what these held may be lost',
  },
];

/** Mends the tables of an image; what it changes is kept beside it. */
export async function repair(world: SnapshotWorld, from: From | RepairAnswers): Promise<Repaired | undefined> {
  if (!(await isTrusted('Repairing an image'))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const image = answers?.image ?? (await subject(world, from as From, 'Repair…'));
  const mode = image === undefined ? undefined : (answers?.mode ?? (await askMode(image)));
  if (image === undefined || mode === undefined) return undefined;
  const { maintenance } = world;
  const params = { image, mode, policy: world.trust.policy(image) };
  const command = await maintenance.call('planRepair', params);
  if (answers?.confirmed !== true && !(await consents(world, { ...question(image, mode), command }))) return undefined;
  try {
    const title = `Repairing ${basename(image)}…`;
    const done = await maintenance.job('repair', { ...params, qemuImg: maintenance.qemuImg }, title);
    if (!done) tellCancelled('The repair');
    else if (answers?.confirmed !== true) void tell(done);
    return done ?? undefined;
  } finally {
    await settle(world, [image]);
  }
}

async function askMode(image: string): Promise<RepairMode | undefined> {
  const title = `Repair ${basename(image)}`;
  return (await vscode.window.showQuickPick(MODES, { title, placeHolder: 'What?' }))?.mode;
}

async function tell(done: Repaired): Promise<void> {
  const { corruptions, leaks } = done.after;
  const reveal = 'Reveal What Was Kept';
  const { kept } = done;
  const where = kept === undefined ? 'Nothing was changed.' : `What was changed is kept in ${basename(kept)}.`;
  const told = message(`${repairedText(done)} ${where}`);
  const whole = corruptions + leaks === 0;
  const buttons = kept === undefined ? [] : [reveal];
  const choice = await (whole
    ? vscode.window.showInformationMessage(told, ...buttons)
    : vscode.window.showWarningMessage(told, ...buttons));
  if (kept !== undefined && choice === reveal) await revealFile(kept);
}
