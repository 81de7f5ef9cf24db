import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { OpenImage, VmDiskApi } from '../../../src/extension/api';
import type { ShownNode } from '../../../src/extension/tree/view';
import type { ImageSummary } from '../../../src/protocol/image';
import { buildQcow2, data, noise, writeImage } from '../../fixtures/build/index';
import type { Clusters, Qcow2Spec } from '../../fixtures/build/index';

export const EXTENSION_ID = 'vm-disk-explorer.vm-disk-explorer';
export const MIB = 2 ** 20;
export const CLUSTER = 65_536;

export async function api(): Promise<VmDiskApi> {
  const extension = vscode.extensions.getExtension<VmDiskApi>(EXTENSION_ID);
  assert(extension, 'the extension is not installed');
  return extension.activate();
}

/** The workspace: a copy of the sample that tests may write to. */
export function workspace(): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  assert(folder !== undefined, 'no folder is open');
  return folder;
}

/** A file of the workspace that did not exist before, in a folder that is made. */
export function inWorkspace(...parts: readonly string[]): string {
  const path = join(workspace(), ...parts);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Writes a qcow2 image with some data clusters. @returns its path */
export function writeQcow2(path: string, dataClusters: readonly number[], spec: Partial<Qcow2Spec> = {}): string {
  const clusters: Clusters = new Map(dataClusters.map((index) => [index, data(noise(index + 1, CLUSTER))]));
  writeImage(path, buildQcow2({ size: 16 * MIB, clusters, ...spec }).image);
  return path;
}

/** Waits until `read` gives something. @throws what `what` says when it never does */
export async function until<T>(what: string, read: () => T | undefined | false | null, seconds = 20): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false && value !== null) return value;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Opens a file in our editor, as a click in the Explorer or “Open as Disk Image…” does, and waits for its page. */
export async function open(path: string): Promise<OpenImage> {
  const { editors } = await api();
  await vscode.commands.executeCommand('vmDisk.openAsDiskImage', vscode.Uri.file(path));
  const image = await until(`${path} in front`, () => tabPath() === path && editors.active);
  await image.ready;
  return image;
}

/** The chain once every layer is scanned. */
export async function scanned(image: OpenImage): Promise<ImageSummary> {
  return until('the scan', () => {
    const { summary } = image.document;
    return summary?.scan === 'complete' && summary;
  });
}

/** The file and the editor of the active tab, where that is a custom editor. */
export function activeTab(): vscode.TabInputCustom | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom ? input : undefined;
}

function tabPath(): string | undefined {
  return activeTab()?.uri.fsPath;
}

export async function closeAll(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

/** The tree as indented lines of labels. */
export function draw(nodes: readonly ShownNode[], indent = ''): string[] {
  return nodes.flatMap((node) => [`${indent}${node.label}`, ...draw(node.children, `${indent}  `)]);
}

export function* everyNode(nodes: readonly ShownNode[]): Generator<ShownNode, void, void> {
  for (const node of nodes) {
    yield node;
    yield* everyNode(node.children);
  }
}
