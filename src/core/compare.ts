import type { Ranges } from './model';

/** What a comparison of two disks found. */
export interface Comparison {
  readonly different: Ranges;
  /** Bytes that differ. */
  readonly bytes: number;
  /** Ranges that could not be compared, since one side is unknown or can't be read. */
  readonly unknown: Ranges;
  /** Bytes that were not read, since both sides answer from the same place in the same file. */
  readonly skipped: number;
}
