import { formatCount, formatOffset } from '../../../units';
import type { Geometry } from '../mapping';
import type { Refcounts } from '../refcounts';
import { NOT_COUNTED } from '../refcounts';
import type { Description, Notes } from './notes';

export const COPIED = 'copied-flag';

/** Entries next to each other whose clusters lie next to each other, of which the same is wrong. */
interface Stretch {
  readonly table: number;
  readonly active: number;
  readonly index: number;
  entries: number;
  readonly offset: number;
  readonly flagged: boolean;
  readonly count: number;
}

/**
 * Checks the COPIED flags of the current state: a cluster may be written in place exactly when it is counted once
 * (block/qcow2-refcount.c, check_oflag_copied).
 */
export class CopiedFlags {
  private stretch: Stretch | undefined;

  constructor(
    private readonly geometry: Geometry,
    private readonly refcounts: Refcounts,
    private readonly notes: Notes,
  ) {}

  /** @param offset where the entry's cluster lies */
  check(
    { offset: table, active }: { readonly offset: number; readonly active: number },
    index: number,
    flagged: boolean,
    offset: number,
  ): void {
    const { clusterSize, header } = this.geometry;
    const count = header.externalData ? 1 : this.refcounts.of(Math.floor(offset / clusterSize));
    if (count === NOT_COUNTED || (count === 1) === flagged) return;
    const { stretch } = this;
    if (
      stretch &&
      stretch.index + stretch.entries === index &&
      stretch.offset + stretch.entries * clusterSize === offset &&
      stretch.flagged === flagged &&
      stretch.count === count
    ) {
      stretch.entries += 1;
      return;
    }
    this.finish();
    this.stretch = { table, active, index, entries: 1, offset, flagged, count };
  }

  /** Tells what was found last; to be called at the end of each table. */
  finish(): void {
    const { stretch } = this;
    this.stretch = undefined;
    if (!stretch) return;
    const { table, active, index, entries, offset, flagged, count } = stretch;
    this.notes.add('corruption', active * entries, COPIED, () => {
      const what = entries === 1 ? 'the data cluster' : `each of ${formatCount(entries)} data clusters`;
      return {
        ...copiedNote(`${what} at ${formatOffset(offset)}`, flagged, count),
        ...this.place(stretch),
        entry: { table, index, entries },
      };
    });
  }

  /** The clusters, or where these are in a data file, the entries. */
  private place({ table, index, entries, offset }: Stretch): Pick<Description, 'offset' | 'host'> {
    const { clusterSize, l2EntryBytes, header } = this.geometry;
    const start = header.externalData ? table + index * l2EntryBytes : offset;
    return {
      offset: start,
      host: { start, end: start + entries * (header.externalData ? l2EntryBytes : clusterSize) },
    };
  }
}

/** What is told of a COPIED flag that does not go with a reference count. */
export function copiedNote(what: string, flagged: boolean, count: number): Pick<Description, 'message' | 'advice'> {
  return flagged
    ? {
        message: `${what} is flagged as used once, but counted ${count === 0 ? 'as free' : `${count} times`}`,
        advice: 'A write would change what something else relies on: boot nothing from it; a repair of all mends it.',
      }
    : {
        message: `${what} is counted once, but not flagged so`,
        advice: 'A write would copy it and leak the old one: a repair of leaks mends it where nothing else is wrong.',
      };
}
