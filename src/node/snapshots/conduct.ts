import type { Job, QemuCommand } from '../../core';
import { oneLine } from '../../core';
import { commandText, runQemuImg } from '../qemuImg';
import type { QemuImg, QemuImgEnd } from '../qemuImg';
import { inSlices, StopToken } from '../slices';

/** How long work on images is watched and ended. */
export interface Conduct {
  readonly signal?: AbortSignal | undefined;
  /** What is being done, and how far it is, 0 … 1, where that is known. */
  readonly progress?: (what: string, share: number | undefined) => void;
  /** When a search is to be content with what it has found, milliseconds since 1970. */
  readonly until?: number | undefined;
  /** Each command line right before it is run. */
  readonly running?: (command: string) => void;
  /** How it ended, and what it said. */
  readonly ran?: (command: string, end: string) => void;
}

/**
 * Runs a command, telling it first.
 * @param fine exit codes that are an answer; 0 when left out
 * @throws DiskError `io`; `AbortError` when it was ended
 */
export async function conduct(
  tool: QemuImg,
  { args, what }: QemuCommand,
  { signal, progress, running, ran }: Conduct,
  fine?: readonly number[],
): Promise<QemuImgEnd> {
  const command = commandText(args, tool);
  running?.(command);
  progress?.(what, undefined);
  try {
    const end = await runQemuImg(tool, args, { signal, fine, progress: (share) => progress?.(what, share) });
    ran?.(command, [end.stdout, end.stderr].map(said).filter(Boolean).join('\n'));
    return end;
  } catch (error) {
    ran?.(command, signal?.aborted === true ? 'ended before it was through' : oneLine(error));
    throw error;
  }
}

/** Without the lines that only count up to a hundred. */
const said = (output: string): string => output.replace(/^.*\(\d+(?:\.\d+)?\/100%\)\r?/gm, '').trim();

/** Runs a job of the core in slices. @throws what the job throws; `AbortError` when it was ended */
export async function runJob<T>(job: Job<T>, what: string, { signal, progress }: Conduct): Promise<T> {
  signal?.throwIfAborted();
  const token = new StopToken();
  const stop = (): void => {
    token.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  // A short job is through before its first slice ends.
  progress?.(what, undefined);
  try {
    let result: { readonly value: T } | undefined;
    const told = function* (): Job<void> {
      result = { value: yield* job };
    };
    await inSlices(told(), token, ({ done, total }) => progress?.(what, total === 0 ? undefined : done / total));
    signal?.throwIfAborted();
    if (!result) throw new Error('the job ended without a result');
    return result.value;
  } finally {
    signal?.removeEventListener('abort', stop);
    job.return(undefined as T);
  }
}
