import * as vscode from 'vscode';
import { clustersChecked, COMPLETE, COMPLETE_FIRST, endsEarly, faultsFound } from '../../core/checkWords';
import { isRepaired } from '../../core/repair/repaired';
import type { CheckSummary, ImageSummary, LayerSummary } from '../../protocol/image';
import { reservation } from '../../protocol/soundness';
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
  const { summary } = document;
  const layer = summary?.layers[depth];
  if (!layer) return undefined;
  if (!layer.checkable) throw new Error(`${layer.fileName}: ${nothingToCheck(layer)}`);
  const check = await runWork(document, 'check', { depth }, { title: `Checking ${layer.fileName}…`, quiet });
  if (check && !quiet) void tell(layer, check, summary);
  return check ?? undefined;
}

export const nothingToCheck = ({ format }: Pick<LayerSummary, 'format'>): string =>
  format === 'raw'
    ? 'a raw image is its disk byte for byte and has no tables to check'
    : `images of the format ${format} are not checked`;

/** `web01.qcow2: consistent by itself, 12,345 clusters in use, 3% fragmented; but its parent is missing`. */
export function checkResult(
  layer: Pick<LayerSummary, 'fileName' | 'format' | 'depth' | 'facts' | 'findings'>,
  { counts, problems }: Pick<CheckSummary, 'counts' | 'problems'>,
  chain: Pick<ImageSummary, 'layers' | 'end'>,
): { readonly text: string; readonly isGood: boolean } {
  const faults = faultsFound(counts);
  if (faults !== undefined) {
    const first = endsEarly(problems) ? `. ${isRepaired(layer.format) ? COMPLETE_FIRST : COMPLETE}` : '';
    return { text: `${layer.fileName}: ${faults}${first}`, isGood: false };
  }
  const but = reservation(layer, chain);
  const text = `${layer.fileName}: consistent by itself, ${clustersChecked(counts)}`;
  return but === undefined ? { text, isGood: true } : { text: `${text}; but ${but}`, isGood: false };
}

async function tell(layer: LayerSummary, check: CheckSummary, chain: ImageSummary): Promise<void> {
  const { text, isGood } = checkResult(layer, check, chain);
  const told = message(text);
  if (isGood) {
    await vscode.window.showInformationMessage(told);
    return;
  }
  const show = 'Show Problems';
  if ((await vscode.window.showWarningMessage(told, show)) === show) {
    await vscode.commands.executeCommand('vmDisk.showProblems');
  }
}
