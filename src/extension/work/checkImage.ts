import * as vscode from 'vscode';
import { clustersChecked, faultsFound } from '../../core/checkWords';
import type { CheckSummary, LayerSummary } from '../../protocol/image';
import type { ImageDocument } from '../editor/document';
import { message } from '../text';
import { runWork } from './progress';

/**
 * Checks the file of one layer. What is found goes into the Problems panel with the next summary.
 * @param quiet true where the page shows how it goes and what comes of it
 * @returns what was found; undefined when it was cancelled
 */
export async function checkImage(
  document: ImageDocument,
  depth: number,
  quiet: boolean,
): Promise<CheckSummary | undefined> {
  const layer = document.summary?.layers[depth];
  if (!layer) return undefined;
  if (!layer.checkable) throw new Error(`${layer.fileName}: ${nothingToCheck(layer)}`);
  const check = await runWork(document, 'check', { depth }, { title: `Checking ${layer.fileName}…`, quiet });
  if (check && !quiet) void tell(layer, check);
  return check ?? undefined;
}

export const nothingToCheck = ({ format }: Pick<LayerSummary, 'format'>): string =>
  format === 'raw'
    ? 'a raw image is its disk byte for byte and has no tables to check'
    : `images of the format ${format} are not checked`;

/** `web01.qcow2: no problems found, 12,345 clusters in use, 3% fragmented`. */
export function checkResult({ fileName }: Pick<LayerSummary, 'fileName'>, { counts }: CheckSummary): string {
  const faults = faultsFound(counts);
  return `${fileName}: ${faults ?? `no problems found, ${clustersChecked(counts)}`}`;
}

async function tell(layer: LayerSummary, check: CheckSummary): Promise<void> {
  const told = message(checkResult(layer, check));
  if (faultsFound(check.counts) === undefined) {
    await vscode.window.showInformationMessage(told);
    return;
  }
  const show = 'Show Problems';
  if ((await vscode.window.showWarningMessage(told, show)) === show) {
    await vscode.commands.executeCommand('vmDisk.showProblems');
  }
}
