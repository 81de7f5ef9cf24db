import type { Use } from '../../model';

/** A part of a file, `[start, end)`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** A part of the file that stands once and is no block: a header, a table. */
export interface Structure extends Part {
  /** For messages: "the header", "the L2 table at L1 index 5". */
  readonly what: string;
  readonly use: Use;
  /** What of the file says where it is. */
  readonly from?: Part | undefined;
  /** What of the guest's disk it maps, `[start, end)`. */
  readonly maps?: Part | undefined;
}
