import type { NotedProblem } from '../../check/notes';
import { Notes as AllNotes } from '../../check/notes';

/** Entries of an L2 table: which states and guest bytes they stand for is found out in the end. */
export interface EntryPlace {
  /** Host offset of the table. */
  readonly table: number;
  /** The first entry, and how many there are where it is not alone. */
  readonly index: number;
  readonly entries?: number;
}

/** A problem as it is found: who claims the place, and what of the guest it touches, is not known yet. */
export interface Note extends NotedProblem {
  readonly entry?: EntryPlace;
  /** A whole L2 table, by its host offset: all that it maps is touched. */
  readonly table?: number;
  /** Clusters of the file whose claims are to be looked for, `[start, end)`. */
  readonly clusters?: { readonly start: number; readonly end: number };
}

export type Description = Omit<Note, 'code' | 'counts' | 'times' | 'severity'>;

export class Notes extends AllNotes<Note> {}
