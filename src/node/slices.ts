import { setImmediate } from 'node:timers/promises';

/** A job works this long before messages get their turn. */
const SLICE_MS = 8;

/** Nobody looks at progress more often. */
const PROGRESS_MS = 40;

/** Passes on what is told, but for what comes within a moment of what was passed on last. */
export function seldom<T>(tell: (told: T) => void): (told: T) => void {
  let due = 0;
  return (told) => {
    const now = Date.now();
    if (now < due) return;
    due = now + PROGRESS_MS;
    tell(told);
  };
}

/** Lets the owner of a job stop it between two slices. */
export class StopToken {
  stopped = false;
  private readonly listeners: (() => void)[] = [];

  stop(): void {
    this.stopped = true;
    for (const listener of this.listeners.splice(0)) listener();
  }

  /** Tells once when the job is stopped. */
  onStop(listener: () => void): void {
    this.listeners.push(listener);
  }
}

/**
 * Runs a job in slices, so that its thread answers messages in between.
 * @param afterSlice is given the last progress of each slice
 * @returns what the job returns, or undefined when it was stopped
 */
export async function inSlices<P, T>(
  job: Generator<P, T, void>,
  token: StopToken,
  afterSlice: (progress: P) => void | Promise<void>,
): Promise<T | undefined> {
  for (;;) {
    await setImmediate();
    const end = Date.now() + SLICE_MS;
    if (token.stopped) return undefined;
    let step = job.next();
    for (;;) {
      if (step.done) return step.value;
      if (Date.now() >= end) break;
      step = job.next();
    }
    await afterSlice(step.value);
  }
}
