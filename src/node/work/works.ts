import type { Progress } from '../../core';
import type { WorkName } from '../../protocol/worker';
import { inSlices, seldom, StopToken } from '../slices';

/** Runs work, one of each name at a time: asked for again, the earlier one is cancelled. */
export class Works {
  private readonly running = new Map<WorkName, StopToken>();

  constructor(private readonly tell: (work: WorkName, progress: Progress) => void) {}

  /**
   * Runs a job in slices.
   * @returns what the job returns, or null when it was cancelled; the job is then dropped
   */
  async run<T>(work: WorkName, job: Generator<Progress, T, void>): Promise<T | null> {
    try {
      return await this.watch(work, (token, progress) => inSlices(job, token, progress));
    } finally {
      job.return(undefined as T);
    }
  }

  /**
   * Runs work that watches its token itself.
   * @returns what it comes to, or null when it was cancelled
   */
  async watch<T>(
    work: WorkName,
    begin: (token: StopToken, progress: (progress: Progress) => void) => Promise<T | undefined>,
  ): Promise<T | null> {
    this.cancel(work);
    const token = new StopToken();
    this.running.set(work, token);
    try {
      const tell = seldom<Progress>((progress) => {
        this.tell(work, progress);
      });
      const result = await begin(token, tell);
      return token.stopped ? null : (result ?? null);
    } finally {
      if (this.running.get(work) === token) this.running.delete(work);
    }
  }

  cancel(work: WorkName): void {
    this.running.get(work)?.stop();
  }
}
