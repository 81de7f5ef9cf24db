import { Worker } from 'node:worker_threads';
import { fromWire, toWire } from '../core/errors';
import type { Message } from '../protocol/rpc';
import { Endpoint } from '../protocol/rpc';
import type { WorkerCalls, WorkerEvents } from '../protocol/worker';

/** For objects; what is large, the columns of a map, lies outside the heap and has a limit of its own (`session.ts`). */
const MAX_HEAP_MB = 2048;

export interface WorkerStart {
  /** Whether an image is going to be opened: a helper thread for its scan starts at the same time. */
  readonly opensImage?: boolean;
}

type Outgoing = Endpoint<WorkerCalls, Record<string, never>, Record<string, never>, WorkerEvents>;

/** A worker thread and the typed calls to it. When the thread ends, whatever it was asked fails. */
export class ImageWorker {
  private readonly worker: Worker;
  private readonly endpoint: Outgoing;
  private readonly exitListeners = new Set<(reason: Error) => void>();
  private disposed = false;

  /**
   * @param workerPath the bundled worker, an absolute path
   * @param workerData what the thread is told as it starts
   */
  constructor(workerPath: string, workerData: WorkerStart = {}) {
    this.worker = new Worker(workerPath, { workerData, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    this.endpoint = new Endpoint(
      {
        send: (message) => {
          this.worker.postMessage(message);
        },
        toWire,
        fromWire,
      },
      {},
    );
    this.worker.on('message', (message: Message) => {
      this.endpoint.receive(message);
    });
    this.worker.on('error', (error) => {
      this.end(error);
    });
    this.worker.on('exit', (code) => {
      this.end(new Error(`the worker ended with code ${code}`));
    });
  }

  call<N extends keyof WorkerCalls>(name: N, params: WorkerCalls[N]['params']): Promise<WorkerCalls[N]['result']> {
    return this.endpoint.call(name, params);
  }

  /** @returns a function that stops the listening */
  on<N extends keyof WorkerEvents>(name: N, listener: (data: WorkerEvents[N]) => void): () => void {
    return this.endpoint.on(name, listener);
  }

  /** Tells when the worker ends by itself: it crashed, or ran out of memory. */
  onExit(listener: (reason: Error) => void): () => void {
    this.exitListeners.add(listener);
    return () => this.exitListeners.delete(listener);
  }

  dispose(): void {
    this.disposed = true;
    this.end(new Error('the image was closed'));
    void this.worker.terminate();
  }

  private end(reason: Error): void {
    this.endpoint.close(reason);
    const listeners = this.disposed ? [] : [...this.exitListeners];
    this.exitListeners.clear();
    for (const listener of listeners) listener(reason);
  }
}
