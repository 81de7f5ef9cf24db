import * as vscode from 'vscode';
import { oneLine } from '../../core/errors';
import type { ImageWorker } from '../../node/workerClient';
import type { MaintenanceCalls } from '../../protocol/maintenance';
import { SETTINGS } from '../ids';
import { message, plain } from '../text';

/** The worker is given up this long after its last answer. */
const IDLE_MS = 60_000;
const CHANNEL = 'VM Disk: qemu-img';

type Params<N extends keyof MaintenanceCalls> = MaintenanceCalls[N]['params'];
type Result<N extends keyof MaintenanceCalls> = MaintenanceCalls[N]['result'];

/** Calls that take a while: each gives null when it was cancelled. */
export type JobName = {
  [N in keyof MaintenanceCalls]: null extends Result<N> ? N : never;
}[Exclude<keyof MaintenanceCalls, 'stopMaintenance'>];

/** The qemu-img that is there, or why there is none. */
export type Tool = Result<'qemuImg'>;

/**
 * What changes images does so in a worker of its own, which comes with the first call and goes when nothing was asked of
 * it for a while. Its commands are told in an output channel, as they run.
 */
export class Maintenance implements vscode.Disposable {
  private worker: ImageWorker | undefined;
  private channel: vscode.OutputChannel | undefined;
  private idle: NodeJS.Timeout | undefined;
  private asked = 0;
  private progressed: ((what: string, share: number | null) => void) | undefined;

  constructor(private readonly createWorker: () => ImageWorker) {}

  dispose(): void {
    clearTimeout(this.idle);
    this.worker?.dispose();
    this.channel?.dispose();
  }

  /** @throws what the worker answers */
  async call<N extends keyof MaintenanceCalls>(name: N, params: Params<N>): Promise<Result<N>> {
    clearTimeout(this.idle);
    this.asked += 1;
    try {
      return await (this.worker ??= this.start()).call(name, params);
    } finally {
      this.asked -= 1;
      if (this.asked === 0) this.idle = setTimeout(() => this.end(), IDLE_MS);
    }
  }

  /** The same for what takes a moment: the status bar says what is done. */
  brief<N extends keyof MaintenanceCalls>(name: N, params: Params<N>, title: string): Thenable<Result<N>> {
    const location = vscode.ProgressLocation.Window;
    return vscode.window.withProgress({ location, title: message(title) }, () => this.call(name, params));
  }

  /**
   * The same for what takes a while, with progress and a way to cancel it.
   * @returns null when it was cancelled
   */
  async job<N extends JobName>(name: N, params: Params<N>, title: string): Promise<Result<N> | null> {
    const location = vscode.ProgressLocation.Notification;
    return vscode.window.withProgress(
      { location, title: message(title), cancellable: true },
      async (progress, token) => {
        let told = 0;
        const before = this.progressed;
        this.progressed = (what, share) => {
          const increment = share === null ? 0 : Math.max(0, share * 100 - told);
          // Each step of a job counts from the beginning.
          told = share === null || share * 100 < told ? 0 : share * 100;
          progress.report({ message: plain(what), increment });
        };
        const listening = token.onCancellationRequested(() => void this.call('stopMaintenance', null));
        try {
          return await this.call(name, params);
        } catch (error) {
          this.channel?.appendLine(plain(oneLine(error)));
          throw error;
        } finally {
          listening.dispose();
          this.progressed = before;
        }
      },
    );
  }

  /** The qemu-img to use: that of the setting, else the one on PATH. */
  tool(): Promise<Tool> {
    return this.call('qemuImg', { qemuImg: this.qemuImg });
  }

  /** What a person has set, or nothing. Of a workspace that is not trusted VS Code itself gives no value. */
  get qemuImg(): string {
    return vscode.workspace.getConfiguration(SETTINGS).get('qemuImgPath', '').trim();
  }

  showOutput(): void {
    this.output.show(true);
  }

  private get output(): vscode.OutputChannel {
    return (this.channel ??= vscode.window.createOutputChannel(CHANNEL));
  }

  private start(): ImageWorker {
    const worker = this.createWorker();
    worker.on('maintaining', ({ what, share }) => this.progressed?.(what, share));
    worker.on('running', ({ command }) => {
      this.output.appendLine(`${new Date().toISOString()}  ${plain(command)}`);
    });
    worker.on('ran', ({ end }) => {
      for (const line of (end === '' ? 'done' : end).split('\n')) this.output.appendLine(`    ${plain(line)}`);
    });
    worker.onExit(() => {
      if (this.worker === worker) this.worker = undefined;
    });
    return worker;
  }

  private end(): void {
    this.worker?.dispose();
    this.worker = undefined;
  }
}
