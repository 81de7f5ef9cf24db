import * as vscode from 'vscode';
import { formatOffset } from '../core/units';
import type { ImagePanel } from './editor/panel';
import { OFFSET_HELP, readOffset } from './offsets';

/**
 * Asks for a place on the disk, telling all the while what was understood, and shows it.
 * @param given a place from a caller, read as if it had been typed
 */
export async function goToOffset(panel: ImagePanel, trace: boolean, given?: string): Promise<void> {
  const { summary } = panel.document;
  if (!summary) return;
  const { guestSize } = summary;
  const from = panel.selection.offset;
  const read = (text: string) => readOffset(text, guestSize, from);
  const typed = given ?? (await ask(trace, from, read));
  if (typed === undefined || typed.trim() === '') return;
  const answer = read(typed);
  if (!answer.ok) throw new Error(answer.why);
  await panel.goTo(answer.offset, trace);
}

async function ask(
  trace: boolean,
  from: number | null,
  read: (text: string) => ReturnType<typeof readOffset>,
): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title: trace ? 'Trace Read at Offset' : 'Go to Offset',
    prompt: OFFSET_HELP,
    placeHolder: from === null ? '0x10_0000' : `now at ${formatOffset(from)}`,
    ...(trace && from !== null ? { value: formatOffset(from) } : {}),
    validateInput: (text) => {
      if (text.trim() === '') return undefined;
      const answer = read(text);
      return answer.ok
        ? { message: answer.said, severity: vscode.InputBoxValidationSeverity.Info }
        : { message: answer.why, severity: vscode.InputBoxValidationSeverity.Error };
    },
  });
}
