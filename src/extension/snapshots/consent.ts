import * as vscode from 'vscode';
import type { Finding } from '../../core/model';
import type { QemuCommand } from '../../core/snapshots/model';
import { SETTINGS } from '../ids';
import { message, plain } from '../text';
import { findingText } from './findings';
import { commandText } from './commandText';
import type { Tool } from './maintenance';
import type { SnapshotWorld } from './world';

/**
 * Nothing is written and no program is run in a workspace that nobody trusts.
 * @returns false where that is so; the user was told
 */
export async function isTrusted(what: string): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = 'Manage Workspace Trust';
  const told = await vscode.window.showWarningMessage(
    `${what} needs a trusted workspace`,
    {
      modal: true,
      detail:
        'Images of this workspace are only looked at: nothing is written and no other program is run before you trust it.',
    },
    manage,
  );
  if (told === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  return false;
}

export interface Question {
  /** What would be done, as a question. */
  readonly title: string;
  /** What there is to know before, a paragraph each. */
  readonly detail: readonly string[];
  readonly command: QemuCommand;
  /** The button that does it. */
  readonly button: string;
}

/** Shows the exact command that changes an image, and asks. Without a qemu-img there is still the command to copy. */
export async function consents(world: SnapshotWorld, question: Question): Promise<boolean> {
  const tool = await world.maintenance.tool();
  if (!('path' in tool)) {
    await tellNoTool(tool, commandText(question.command));
    return false;
  }
  const command = commandText(question.command, tool);
  const copy = 'Copy Command';
  const { title, detail, button } = question;
  const choice = await vscode.window.showWarningMessage(
    message(title),
    { modal: true, detail: dialogText([...detail, command]) },
    button,
    copy,
  );
  if (choice === copy) await copyCommand(commandText(question.command));
  return choice === button;
}

const DETAIL = 4000;

/** Paragraphs of a dialog; lines of one paragraph stay lines, and nothing in them is hidden. */
export const dialogText = (paragraphs: readonly string[]): string =>
  paragraphs
    .map((paragraph) =>
      paragraph
        .split('\n')
        .map((line) => plain(line, DETAIL))
        .join('\n'),
    )
    .join('\n\n');

/** What to do where there is no qemu-img. */
export async function tellNoTool(tool: Tool, command: string): Promise<void> {
  const copy = 'Copy Command';
  const setting = 'Open Setting';
  const why = 'why' in tool ? tool.why : '';
  const choice = await vscode.window.showWarningMessage(
    'This is qemu-img’s work, which was not found',
    {
      modal: true,
      detail: [plain(why, DETAIL), 'The command, to be run where there is one:', plain(command, DETAIL)].join('\n\n'),
    },
    copy,
    setting,
  );
  if (choice === copy) await copyCommand(command);
  if (choice === setting) await openSetting();
}

export async function copyCommand(command: string): Promise<void> {
  await vscode.env.clipboard.writeText(command);
  vscode.window.setStatusBarMessage('Copied the command', 2500);
}

export const openSetting = (): Thenable<unknown> =>
  vscode.commands.executeCommand('workbench.action.openSettings', `${SETTINGS}.qemuImgPath`);

/** Why something is not done: the reasons, and what to do. */
export async function tellRefused(
  what: string,
  refusals: readonly Finding[],
  ...buttons: string[]
): Promise<string | undefined> {
  const detail = refusals.map(findingText).join('\n\n');
  return vscode.window.showWarningMessage(message(what), { modal: true, detail }, ...buttons);
}

/** What was cancelled left everything as it reads. */
export function tellCancelled(what: string): void {
  void vscode.window.showInformationMessage(message(`${what} was cancelled. Every image reads as it did before.`));
}
