import { basename } from 'node:path';
import * as vscode from 'vscode';
import { oneLine } from '../core/errors';
import type { ImageWorker } from '../node/workerClient';
import type { PageAction } from '../protocol/webview';
import type { Editors } from './editor/editors';
import type { ImagePanel } from './editor/panel';
import { cardOf } from './card';
import type { Card } from './card';
import { layerPath } from './follow';
import { goToOffset } from './goTo';
import type { CommandId } from './ids';
import { COMMANDS, WALKTHROUGH } from './ids';
import { chainSummary, imageSummary } from './layerSummary';
import { chooseImage, fileMeantBy } from './openImage';
import { pathKey } from './paths';
import { revealFile } from './reveal';
import { message } from './text';
import { nodePath } from './tree/families';
import type { FamilyNode } from './tree/families';
import type { DiskTree } from './tree/view';
import type { Trust } from './trust';
import { SnapshotCommands } from './snapshots/commands';
import { Maintenance } from './snapshots/maintenance';
import { Sheets } from './snapshots/sheet';
import { WorkCommands } from './work/commands';

export interface CommandsWorld {
  readonly editors: Editors;
  readonly tree: DiskTree;
  readonly trust: Trust;
  readonly extension: vscode.Extension<unknown>;
  createWorker(): ImageWorker;
  /** Tells names that disk images have. */
  readonly isImage: (name: string) => boolean;
  readonly log: vscode.LogOutputChannel;
}

/** What is done for a command; arguments are those of menus and of callers who do not want to be asked. */
type Handlers = Readonly<Record<CommandId, (...args: never[]) => unknown>>;

const DOUBLE_CLICK_MS = 600;

/** The commands of the palette, the menus and the page: one place for what each does. */
export class Commands implements vscode.Disposable {
  private readonly registered: { dispose(): void }[];
  private readonly clicks = new Clicks();
  private readonly work: WorkCommands;
  private readonly snapshots: SnapshotCommands;

  constructor(private readonly world: CommandsWorld) {
    const { editors, tree, trust, isImage, extension } = world;
    const maintenance = new Maintenance(() => world.createWorker());
    const sheets = new Sheets(extension.extensionUri, (act) => this.attempt(act));
    this.snapshots = new SnapshotCommands({ editors, tree, trust, maintenance, sheets });
    this.work = new WorkCommands({ editors, tree, trust, isImage, inFront: (act) => this.inFront(act) });
    const handlers = this.handlers();
    this.registered = [
      maintenance,
      sheets,
      ...COMMANDS.map((id) =>
        vscode.commands.registerCommand(id, (...args: never[]) => this.attempt(() => handlers[id](...args))),
      ),
    ];
  }

  dispose(): void {
    for (const command of this.registered) command.dispose();
  }

  /** Does what a page asks for. */
  act(panel: ImagePanel, action: PageAction): void {
    void this.attempt(() => this.doAction(panel, action));
  }

  private handlers(): Handlers {
    const { editors, tree, extension } = this.world;
    const inFront = (act: (panel: ImagePanel) => unknown): unknown => this.inFront(act);
    return {
      ...this.work.handlers,
      ...this.snapshots.handlers,
      'vmDisk.openAsDiskImage': async (uri?: vscode.Uri) => {
        const image = uri instanceof vscode.Uri ? uri : await chooseImage(tree.getChildren());
        if (image) await editors.open(await fileMeantBy(image));
      },
      'vmDisk.refresh': async () => {
        await Promise.all([editors.active?.document.refresh(), tree.view.visible && tree.refresh()]);
      },
      'vmDisk.goToOffset': (place?: unknown) => inFront((panel) => goToOffset(panel, false, textOf(place))),
      'vmDisk.traceAtOffset': (place?: unknown) => inFront((panel) => goToOffset(panel, true, textOf(place))),
      'vmDisk.revealInTree': (from?: unknown) =>
        inFront((panel) => this.revealInTree(cardOf(from)?.path ?? layerPath(panel))),
      'vmDisk.copyLayerSummary': (from?: FamilyNode | Card) => this.copySummary(from),
      'vmDisk.showProblems': () => vscode.commands.executeCommand('workbench.panel.markers.view.focus'),
      'vmDisk.openWalkthrough': () =>
        vscode.commands.executeCommand('workbench.action.openWalkthrough', `${extension.id}#${WALKTHROUGH}`, false),
      'vmDisk.tree.open': (node: FamilyNode) =>
        this.openNode(node, this.clicks.isSecond(node.key) ? { preview: false } : { preserveFocus: true }),
      'vmDisk.tree.openToSide': (node: FamilyNode) => this.openNode(node, { viewColumn: vscode.ViewColumn.Beside }),
      'vmDisk.tree.pickOut': (node: FamilyNode) => withPath(node, (path) => inFront((panel) => pickOut(panel, path))),
      'vmDisk.tree.refresh': () => tree.refresh(),
      'vmDisk.tree.stop': () => {
        tree.stop();
      },
      'vmDisk.tree.revealInExplorer': (node: FamilyNode) => withPath(node, revealFile),
      'vmDisk.tree.copyPath': (node: FamilyNode) => withPath(node, (path) => vscode.env.clipboard.writeText(path)),
      'vmDisk.tree.allowFile': (node: FamilyNode) => this.allowNode(node),
    };
  }

  private inFront(act: (panel: ImagePanel) => unknown): unknown {
    const { active } = this.world.editors;
    return active ? act(active) : this.offerToOpen();
  }

  /** A link or a key asked for what needs an image in front. */
  private async offerToOpen(): Promise<void> {
    const open = 'Open as Disk Image…';
    const choice = await vscode.window.showInformationMessage('Open a disk image first.', open);
    if (choice === open) await vscode.commands.executeCommand('vmDisk.openAsDiskImage');
  }

  private doAction(panel: ImagePanel, action: PageAction): unknown {
    const { document } = panel;
    const { uri } = document;
    switch (action.action) {
      case 'open-layer':
        return this.world.editors.open(vscode.Uri.file(action.path));
      case 'reveal-in-tree':
        return this.revealInTree(action.path);
      case 'go-to':
        return goToOffset(panel, false);
      case 'export':
      case 'check':
      case 'compare':
      case 'end-comparison':
      case 'cancel':
        return this.work.act(panel, action);
      case 'relocate-parent':
      case 'diagnose':
      case 'commit-preview':
      case 'undo-preview':
        return this.snapshots.act(panel, action);
      case 'show-problems':
        return vscode.commands.executeCommand('vmDisk.showProblems');
      case 'open-as-raw':
        return document.openAsRaw();
      case 'open-as-text':
        return vscode.commands.executeCommand('vscode.openWith', uri, 'default', panel.view.viewColumn);
      case 'allow-file':
        return this.world.trust.ask(action.path, whyRefused(panel));
      case 'refresh':
        return document.refresh();
    }
  }

  private openNode(node: FamilyNode, show: vscode.TextDocumentShowOptions): unknown {
    const standpoint = { depth: 0, view: node.kind === 'snapshot' ? node.view.id : '' };
    return withPath(node, (path) => this.world.editors.open(vscode.Uri.file(path), { ...show, standpoint }));
  }

  private async revealInTree(path: string): Promise<void> {
    if (await this.world.tree.reveal(path, true)) return;
    void vscode.window.showInformationMessage(message(`VM Disks does not list ${path}.`));
  }

  private async copySummary(from: FamilyNode | Card | undefined): Promise<void> {
    const { active } = this.world.editors;
    const text =
      from && 'image' in from
        ? imageSummary(from.image)
        : active?.document.summary &&
          chainSummary(active.document.summary, cardOf(from)?.depth ?? active.selection.layer);
    if (text === undefined) return this.offerToOpen();
    await vscode.env.clipboard.writeText(text);
    vscode.window.setStatusBarMessage('Copied the layer summary', 2500);
  }

  private allowNode(node: FamilyNode): unknown {
    if (node.kind !== 'broken') return undefined;
    return withPath(node, (path) => this.world.trust.ask(path, node.end.message));
  }

  private async attempt(act: () => unknown): Promise<unknown> {
    try {
      return await act();
    } catch (error) {
      this.world.log.error(error instanceof Error ? error : String(error));
      void vscode.window.showErrorMessage(message(oneLine(error)));
      return undefined;
    }
  }
}

/** Lets everything but the layer fade, in the image in front. */
function pickOut(panel: ImagePanel, path: string): unknown {
  const layer = panel.document.summary?.layers.find((each) => pathKey(each.path) === pathKey(path));
  if (layer) return panel.pickLayer(layer.depth);
  const [leaf] = panel.document.summary?.layers ?? [];
  return vscode.window.showInformationMessage(
    message(`${basename(path)} is no layer of ${leaf?.fileName ?? 'the image in front'}.`),
  );
}

/** As in the Explorer: one click shows a file and leaves the focus in the tree, a second keeps the tab open. */
class Clicks {
  private last: { readonly key: string; readonly at: number } | undefined;

  isSecond(key: string): boolean {
    const now = Date.now();
    const second = this.last?.key === key && now - this.last.at < DOUBLE_CLICK_MS;
    this.last = second ? undefined : { key, at: now };
    return second;
  }
}

function whyRefused({ document }: ImagePanel): string {
  const end = document.summary?.end;
  return end && 'message' in end ? end.message : `${document.uri.fsPath} names it.`;
}

/** Menus pass a Uri or a context object where a caller passes text. */
const textOf = (place: unknown): string | undefined => (typeof place === 'string' ? place : undefined);

function withPath<R>(node: FamilyNode | undefined, act: (path: string) => R): R | undefined {
  const path = node && nodePath(node);
  return path === undefined ? undefined : act(path);
}
