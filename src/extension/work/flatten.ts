import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { formatBytes } from '../../core/units';
import type { ImageSummary } from '../../protocol/image';
import type { FlattenParams, FlattenResult } from '../../protocol/worker';
import type { ImageDocument } from '../editor/document';
import { revealFile } from '../reveal';
import { message } from '../text';
import { targetPath } from './newFile';
import { runWork } from './progress';
import { copyName, shownDisk } from './shownDisk';

/** Where a flattened copy goes and how, for callers that do not want to be asked. */
export interface FlattenTarget extends Pick<FlattenParams, 'format' | 'compression' | 'verify'> {
  readonly target: vscode.Uri;
}

type Format = Pick<FlattenTarget, 'format' | 'compression'>;

const FORMATS: readonly (vscode.QuickPickItem & Format)[] = [
  {
    format: 'raw',
    label: 'raw',
    detail: 'The disk byte for byte; what is zero takes no space where the host can skip it',
  },
  { format: 'qcow2', label: 'qcow2', detail: 'Only what is not zero' },
  { format: 'qcow2', compression: 'zstd', label: 'qcow2, zstd', detail: 'Compressed; read by QEMU 5.1 and newer' },
  { format: 'qcow2', compression: 'zlib', label: 'qcow2, zlib', detail: 'Compressed; read by every QEMU' },
];

const VERIFY: readonly (vscode.QuickPickItem & Pick<FlattenTarget, 'verify'>)[] = [
  { verify: true, label: 'Compare the copy', detail: 'Read it again before it gets its name, and compare every byte' },
  { verify: false, label: 'Don’t compare', detail: 'Takes about half the time' },
];

/**
 * Writes what the guest sees, from where the disk is looked at, to a new image without parents. A file of the chain
 * itself is never the target.
 * @param answer given by a caller, otherwise the user is asked
 * @returns the file, or undefined when the user thought better of it
 */
export async function flatten(
  document: ImageDocument,
  open: (image: vscode.Uri) => Thenable<void>,
  answer?: FlattenTarget,
): Promise<vscode.Uri | undefined> {
  const chosen = answer ?? (document.summary && (await ask(document.summary)));
  if (!chosen) return undefined;
  const { target, format, compression, verify } = chosen;
  const path = await targetPath(document, target);
  // The save dialog has asked already whether a file that is there may go.
  const params = { target: path, replace: answer === undefined, format, compression, verify };
  const result = await runWork(document, 'flatten', params, { title: `Writing ${basename(path)}…` });
  if (!result) return undefined;
  if (!answer) void tell(target, result, verify, open);
  return target;
}

async function ask(summary: ImageSummary): Promise<FlattenTarget | undefined> {
  const title = `Export Flattened Copy of ${shownDisk(summary)}`;
  const as = await vscode.window.showQuickPick(FORMATS, { title, placeHolder: 'In which format?' });
  if (!as) return undefined;
  const sure = await vscode.window.showQuickPick(VERIFY, {
    title,
    placeHolder: 'Compare the copy with what is shown?',
  });
  if (!sure) return undefined;
  const { format, compression } = as;
  const extension = format === 'raw' ? 'img' : 'qcow2';
  const target = await vscode.window.showSaveDialog({
    title,
    saveLabel: 'Export',
    defaultUri: vscode.Uri.file(join(dirname(summary.path), `${copyName(summary)}.${extension}`)),
    filters: { [format]: [extension], 'All files': ['*'] },
  });
  return target && { target, format, compression, verify: sure.verify };
}

async function tell(
  target: vscode.Uri,
  { guestSize, fileSize, diskUsage }: FlattenResult,
  verified: boolean,
  open: (image: vscode.Uri) => Thenable<void>,
): Promise<void> {
  const size = formatBytes(diskUsage ?? fileSize);
  const told = `Wrote a ${formatBytes(guestSize)} disk to ${basename(target.fsPath)}, ${size}${verified ? ', and compared it' : ''}`;
  const choice = await vscode.window.showInformationMessage(message(told), 'Open', 'Reveal');
  if (choice === 'Open') await open(target);
  else if (choice === 'Reveal') await revealFile(target.fsPath);
}
