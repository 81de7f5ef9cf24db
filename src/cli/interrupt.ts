import { inSlices, StopToken } from '../node/slices';
import type { ExitCode } from './verb';

/** What a shell says of a process that a signal ended: 128 and the signal's number. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

/** A signal ended the work, which has put away what it began. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor(readonly code: ExitCode) {
    super('stopped: nothing was written');
  }
}

/**
 * Runs a job so that a signal to end lets it clean up first; a second one ends it at once.
 * @throws Interrupted
 */
export async function interruptible<P, T>(job: Generator<P, T, void>, tell: (progress: P) => void): Promise<T> {
  const token = new StopToken();
  let code: ExitCode | undefined;
  const stop = (signal: Signal): void => {
    code = SIGNALS[signal];
    token.stop();
    forget();
  };
  const names = Object.keys(SIGNALS) as Signal[];
  const forget = (): void => {
    for (const name of names) process.off(name, stop);
  };
  for (const name of names) process.on(name, stop);
  try {
    const result = await inSlices(job, token, tell);
    if (result !== undefined || code === undefined) return result as T;
    throw new Interrupted(code);
  } finally {
    forget();
    job.return(undefined as T);
  }
}
