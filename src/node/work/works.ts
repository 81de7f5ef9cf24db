import type { Progress } from '../../core';
import type { WorkName } from '../../protocol/worker';
import { inSlices, StopToken } from '../slices';

/** Runs work in slices, one of each name at a time: asked for again, the earlier one is cancelled. */
export class Works {
  private readonly running = new Map<WorkName, StopToken>();

  constructor(private readonly tell: (work: WorkName, progress: Progress) => void) {}

  /** @returns what the job returns, or null when it was cancelled; the job is then dropped */
  async run<T>(work: WorkName, job: Generator<Progress, T, void>): Promise<T | null> {
    this.cancel(work);
    const token = new StopToken();
    this.running.set(work, token);
    try {
      const result = await inSlices(job, token, (progress) => {
        this.tell(work, progress);
      });
      return token.stopped ? null : (result ?? null);
    } finally {
      job.return(undefined as T);
      if (this.running.get(work) === token) this.running.delete(work);
    }
  }

  cancel(work: WorkName): void {
    this.running.get(work)?.stop();
  }
}
