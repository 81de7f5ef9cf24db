import type { CheckProblem } from '../../../model';

/** Problems that are told one by one, of all kinds and of one kind; the rest is counted. */
export const MAX_PROBLEMS = 1000;
const MAX_OF_A_KIND = 250;

/** Entries of an L2 table: which states and guest bytes they stand for is found out in the end. */
export interface EntryPlace {
  /** Host offset of the table. */
  readonly table: number;
  /** The first entry, and how many there are where it is not alone. */
  readonly index: number;
  readonly entries?: number;
}

/** A problem as it is found: who claims the place, and what of the guest it touches, is not known yet. */
export interface Note extends Omit<CheckProblem, 'claims' | 'guest'> {
  readonly entry?: EntryPlace;
  /** A whole L2 table, by its host offset: all that it maps is touched. */
  readonly table?: number;
  /** Clusters of the file whose claims are to be looked for, `[start, end)`. */
  readonly clusters?: { readonly start: number; readonly end: number };
}

export type Description = Omit<Note, 'code' | 'counts' | 'times' | 'severity'>;

const SEVERITY = { corruption: 'error', error: 'error', further: 'error', leak: 'warning' } as const;

/** Counts what is found, and keeps the first of it. */
export class Notes {
  readonly kept: Note[] = [];
  private readonly sums = { corruption: 0, leak: 0, error: 0, further: 0 };
  private readonly keptOfCode = new Map<string, number>();
  private told = 0;

  /** @param describe is asked only where the note is kept: of a million bad entries most are just counted */
  add(counts: Note['counts'], times: number, code: string, describe: () => Description): void {
    this.sums[counts] += times;
    this.told += 1;
    const ofCode = (this.keptOfCode.get(code) ?? 0) + 1;
    if (this.kept.length === MAX_PROBLEMS || ofCode > MAX_OF_A_KIND) return;
    this.keptOfCode.set(code, ofCode);
    this.kept.push({ code, severity: SEVERITY[counts], counts, times, ...describe() });
  }

  count(what: CheckProblem['counts']): number {
    return this.sums[what];
  }

  /** Problems that are not kept. */
  get untold(): number {
    return this.told - this.kept.length;
  }
}
