import * as vscode from 'vscode';
import { basename } from 'node:path';
import { formatBytes, formatWhen } from '../../core/units';
import type { ImageSummary, LayerSummary } from '../../protocol/image';
import { withoutIcons } from '../text';

export interface LayerChoice extends vscode.QuickPickItem {
  readonly layer: LayerSummary;
}

/** A layer as a line of a list: what it is called, when it was written to last, how large it is. */
export function layerChoice(summary: ImageSummary, layer: LayerSummary): LayerChoice {
  const { depth, label, fileName, modified, diskUsage, fileSize } = layer;
  const account = summary.accounting?.layers[depth];
  const last = summary.layers.length - 1;
  const role = depth === 0 ? 'current' : depth === last && summary.end.kind === 'base' ? 'base' : undefined;
  const parts = [
    label === undefined ? undefined : fileName,
    role,
    modified === undefined ? undefined : `changed ${formatWhen(modified, Date.now())}`,
    `${formatBytes(diskUsage ?? fileSize)} on the host`,
    account === undefined ? undefined : `owns ${formatBytes(account.owned)}`,
  ];
  return {
    label: withoutIcons(label ?? fileName),
    description: parts.filter(Boolean).join(' · '),
    iconPath: new vscode.ThemeIcon(depth === 0 ? 'layers-active' : role === 'base' ? 'database' : 'layers'),
    layer,
  };
}

/** Asks for a layer of a chain, newest first. */
export async function pickLayer(
  summary: ImageSummary,
  layers: readonly LayerSummary[],
  title: string,
  placeHolder: string,
): Promise<LayerSummary | undefined> {
  const items = layers.map((layer) => layerChoice(summary, layer));
  const picked = await vscode.window.showQuickPick(items, {
    title: `${title.replace(/…$/, '')} · ${basename(summary.path)}`,
    placeHolder,
    matchOnDescription: true,
  });
  return picked?.layer;
}
