import { COMPLETE, PAST_END } from '../../checkWords';
import { DiskError } from '../../errors';
import type { Blocks } from '../blocks/blockMap';
import type { GuestRange, Lookup } from '../../model';
import { formatCount, formatOffset } from '../../units';
import type { NotedProblem } from './notes';
import { Notes } from './notes';
import type { Part, Structure } from './structure';

/** What may be wrong with a claim. */
export type Fault = 'past-end' | 'entry' | 'claimed-twice';

/** A problem as it is found. */
export interface BlockNote extends NotedProblem {
  readonly claims: readonly string[];
  readonly guest: readonly GuestRange[];
  /** A part of the file whose claims are to be looked for. */
  readonly contested?: Part;
}

export class BlockNotes extends Notes<BlockNote> {}

const LOOK_BYTES = 512;
export const DAMAGED = 'Restore the image from a backup, or copy what can be read of it.';

/** `L2 entry 5, L1 entry 0` */
export const entryWords = (lookups: readonly Lookup[]): string =>
  lookups
    .map(({ table, index }) => `${table} entry ${index}`)
    .toReversed()
    .join(', ');

/** The entries of a block, none where they can't be read. */
export function lookupsOf(blocks: Blocks, block: number): readonly Lookup[] {
  try {
    return blocks.open(true, LOOK_BYTES).lookups(block, 0);
  } catch (error) {
    if (error instanceof DiskError) return [];
    throw error;
  }
}

interface Row {
  readonly fault: 'past-end' | 'entry';
  readonly first: number;
  last: number;
  readonly start: number;
}

/** Tells faults of blocks: those in a row are one problem. */
export class BlockFaults {
  private row: Row | undefined;

  /** @param word what the format calls a block */
  constructor(
    private readonly blocks: Blocks,
    private readonly notes: BlockNotes,
    private readonly counts: (fault: Fault) => 'corruption' | 'further',
    private readonly word: string,
  ) {}

  /** @param start where the block is said to be in the file */
  add(fault: Row['fault'], block: number, start: number): void {
    if (this.row?.fault === fault && this.row.last === block - 1) {
      this.row.last = block;
      return;
    }
    this.finish();
    this.row = { fault, first: block, last: block, start };
  }

  finish(): void {
    const { row } = this;
    this.row = undefined;
    if (!row) return;
    const times = row.last - row.first + 1;
    this.notes.add(this.counts(row.fault), times, row.fault === 'entry' ? 'entry' : PAST_END, () =>
      this.describe(row, times),
    );
  }

  structurePastEnd({ what, start, end, from, maps }: Structure): void {
    this.notes.add(this.counts('past-end'), 1, PAST_END, () => ({
      message: `${what} at ${formatOffset(start)} is said to end past the end of the file`,
      advice: `${COMPLETE} What is not there reads as zeros.`,
      offset: from?.start ?? start,
      host: from ?? { start, end },
      claims: [],
      guest: maps ? [{ view: '', ...maps }] : [],
    }));
  }

  private describe(
    { fault, first, last, start }: Row,
    times: number,
  ): Omit<BlockNote, 'code' | 'counts' | 'times' | 'severity'> {
    const { size, blockSize } = this.blocks;
    const lookups = lookupsOf(this.blocks, first);
    const entry = lookups.at(-1);
    const at = entry?.entryOffset;
    const guest = [{ view: '', start: first * blockSize, end: Math.min((last + 1) * blockSize, size) }];
    const host = entry && { start: entry.entryOffset, end: entry.entryOffset + bytesOf(entry) };
    const about = { offset: at, ...(host && { host }), claims: lookups.length > 0 ? [entryWords(lookups)] : [], guest };
    if (fault === 'entry') {
      const entries = times === 1 ? 'an entry' : `${formatCount(times)} entries in a row`;
      return {
        ...about,
        message: `${entries} can't be true (${times === 1 ? '' : 'the first is '}${entry?.entry ?? ''})`,
        advice: DAMAGED,
      };
    }
    const which = times === 1 ? `a ${this.word} at` : `${formatCount(times)} ${this.word}s, the first at`;
    return {
      ...about,
      message: `${which} ${formatOffset(start)}, ${times === 1 ? 'is' : 'are'} said to end past the end of the file`,
      advice: `${COMPLETE} What is not there reads as zeros.`,
    };
  }
}

const bytesOf = ({ entry }: Lookup): number => Math.ceil((entry.length - 2) / 2);
