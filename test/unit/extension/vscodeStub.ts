import Module from 'node:module';

/**
 * The little of VS Code that documents and panels use as values, for tests outside an extension host. To be imported
 * before what it stands in for.
 */
export class EventEmitter<T> {
  private readonly listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void): { dispose: () => void } => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };

  fire(value: T): void {
    for (const listener of this.listeners) listener(value);
  }

  dispose(): void {
    this.listeners.clear();
  }
}

/** What a notification with progress was told so far. */
export const reported: unknown[] = [];

const never = { onCancellationRequested: () => ({ dispose: () => undefined }) };
const window = {
  withProgress: <T>(_look: unknown, task: (progress: unknown, cancelled: typeof never) => T): T => {
    reported.length = 0;
    return task({ report: (step: unknown) => reported.push(step) }, never);
  },
};

type Load = (request: string, ...rest: unknown[]) => unknown;
const loader = Module as unknown as { _load: Load };
const load = loader._load;
loader._load = function (this: unknown, request, ...rest) {
  if (request !== 'vscode') return load.call(this, request, ...rest);
  return {
    EventEmitter,
    ProgressLocation: { Notification: 15, Window: 10 },
    Uri: { joinPath: (base: unknown) => base },
    window,
  };
};
