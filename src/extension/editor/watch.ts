import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';

/** A burst of changes is taken as one. */
const SETTLE_MS = 400;
/** Where no event comes (remote file systems, folders outside the workspace) a look at the files does. */
const POLL_MS = 3000;
/** An image that a VM writes to is read anew no more often than this many times its own reading time. */
const REST_FACTOR = 4;

/**
 * Watches the files of one chain and calls `changed`. Changes are gathered while that runs and for a while after, so
 * a disk that is being written to does not keep the machine busy.
 */
export class ChainWatcher implements vscode.Disposable {
  private watchers: vscode.Disposable[] = [];
  private paths: readonly string[] = [];
  private stamps = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private poll: NodeJS.Timeout | undefined;
  private looking = false;
  private asked = 0;
  private dirty = false;
  private telling = false;
  private visible = false;
  private notBefore = 0;
  private disposed = false;

  constructor(private readonly changed: () => Promise<unknown>) {}

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    clearInterval(this.poll);
    for (const watcher of this.watchers) watcher.dispose();
  }

  /** @param paths absolute; files that are not there are watched for coming */
  watch(paths: readonly string[]): void {
    const all = [...new Set(paths)];
    if (all.join('\n') === this.paths.join('\n')) return;
    this.paths = all;
    for (const watcher of this.watchers) watcher.dispose();
    this.watchers = [...new Set(all.map((path) => dirname(path)))].map((folder) => this.watchFolder(folder));
    void this.look();
  }

  /** Whether a panel is on screen: only then are the files looked at from time to time, and changes told of. */
  setVisible(visible: boolean): void {
    if (visible === this.visible) return;
    this.visible = visible;
    clearInterval(this.poll);
    this.poll = undefined;
    if (!visible) return;
    this.poll = setInterval(() => void this.look(), POLL_MS);
    void this.look();
    this.schedule();
  }

  private watchFolder(folder: string): vscode.Disposable {
    const names = new Set(this.paths.filter((path) => dirname(path) === folder).map((path) => basename(path)));
    // The folder and not the file: its name may hold what a pattern takes for its own.
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(folder), '*'));
    const touched = (uri: vscode.Uri): void => {
      if (names.has(basename(uri.fsPath))) void this.look();
    };
    return vscode.Disposable.from(
      watcher,
      watcher.onDidCreate(touched),
      watcher.onDidChange(touched),
      watcher.onDidDelete(touched),
    );
  }

  /** Compares each file's identity, size and times with what they were. */
  private async look(): Promise<void> {
    this.asked += 1;
    if (this.looking) return;
    this.looking = true;
    let answering: number;
    do {
      answering = this.asked;
      const { paths } = this;
      const now = new Map<string, string>();
      for (const path of paths) now.set(path, await stampOf(path));
      if (paths.some((path) => this.stamps.has(path) && this.stamps.get(path) !== now.get(path))) this.dirty = true;
      this.stamps = now;
    } while (answering !== this.asked);
    this.looking = false;
    this.schedule();
  }

  private schedule(): void {
    if (!this.dirty || !this.visible || this.telling || this.timer || this.disposed) return;
    this.timer = setTimeout(() => void this.tell(), Math.max(SETTLE_MS, this.notBefore - Date.now()));
  }

  private async tell(): Promise<void> {
    this.timer = undefined;
    this.dirty = false;
    this.telling = true;
    const started = Date.now();
    await this.changed();
    const ended = Date.now();
    this.notBefore = ended + (ended - started) * REST_FACTOR;
    this.telling = false;
    void this.look();
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
