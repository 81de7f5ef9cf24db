import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { formatCount } from '../core/units';
import type { MapFormat } from '../protocol/worker';
import type { ImageDocument } from './editor/document';
import { filesOf } from './editor/files';
import { message } from './text';

/** Where a map goes, for callers that do not want to be asked. */
export interface ExportTarget {
  readonly format: MapFormat;
  readonly target: vscode.Uri;
}

const FORMATS: readonly (vscode.QuickPickItem & { readonly format: MapFormat })[] = [
  { format: 'json', label: 'JSON', detail: 'The list that “qemu-img map --output=json” prints' },
  { format: 'csv', label: 'CSV', detail: 'One row for each range, for a spreadsheet' },
];

/**
 * Writes the map of what is shown to a new file. A file of the chain itself is never the target.
 * @param answer given by a caller, otherwise the user is asked
 * @returns the file, or undefined when the user thought better of it
 */
export async function exportMap(document: ImageDocument, answer?: ExportTarget): Promise<vscode.Uri | undefined> {
  const chosen = answer ?? (await ask(document));
  if (!chosen) return undefined;
  const { format, target } = chosen;
  if (target.scheme !== 'file') throw new Error(`The map can only be written to a disk, not to “${target.scheme}:”`);
  if (await isOfChain(document, target.fsPath)) {
    throw new Error(`${target.fsPath} is a file of this chain and is not written over`);
  }
  const result = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: message(`Exporting the map to ${basename(target.fsPath)}…`),
      cancellable: true,
    },
    async (_progress, cancelled) => {
      const listening = cancelled.onCancellationRequested(() => void document.call('cancel', { work: 'exportMap' }));
      try {
        return await document.call('exportMap', { target: target.fsPath, format });
      } finally {
        listening.dispose();
      }
    },
  );
  if (!result) return undefined;
  if (!answer) void tell(target, result.entries);
  return target;
}

async function ask(document: ImageDocument): Promise<ExportTarget | undefined> {
  const picked = await vscode.window.showQuickPick(FORMATS, { title: 'Export Map', placeHolder: 'As what?' });
  if (!picked) return undefined;
  const { format, label } = picked;
  const image = document.uri.fsPath;
  const name = `${basename(image, extname(image))}.map.${format}`;
  const target = await vscode.window.showSaveDialog({
    title: 'Export Map',
    saveLabel: 'Export',
    defaultUri: vscode.Uri.file(join(dirname(image), name)),
    filters: { [label]: [format] },
  });
  return target && { format, target };
}

async function isOfChain(document: ImageDocument, target: string): Promise<boolean> {
  const own = await identity(target);
  if (own === undefined) return false;
  const files = [document.uri.fsPath, ...filesOf(document.summary)];
  return (await Promise.all(files.map(identity))).includes(own);
}

/** Equal for two names of one file; nothing for a file that is not there. */
async function identity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

async function tell(target: vscode.Uri, entries: number): Promise<void> {
  const open = 'Open File';
  const ranges = entries === 1 ? '1 range' : `${formatCount(entries)} ranges`;
  const told = message(`Exported ${ranges} to ${basename(target.fsPath)}`);
  if ((await vscode.window.showInformationMessage(told, open)) === open) {
    await vscode.commands.executeCommand('vscode.open', target);
  }
}
