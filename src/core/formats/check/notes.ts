import type { CheckCounts, CheckProblem } from '../../model';

/** Problems that are told one by one, of all kinds and of one kind; the rest is counted. */
export const MAX_PROBLEMS = 1000;
const MAX_OF_A_KIND = 250;

/** A problem as it is found: who claims the place, and what of the guest it touches, may not be known yet. */
export type NotedProblem = Omit<CheckProblem, 'claims' | 'guest'>;

type Settled = 'code' | 'counts' | 'times' | 'severity';

const SEVERITY = { corruption: 'error', error: 'error', further: 'error', leak: 'warning' } as const;

/** Counts what is found, and keeps the first of it. */
export class Notes<N extends NotedProblem = NotedProblem> {
  readonly kept: N[] = [];
  private readonly sums = { corruption: 0, leak: 0, error: 0, further: 0 };
  private readonly keptOfCode = new Map<string, number>();
  private told = 0;

  /** @param describe is asked only where the note is kept: of a million bad entries most are just counted */
  add(counts: CheckProblem['counts'], times: number, code: string, describe: () => Omit<N, Settled>): void {
    this.sums[counts] += times;
    this.told += 1;
    const ofCode = (this.keptOfCode.get(code) ?? 0) + 1;
    if (this.kept.length === MAX_PROBLEMS || ofCode > MAX_OF_A_KIND) return;
    this.keptOfCode.set(code, ofCode);
    const settled: Pick<NotedProblem, Settled> = { code, severity: SEVERITY[counts], counts, times };
    this.kept.push({ ...settled, ...describe() } as N);
  }

  count(what: CheckProblem['counts']): number {
    return this.sums[what];
  }

  /** All of them, as a check tells them. */
  get counts(): Pick<CheckCounts, 'checkErrors' | 'corruptions' | 'leaks' | 'further'> {
    const { error, corruption, leak, further } = this.sums;
    return { checkErrors: error, corruptions: corruption, leaks: leak, further };
  }

  /** Problems that are not kept. */
  get untold(): number {
    return this.told - this.kept.length;
  }
}
