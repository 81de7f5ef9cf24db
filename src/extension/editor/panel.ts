import * as vscode from 'vscode';
import { fromWire, toWire } from '../../core/errors';
import type { Message } from '../../protocol/rpc';
import { Endpoint } from '../../protocol/rpc';
import type { HostEvents, PageAction, PageEvents, WebviewCalls } from '../../protocol/webview';
import type { ImageDocument, Selection } from './document';
import { pageRoots } from '../page';
import { editorHtml } from './html';

type NoCalls = Record<string, never>;

/** What a panel needs of the extension around it. */
export interface PanelWorld {
  readonly extension: vscode.Uri;
  act(panel: ImagePanel, action: PageAction): void;
  selected(panel: ImagePanel): void;
  /** How many images are known to stand on the document's. */
  overlays(document: ImageDocument): number;
}

/** One page that shows an image: answers its calls from the document, and passes on what the document tells. */
export class ImagePanel implements vscode.Disposable {
  selection: Selection = { offset: null, layer: null, picked: null };
  /** The page is up and has been given something to draw. Fails when it is closed before. */
  readonly ready: Promise<void>;
  private readonly endpoint: Endpoint<NoCalls, WebviewCalls, HostEvents, PageEvents>;
  private readonly disposables: vscode.Disposable[] = [];
  private isClosed: (reason: Error) => void = () => undefined;
  private disposed = false;
  /** How many images the page was told of. */
  private overlays = 0;

  constructor(
    readonly document: ImageDocument,
    readonly view: vscode.WebviewPanel,
    private readonly world: PanelWorld,
  ) {
    const { webview } = view;
    let isReady = (): void => undefined;
    this.ready = new Promise((resolve, reject) => {
      isReady = resolve;
      this.isClosed = reject;
    });
    // Whoever waits is told; where nobody does it is no failure.
    this.ready.catch(() => undefined);
    const wire = { send: (message: Message) => void webview.postMessage(message), toWire, fromWire };
    this.endpoint = new Endpoint<NoCalls, WebviewCalls, HostEvents, PageEvents>(wire, {
      ready: async ({ standpoint }) => {
        const result = await document.resultFor(standpoint);
        isReady();
        this.overlays = 0; // a page that comes back knows of none
        this.tellOverlays();
        return result;
      },
      look: (standpoint) => document.look(standpoint),
      pixels: (request) => document.call('pixels', request),
      trace: (request) => document.call('trace', request),
      read: (request) => document.call('read', request),
      difference: (params) => document.call('difference', params),
      copy: async ({ text, what }) => {
        await vscode.env.clipboard.writeText(text);
        vscode.window.setStatusBarMessage(`Copied ${what}`, 2500);
        return null;
      },
    });
    this.endpoint.on('action', (action) => {
      world.act(this, action);
    });
    this.endpoint.on('selection', (selection) => {
      this.selection = selection;
      world.selected(this);
    });
    this.disposables.push(
      webview.onDidReceiveMessage((message: Message) => {
        this.endpoint.receive(message);
      }),
      document.onDidReopen((result) => {
        this.endpoint.emit('opened', result);
      }),
      document.onDidChange((summary) => {
        this.endpoint.emit('changed', summary);
      }),
      document.onDidProgress((progress) => {
        this.endpoint.emit('progress', progress);
      }),
      document.onDidWork((working) => {
        this.endpoint.emit('working', working);
      }),
    );
    webview.options = { enableScripts: true, localResourceRoots: pageRoots(world.extension) };
    webview.html = editorHtml(webview, world.extension, view.title);
  }

  dispose(): void {
    const reason = new Error('the page is closed');
    this.disposed = true;
    this.isClosed(reason);
    this.endpoint.close(reason);
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** Selects and shows a guest offset; with `trace` the focus goes to the walk of a read. */
  async goTo(offset: number, trace: boolean): Promise<void> {
    if (!(await this.isUp())) return;
    this.view.reveal(undefined, false);
    this.endpoint.emit('goTo', { offset, trace });
  }

  async pickLayer(depth: number | null): Promise<void> {
    if (!(await this.isUp())) return;
    this.endpoint.emit('pickLayer', { depth });
  }

  /** Others may have come to stand on the image, or gone. */
  tellOverlays(): void {
    const count = this.world.overlays(this.document);
    if (count === this.overlays) return;
    this.overlays = count;
    this.endpoint.emit('overlays', { count });
  }

  /** @returns false when the page was closed instead: there is nothing to show a place in, and nobody to tell */
  private async isUp(): Promise<boolean> {
    await this.ready.catch(() => undefined);
    return !this.disposed;
  }
}
