import type { EntryFormat } from './grainEntries';

/** A grain directory: an entry for each table of grains. */
export interface DirectoryPlace {
  /** Where it begins in the file. */
  readonly offset: number;
  readonly entries: number;
}

/** Where a sparse extent keeps its grains, of whichever of the three kinds it is. All in bytes. */
export interface GrainLayout {
  /** Of the disk. */
  readonly size: number;
  readonly grainSize: number;
  readonly entriesPerTable: number;
  readonly entries: EntryFormat;
  readonly directory: DirectoryPlace;
}

/** Bytes of one grain table. */
export const tableBytes = ({ entriesPerTable, entries }: GrainLayout): number => entriesPerTable * entries.entryBytes;

/** Bytes of the disk that one grain table maps. */
export const tableSpan = ({ entriesPerTable, grainSize }: GrainLayout): number => entriesPerTable * grainSize;
