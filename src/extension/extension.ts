import * as vscode from 'vscode';
import type { WorkerStart } from '../node/workerClient';
import { ImageWorker } from '../node/workerClient';
import type { VmDiskApi } from './api';
import { Commands } from './commands';
import { Problems } from './diagnostics';
import { Editors } from './editor/editors';
import { DiskOffers } from './diskOffers';
import { fileFormat } from './fileFormat';
import { Follow } from './follow';
import { SETTINGS, VIEW_TYPE } from './ids';
import { OpenedTabs } from './openedTabs';
import { imageNames } from './tree/candidates';
import { matchAny } from './tree/globs';
import { DiskTree } from './tree/view';
import { Trust } from './trust';

/** Only wires: nothing is read and nothing is started before the user looks at an image, a file that may be one, or the tree. */
export function activate(context: vscode.ExtensionContext): VmDiskApi {
  const log = vscode.window.createOutputChannel('VM Disk Explorer', { log: true });
  const trust = new Trust(context.workspaceState);
  const problems = new Problems();
  const patterns = editorPatterns(context.extension);
  const isImage = imageNames(patterns);
  const createWorker = (start?: WorkerStart): ImageWorker =>
    new ImageWorker(context.asAbsolutePath('dist/worker.js'), start);
  const follow = new Follow(
    () => tree,
    () => editors,
  );
  const editors: Editors = new Editors({
    extension: context.extensionUri,
    log,
    trust,
    problems,
    createWorker,
    policy: (image) => trust.policy(image),
    isOurs: matchAny(patterns),
    act: (panel, action) => {
      commands.act(panel, action);
    },
    followed: () => {
      follow.follow();
    },
    opened: ({ uri }) => {
      if (!tree.find(uri.fsPath)) tree.touch([uri.fsPath]);
    },
    overlays: ({ fsPath }) => tree.overlays(fsPath),
  });
  const tree: DiskTree = new DiskTree({
    createWorker,
    folders: () => fileFolders(),
    extra: () => editors.documents.filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath),
    isImage,
    exclude: () => excluded(),
    maxFiles: () => vscode.workspace.getConfiguration(SETTINGS).get('maxFiles', 5000),
    policy: () => trust.policy(),
    log: (message) => {
      log.warn(message);
    },
    settled: () => {
      follow.follow();
    },
  });
  const commands: Commands = new Commands({
    editors,
    tree,
    trust,
    isImage,
    log,
    createWorker,
    extension: context.extension,
  });
  const offers = new DiskOffers({
    formatOf: (path) => fileFormat(path, trust.policy(path), createWorker),
    isText: (path) => vscode.workspace.textDocuments.some(({ uri }) => uri.scheme === 'file' && uri.fsPath === path),
    ask: (question, button) => vscode.window.showInformationMessage(question, button),
    open: (path) => editors.open(vscode.Uri.file(path)),
  });
  const tabs = new OpenedTabs((path) => void offers.opened(path));
  context.subscriptions.push(log, trust, problems, editors, tree, follow, commands, tabs);
  context.subscriptions.push(
    tree.onDidChangeTreeData(() => {
      editors.tellOverlays();
    }),
    trust.onDidChange(() => {
      tree.restart();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SETTINGS) || event.affectsConfiguration('files.exclude')) tree.restart();
    }),
  );
  return { tree, editors };
}

interface Manifest {
  readonly contributes: {
    readonly customEditors: readonly {
      readonly viewType: string;
      readonly selector: readonly { readonly filenamePattern: string }[];
    }[];
  };
}

/** The names for which our editor is the default, as the manifest has them: the formats' code is the worker's. */
function editorPatterns({ packageJSON }: vscode.Extension<unknown>): readonly string[] {
  const { contributes } = packageJSON as Manifest;
  const own = contributes.customEditors.find(({ viewType }) => viewType === VIEW_TYPE);
  return own?.selector.map(({ filenamePattern }) => filenamePattern) ?? [];
}

function fileFolders(): readonly string[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath);
}

/** Our own patterns, and those that the Explorer hides. */
function excluded(): readonly string[] {
  const own = vscode.workspace.getConfiguration(SETTINGS).get<readonly string[]>('exclude', []);
  const hidden = vscode.workspace.getConfiguration('files').get<Readonly<Record<string, unknown>>>('exclude', {});
  return [...own, ...Object.keys(hidden).filter((pattern) => hidden[pattern] === true)];
}
