import * as vscode from 'vscode';
import type { WireError } from '../../core/errors';
import { DiskError, oneLine, toWire } from '../../core/errors';
import type { ImageWorker, WorkerStart } from '../../node/workerClient';
import type { ImageSummary, LayerSummary, OpenResult, Standpoint } from '../../protocol/image';
import type { GatePolicy, WorkerCalls, WorkerEvents, WorkName } from '../../protocol/worker';
import type { HostEvents } from '../../protocol/webview';
import { pathKey } from '../paths';

/** The disk as the VM would see it now. */
const NOW: Standpoint = { depth: 0, view: '' };

export interface DocumentWorld {
  createWorker(start: WorkerStart): ImageWorker;
  policy(image: string): GatePolicy;
  readonly log: vscode.LogOutputChannel;
}

/** What is selected in a panel: a guest offset, the picked layer or else the owner there, and what is picked. */
export interface Selection {
  readonly offset: number | null;
  readonly layer: number | null;
  readonly picked: number | null;
}

/** Calls that panels make through their document. */
type PanelCall = 'look' | 'pixels' | 'trace' | 'read' | 'difference' | 'cancel' | WorkName;

/**
 * One open image: owns the worker that reads it, and knows what was last said of it. All panels of an image share it,
 * and so its standpoint. A worker that ends by itself is told of as a failed image; `refresh` starts another.
 */
export class ImageDocument implements vscode.CustomDocument {
  private readonly reopened = new vscode.EventEmitter<OpenResult>();
  /** The file was read anew. */
  readonly onDidReopen = this.reopened.event;
  private readonly changed = new vscode.EventEmitter<ImageSummary>();
  /** The map, the findings or the standpoint changed. */
  readonly onDidChange = this.changed.event;
  private readonly progressed = new vscode.EventEmitter<WorkerEvents['progress']>();
  readonly onDidProgress = this.progressed.event;
  private readonly worked = new vscode.EventEmitter<HostEvents['working']>();
  /** Work that was asked for began, went on or ended. */
  readonly onDidWork = this.worked.event;
  private readonly closed = new vscode.EventEmitter<undefined>();
  /** The last panel is gone. */
  readonly onDidClose = this.closed.event;

  private worker: ImageWorker | undefined;
  private latest: OpenResult | undefined;
  private loading: Promise<OpenResult>;
  private queued: Promise<OpenResult> | undefined;
  private standpoint: Standpoint | undefined;
  /** The file of the layer that it is looked at from: a depth means another one once a layer came or went. */
  private stoodOn: string | undefined;
  private readonly running = new Map<WorkName, Pick<HostEvents['working'], 'work' | 'depth'>>();
  private settling = false;
  private forceRaw = false;
  private shown = false;
  private disposed = false;

  constructor(
    readonly uri: vscode.Uri,
    private readonly world: DocumentWorld,
    standpoint?: Standpoint,
  ) {
    this.standpoint = standpoint;
    this.shown = standpoint !== undefined;
    this.loading = this.load();
  }

  dispose(): void {
    this.disposed = true;
    this.endWorker();
    this.reopened.dispose();
    this.changed.dispose();
    this.progressed.dispose();
    this.worked.dispose();
    this.closed.fire(undefined);
    this.closed.dispose();
  }

  /** What there is to show, once known. Never fails: a failure is something to show. */
  async result(): Promise<OpenResult> {
    const result = await this.loading;
    return this.latest ?? result;
  }

  /**
   * The same for a page that has just come up. Where nothing was looked at yet (a window was loaded anew), an image is
   * shown from where the page stood before.
   */
  async resultFor(stood: Standpoint | null): Promise<OpenResult> {
    const fresh = !this.shown;
    this.shown = true;
    if (fresh && stood) {
      // The snapshot or layer may be gone since.
      await this.lookFrom(stood).catch((error: unknown) => {
        this.world.log.debug(oneLine(error));
      });
    }
    return this.result();
  }

  /** The chain as last told, while one is shown. */
  get summary(): ImageSummary | undefined {
    return this.latest?.kind === 'image' ? this.latest.summary : undefined;
  }

  /** Reads the file and its parents anew, keeping the standpoint. Calls that come while one waits share it. */
  refresh(): Promise<OpenResult> {
    this.queued ??= this.loading.then((known) => {
      this.queued = undefined;
      return this.disposed ? known : this.reopen();
    });
    return this.queued;
  }

  /** Takes the file as a raw disk whatever it holds. */
  openAsRaw(): Promise<OpenResult> {
    this.forceRaw = true;
    return this.refresh();
  }

  /** Moves the standpoint, for all panels. */
  async look(standpoint: Standpoint): Promise<ImageSummary> {
    const summary = await this.call('look', standpoint);
    this.remember(summary);
    this.take(summary);
    return summary;
  }

  /** The same, once there is an image, unless it is looked at from there already. */
  async lookFrom(standpoint: Standpoint): Promise<void> {
    await this.result();
    const now = this.summary?.standpoint;
    if (now && (now.depth !== standpoint.depth || now.view !== standpoint.view)) await this.look(standpoint);
  }

  /** Has the worker do something that takes a while. @returns null when it was cancelled */
  async work<N extends WorkName>(work: N, params: WorkerCalls[N]['params']): Promise<WorkerCalls[N]['result']> {
    const depth = params && 'depth' in params ? params.depth : undefined;
    const running = { work, depth };
    this.running.set(work, running);
    this.worked.fire({ ...running, share: 0 });
    try {
      return await this.call(work, params);
    } finally {
      // Asked for again, it goes on.
      if (this.running.get(work) === running) {
        this.running.delete(work);
        this.worked.fire({ ...running, share: null });
      }
    }
  }

  /** @throws what the worker answers; an error when there is no worker to ask */
  async call<N extends PanelCall>(name: N, params: WorkerCalls[N]['params']): Promise<WorkerCalls[N]['result']> {
    const { worker } = this;
    if (!worker) throw new DiskError('not-found', 'The image is not open', { file: this.uri.fsPath }, 'Refresh it');
    return worker.call(name, params);
  }

  private async reopen(): Promise<OpenResult> {
    this.loading = this.load();
    const result = await this.loading;
    if (!this.disposed) this.reopened.fire(result);
    return result;
  }

  private async load(): Promise<OpenResult> {
    const started = Date.now();
    const result = await this.read();
    if (this.disposed) return result;
    this.latest = result;
    // The layer or snapshot that was looked at may be gone from the file.
    if (result.kind === 'image') this.remember(result.summary);
    const what = result.kind === 'failed' ? `failed: ${result.error.message}` : result.kind;
    this.world.log.debug(`${this.uri.fsPath}: ${what}, ${Date.now() - started} ms`);
    return result;
  }

  private async read(): Promise<OpenResult> {
    if (this.uri.scheme !== 'file') return { kind: 'failed', error: notAFile(this.uri) };
    const path = this.uri.fsPath;
    const { standpoint, forceRaw } = this;
    try {
      const worker = (this.worker ??= this.startWorker());
      // What is told while the place is not yet found again is of another layer.
      this.settling = this.stoodOn !== undefined;
      const result = await worker.call('open', { path, policy: this.world.policy(path), forceRaw, standpoint });
      return result.kind === 'image' ? { kind: 'image', summary: await this.settle(worker, result.summary) } : result;
    } catch (error) {
      return { kind: 'failed', error: toWire(error) };
    } finally {
      this.settling = false;
    }
  }

  /** Follows the file that was looked at to its new depth; where it is no longer a layer, the current state is shown. */
  private async settle(worker: ImageWorker, summary: ImageSummary): Promise<ImageSummary> {
    const { stoodOn, standpoint } = this;
    if (stoodOn === undefined || !standpoint) return summary;
    const isIt = (layer: LayerSummary | undefined): boolean => layer !== undefined && pathKey(layer.path) === stoodOn;
    if (isIt(summary.layers[summary.standpoint.depth])) return summary;
    const moved = summary.layers.find(isIt);
    const has = moved?.views.some(({ id }) => id === standpoint.view) === true;
    return worker.call('look', moved && has ? { depth: moved.depth, view: standpoint.view } : NOW);
  }

  private remember({ standpoint, layers }: ImageSummary): void {
    const layer = layers[standpoint.depth];
    this.standpoint = standpoint;
    this.stoodOn = layer && pathKey(layer.path);
  }

  private startWorker(): ImageWorker {
    const worker = this.world.createWorker({ opensImage: true });
    worker.on('progress', (progress) => {
      this.progressed.fire(progress);
    });
    worker.on('working', ({ work, done, total }) => {
      const running = this.running.get(work);
      if (running) this.worked.fire({ ...running, share: total > 0 ? Math.min(1, done / total) : 0 });
    });
    worker.on('changed', (summary) => {
      this.take(summary);
    });
    worker.onExit((reason) => {
      this.crashed(worker, reason);
    });
    return worker;
  }

  /** A call that waits fails by itself; a scan that nobody waits for is told of here. */
  private crashed(worker: ImageWorker, reason: Error): void {
    if (this.disposed || this.worker !== worker) return;
    this.world.log.error(`${this.uri.fsPath}: ${reason.message}`);
    this.worker = undefined;
    this.latest = { kind: 'failed', error: crashError(this.uri.fsPath, reason) };
    this.reopened.fire(this.latest);
  }

  private endWorker(): void {
    this.worker?.dispose();
    this.worker = undefined;
  }

  private take(summary: ImageSummary): void {
    if (this.disposed || this.settling || (this.summary && summary.generation < this.summary.generation)) return;
    this.latest = { kind: 'image', summary };
    this.changed.fire(summary);
  }
}

const crashError = (file: string, reason: Error): WireError => ({
  code: 'internal',
  message: `Reading the image ended unexpectedly: ${reason.message}`,
  advice: 'Refresh to read it again. If that ends the same way, see the log “VM Disk Explorer” in the Output panel',
  file,
});

const notAFile = (uri: vscode.Uri): WireError => ({
  code: 'unsupported',
  message: `Disk images are read in place, a few pieces at a time, and “${uri.scheme}:” is not a place on a disk`,
  advice: 'Open the folder that holds the file, or copy the file to this machine, and open it from there',
});
