import { basename, dirname, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { formatCount } from '../../core/units';
import type { MapFormat } from '../../protocol/worker';
import type { ImageDocument } from '../editor/document';
import { message } from '../text';
import { targetPath } from './newFile';
import { runWork } from './progress';

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
  const path = await targetPath(document, target);
  const title = `Exporting the map to ${basename(path)}…`;
  const result = await runWork(document, 'exportMap', { target: path, format }, { title });
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

async function tell(target: vscode.Uri, entries: number): Promise<void> {
  const open = 'Open File';
  const ranges = entries === 1 ? '1 range' : `${formatCount(entries)} ranges`;
  const told = message(`Exported ${ranges} to ${basename(target.fsPath)}`);
  if ((await vscode.window.showInformationMessage(told, open)) === open) {
    await vscode.commands.executeCommand('vscode.open', target);
  }
}
