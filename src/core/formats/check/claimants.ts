import type { CheckProblem, GuestRange } from '../../model';
import type { Blocks } from '../blocks/blockMap';
import type { BlockClaim } from './blockClaims';
import type { BlockNote } from './faults';
import { entryWords, lookupsOf } from './faults';
import { guestTold, MAX_TOLD, MAX_TOUCHED } from './guestRanges';
import type { Part, Structure } from './structure';

interface Contested extends Part {
  readonly note: BlockNote;
  readonly claims: string[];
  readonly guest: GuestRange[];
}

/** Finds out who refers to the contested parts of a file, and what of the guest's disk is kept there. */
export class Claimants {
  /** In the order of the file; no two meet. */
  private readonly contested: readonly Contested[];

  constructor(
    private readonly notes: readonly BlockNote[],
    private readonly blocks: Blocks,
  ) {
    this.contested = notes.flatMap((note) =>
      note.contested ? [{ ...note.contested, note, claims: [...note.claims], guest: [...note.guest] }] : [],
    );
  }

  /** Whether all claims have to be gone through once more. */
  get wanted(): boolean {
    return this.contested.length > 0;
  }

  structure(structure: Structure): void {
    for (const found of this.meeting(structure)) {
      if (found.claims.length < MAX_TOLD) found.claims.push(structure.what);
      if (structure.maps && found.guest.length < MAX_TOUCHED) found.guest.push({ view: '', ...structure.maps });
    }
  }

  block(claim: BlockClaim): void {
    for (const found of this.meeting(claim)) this.claimed(found, claim);
  }

  problems(): CheckProblem[] {
    const found = new Map(this.contested.map((each) => [each.note, each]));
    return this.notes.map((note) => {
      const { contested, ...problem } = note;
      const { claims, guest } = (contested && found.get(note)) ?? note;
      return { ...problem, claims, ...guestTold(guest) };
    });
  }

  private claimed(found: Contested, { block, count, start }: BlockClaim): void {
    const { blockSize, size } = this.blocks;
    // Of blocks in a row, which have no space but their own, those that are inside.
    const first = block + (count === 1 ? 0 : Math.max(0, Math.floor((found.start - start) / blockSize)));
    const end = count === 1 ? block + 1 : Math.min(block + count, block + Math.ceil((found.end - start) / blockSize));
    for (let each = first; each < end && found.claims.length < MAX_TOLD; each += 1) {
      const words = entryWords(lookupsOf(this.blocks, each));
      found.claims.push(words === '' ? `block ${each}` : words);
    }
    if (found.guest.length < MAX_TOUCHED) {
      found.guest.push({ view: '', start: first * blockSize, end: Math.min(end * blockSize, size) });
    }
  }

  private *meeting({ start, end }: Part): Generator<Contested, void, void> {
    const { contested } = this;
    let low = 0;
    let high = contested.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((contested[middle]?.end ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    for (let each = contested[low]; each && each.start < end; each = contested[(low += 1)]) yield each;
  }
}
