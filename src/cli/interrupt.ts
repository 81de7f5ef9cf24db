import { inSlices, StopToken } from '../node/slices';
import type { ExitCode } from './verb';

/** What a shell says of a process that a signal ended: 128 and the signal's number. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

/** A signal ended the work, which has put away what it began. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor(
    readonly code: ExitCode,
    message = 'stopped: nothing was written',
  ) {
    super(message);
  }
}

/**
 * Hears the first signal to end; a second one ends the process at once.
 * @returns the exit code that the signal asks for, once there was one, and a way to stop listening
 */
export function onInterrupt(stop: () => void): { readonly code: ExitCode | undefined; forget(): void } {
  const state: { code: ExitCode | undefined; forget(): void } = {
    code: undefined,
    forget: () => {
      for (const name of names) process.off(name, heard);
    },
  };
  const heard = (signal: Signal): void => {
    state.code = SIGNALS[signal];
    state.forget();
    stop();
  };
  const names = Object.keys(SIGNALS) as Signal[];
  for (const name of names) process.on(name, heard);
  return state;
}

/**
 * Runs a job so that a signal to end lets it clean up first; a second one ends it at once.
 * @throws Interrupted
 */
export async function interruptible<P, T>(job: Generator<P, T, void>, tell: (progress: P) => void): Promise<T> {
  const token = new StopToken();
  const interrupt = onInterrupt(() => {
    token.stop();
  });
  try {
    const result = await inSlices(job, token, tell);
    if (result !== undefined || interrupt.code === undefined) return result as T;
    throw new Interrupted(interrupt.code);
  } finally {
    interrupt.forget();
    job.return(undefined as T);
  }
}
