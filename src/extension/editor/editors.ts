import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenResult, Standpoint } from '../../protocol/image';
import type { PageAction } from '../../protocol/webview';
import type { Problems } from '../diagnostics';
import { CONTEXT, VIEW_TYPE, VIEW_TYPE_ANY } from '../ids';
import { pathKey } from '../paths';
import type { Trust } from '../trust';
import { ImageDocument } from './document';
import type { DocumentWorld } from './document';
import { filesOf } from './files';
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
  /** How many images are known to stand on a file. */
  overlays(file: vscode.Uri): number;
}

type ViewType = typeof VIEW_TYPE | typeof VIEW_TYPE_ANY;

/** What is kept of a document while it is open. */
interface Open {
  /** The editor that shows it: a file that is open in both has two documents. */
  readonly type: ViewType;
  readonly watcher: ChainWatcher;
}

/** The custom editor: makes documents and panels, and knows which are open and which one the user looks at. */
export class Editors implements vscode.Disposable {
  private readonly panels = new Set<ImagePanel>();
  private readonly opened = new Map<ImageDocument, Open>();
  /** By the key of what is being opened. */
  private readonly standpoints = new Map<string, Standpoint>();
  private readonly disposables: vscode.Disposable[];
  private front: ImagePanel | undefined;
  private readonly told = new Map<string, boolean>();

  constructor(private readonly world: EditorsWorld) {
    const options = { supportsMultipleEditorsPerDocument: true };
    this.disposables = [
      ...([VIEW_TYPE, VIEW_TYPE_ANY] as const).map((type) =>
        vscode.window.registerCustomEditorProvider(type, this.provider(type), options),
      ),
      world.trust.onDidChange(() => {
        for (const document of this.opened.keys()) void document.refresh();
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
    return [...this.opened.keys()];
  }

  /**
   * Shows an image. A standpoint moves an image that is open already; for one that is not it is where it begins.
   */
  async open(
    uri: vscode.Uri,
    { standpoint, ...show }: vscode.TextDocumentShowOptions & { readonly standpoint?: Standpoint } = {},
  ): Promise<void> {
    const type = this.world.isOurs(basename(uri.fsPath)) ? VIEW_TYPE : VIEW_TYPE_ANY;
    const key = keyOf(type, uri);
    const known = [...this.opened].find(([document, open]) => keyOf(open.type, document.uri) === key)?.[0];
    if (standpoint && !known) this.standpoints.set(key, standpoint);
    try {
      await vscode.commands.executeCommand('vscode.openWith', uri, type, show);
    } finally {
      this.standpoints.delete(key);
    }
    if (standpoint && known) await known.lookFrom(standpoint);
  }

  /** The document that has a file open as one of its layers, and the layer's depth: the one in front before others. */
  holding(path: string): { readonly document: ImageDocument; readonly depth: number } | undefined {
    const front = this.active?.document;
    for (const document of [...(front ? [front] : []), ...this.opened.keys()]) {
      const layer = document.summary?.layers.find((each) => pathKey(each.path) === pathKey(path));
      if (layer) return { document, depth: layer.depth };
    }
    return undefined;
  }

  /** What stands on which image is known anew. */
  tellOverlays(): void {
    for (const panel of this.panels) panel.tellOverlays();
  }

  private provider(type: ViewType): vscode.CustomReadonlyEditorProvider<ImageDocument> {
    return {
      openCustomDocument: (uri) => this.openDocument(uri, type),
      resolveCustomEditor: (document, view) => {
        this.resolve(document, view);
      },
    };
  }

  private openDocument(uri: vscode.Uri, type: ViewType): ImageDocument {
    const document = new ImageDocument(uri, this.world, this.standpoints.get(keyOf(type, uri)));
    const watcher = new ChainWatcher(() => document.refresh());
    this.opened.set(document, { type, watcher });
    const show = (result: OpenResult): void => {
      if (!this.opened.has(document)) return;
      this.world.problems.set(document, uri, result);
      if (uri.scheme === 'file') watcher.watch([uri.fsPath, ...filesOf(document.summary)]);
      this.tellContext();
    };
    document.onDidClose(() => {
      watcher.dispose();
      this.opened.delete(document);
      this.world.problems.clear(document);
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

  private resolve(document: ImageDocument, view: vscode.WebviewPanel): void {
    const panel = new ImagePanel(document, view, {
      extension: this.world.extension,
      act: (from, action) => {
        this.world.act(from, action);
      },
      selected: (from) => {
        if (from === this.active) this.world.followed();
      },
      overlays: ({ uri }) => this.world.overlays(uri),
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
    this.opened.get(document)?.watcher.setVisible(this.isVisible(document));
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
    this.opened.get(document)?.watcher.setVisible(this.isVisible(document));
    this.tellContext();
  }

  private isVisible(document: ImageDocument): boolean {
    return [...this.panels].some((panel) => panel.document === document && panel.view.visible);
  }

  private tellContext(): void {
    const summary = this.active?.document.summary;
    const contexts = [
      [CONTEXT.imageOpen, summary !== undefined],
      [CONTEXT.comparing, summary?.comparison !== undefined],
      [CONTEXT.preview, summary?.layers[0]?.preview !== undefined],
    ] as const;
    for (const [key, value] of contexts) {
      if (value === (this.told.get(key) ?? false)) continue;
      this.told.set(key, value);
      void vscode.commands.executeCommand('setContext', key, value);
    }
  }
}

const keyOf = (type: ViewType, uri: vscode.Uri): string => `${type} ${uri.toString()}`;
