import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenResult, Standpoint } from '../../protocol/image';
import type { PageAction } from '../../protocol/webview';
import type { Problems } from '../diagnostics';
import { CONTEXT, VIEW_TYPE, VIEW_TYPE_ANY } from '../ids';
import type { Trust } from '../trust';
import { ImageDocument } from './document';
import type { DocumentWorld } from './document';
import { ImagePanel } from './panel';
import { ChainWatcher } from './watch';

export interface EditorsWorld extends DocumentWorld {
  readonly extension: vscode.Uri;
  readonly trust: Trust;
  readonly problems: Problems;
  /** True for names whose default editor is ours. */
  isOurs(name: string): boolean;
  act(panel: ImagePanel, action: PageAction): void;
  /** A panel was brought to the front, or something was selected in the one that is. */
  followed(): void;
  opened(document: ImageDocument): void;
}

/** The custom editor: makes documents and panels, and knows which are open and which one the user looks at. */
export class Editors implements vscode.CustomReadonlyEditorProvider<ImageDocument>, vscode.Disposable {
  private readonly panels = new Set<ImagePanel>();
  private readonly watchers = new Map<ImageDocument, ChainWatcher>();
  private readonly standpoints = new Map<string, Standpoint>();
  private readonly disposables: vscode.Disposable[];
  private front: ImagePanel | undefined;
  private toldOpen = false;

  constructor(private readonly world: EditorsWorld) {
    const options = { supportsMultipleEditorsPerDocument: true };
    this.disposables = [
      ...[VIEW_TYPE, VIEW_TYPE_ANY].map((type) => vscode.window.registerCustomEditorProvider(type, this, options)),
      world.trust.onDidChange(() => {
        for (const document of this.watchers.keys()) void document.refresh();
      }),
    ];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** The panel in front, while it is the active editor. */
  get active(): ImagePanel | undefined {
    return this.front?.view.active ? this.front : undefined;
  }

  get documents(): readonly ImageDocument[] {
    return [...this.watchers.keys()];
  }

  /**
   * Shows an image. A standpoint moves an image that is open already; for one that is not it is where it begins.
   */
  async open(
    uri: vscode.Uri,
    { standpoint, ...show }: vscode.TextDocumentShowOptions & { readonly standpoint?: Standpoint } = {},
  ): Promise<void> {
    const type = this.world.isOurs(basename(uri.fsPath)) ? VIEW_TYPE : VIEW_TYPE_ANY;
    const key = uri.toString();
    const known = this.documents.find((document) => document.uri.toString() === key);
    if (standpoint && !known) this.standpoints.set(key, standpoint);
    try {
      await vscode.commands.executeCommand('vscode.openWith', uri, type, show);
    } finally {
      this.standpoints.delete(key);
    }
    if (standpoint && known) await known.lookFrom(standpoint);
  }

  openCustomDocument(uri: vscode.Uri): ImageDocument {
    const document = new ImageDocument(uri, this.world, this.standpoints.get(uri.toString()));
    const watcher = new ChainWatcher(() => document.refresh());
    this.watchers.set(document, watcher);
    const show = (result: OpenResult): void => {
      if (!this.watchers.has(document)) return;
      this.world.problems.set(uri, result);
      if (uri.scheme === 'file') watcher.watch(filesOf(uri.fsPath, result));
      this.tellContext();
    };
    document.onDidClose(() => {
      watcher.dispose();
      this.watchers.delete(document);
      this.world.problems.clear(uri);
    });
    document.onDidReopen(show);
    document.onDidChange((summary) => {
      show({ kind: 'image', summary });
    });
    void document.result().then((result) => {
      show(result);
      if (result.kind === 'image') this.world.opened(document);
    });
    return document;
  }

  resolveCustomEditor(document: ImageDocument, view: vscode.WebviewPanel): void {
    const panel = new ImagePanel(document, view, {
      extension: this.world.extension,
      act: (from, action) => {
        this.world.act(from, action);
      },
      selected: (from) => {
        if (from === this.active) this.world.followed();
      },
    });
    this.panels.add(panel);
    view.onDidChangeViewState(() => {
      this.viewStateChanged(panel);
    });
    view.onDidDispose(() => {
      this.closed(panel);
    });
    this.viewStateChanged(panel);
  }

  private viewStateChanged(panel: ImagePanel): void {
    const { document, view } = panel;
    this.watchers.get(document)?.setVisible(this.isVisible(document));
    if (view.active && this.front !== panel) {
      this.front = panel;
      this.world.followed();
    }
    this.tellContext();
  }

  private closed(panel: ImagePanel): void {
    const { document } = panel;
    this.panels.delete(panel);
    if (this.front === panel) this.front = undefined;
    panel.dispose();
    this.watchers.get(document)?.setVisible(this.isVisible(document));
    this.tellContext();
  }

  private isVisible(document: ImageDocument): boolean {
    return [...this.panels].some((panel) => panel.document === document && panel.view.visible);
  }

  private tellContext(): void {
    const open = this.active?.document.summary !== undefined;
    if (open === this.toldOpen) return;
    this.toldOpen = open;
    void vscode.commands.executeCommand('setContext', CONTEXT.imageOpen, open);
  }
}

/** The files that decide what is shown: every layer's, and the one that is missing. */
function filesOf(path: string, result: OpenResult): readonly string[] {
  if (result.kind !== 'image') return [path];
  const { layers, end } = result.summary;
  const files = layers.map((layer) => layer.path);
  return end.kind === 'missing' && /^(?:\/|[A-Za-z]:[\\/])/.test(end.name) ? [...files, end.name] : files;
}
