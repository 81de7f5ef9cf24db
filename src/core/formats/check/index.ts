import type { CheckReport, Job, Progress } from '../../model';
import { Kind, Use } from '../../model';
import { formatOffset } from '../../units';
import type { Blocks } from '../blocks/blockMap';
import type { BlockClaim, BlockVisitor } from './blockClaims';
import { eachBlock } from './blockClaims';
import { Claimants } from './claimants';
import type { Stretch } from './claimWindow';
import { ClaimWindow } from './claimWindow';
import type { Fault } from './faults';
import { BlockFaults, BlockNotes, DAMAGED } from './faults';
import { FileMapBuilder } from './fileMapBuilder';
import type { Part, Structure } from './structure';
import { inOrder } from './telling';

export type { BlockNotes } from './faults';
export type { Part, Structure } from './structure';

/** Ours: what a check may take. */
export interface CheckRoom {
  /** Claims that are kept at a time, 16 bytes each, and as much again while they are told; those in a row are one. */
  readonly claims: number;
  /** How often the tables are gone through at most: an honest terabyte in random order takes some thirty. */
  readonly windows: number;
}

const ROOM: CheckRoom = { claims: 2 ** 20, windows: 256 };
/** Stretches that are told between two pauses. */
const SLICE = 1 << 15;

/** What a driver says of its format, and of one file of it. */
export interface CheckedFile {
  /** Bytes of the file. */
  readonly size: number;
  readonly blocks: Blocks;
  /**
   * What is in the file and no block, anew each time: tables may be too many to keep. Undefined for a pause, where
   * finding them takes a while.
   */
  structures(): Iterable<Structure | undefined>;
  /** Where the file begins in the host space of `blocks`. */
  readonly base?: number | undefined;
  /** Bytes in front of each block that are its own (the sector bitmap of a VHD). */
  readonly lead?: number | undefined;
  /** Whether a block need only begin in the file: what the format writes may end early. */
  readonly mayEndEarly?: boolean | undefined;
  /** Whether the last block need only be there as far as the disk goes. */
  readonly lastMayEndEarly?: boolean | undefined;
  /** What it counts as that a part is claimed twice, where that is not the same everywhere. */
  contested?(part: Part): 'corruption' | 'further';
  /** Bytes of what is counted as one: of what is claimed twice, or leaked. A block and its lead where left out. */
  readonly unit?: number | undefined;
  /** What the format calls a block. */
  readonly word?: string | undefined;
  /** What `qemu-img check` counts as a corruption; the rest is `further`. */
  readonly corruptions?: readonly Fault[] | undefined;
  /** What nothing refers to: is leaked, is so at the end of the file, is free as the format has it. */
  readonly unreferred: 'leaked' | 'leaked-at-end' | 'free';
  /** Blocks after which fragments are counted anew: QEMU does so for each of its tables. */
  readonly blocksPerTable?: number | undefined;
  /** Whether only blocks that are in the file count as allocated, and fragments only between neighbours that are. */
  readonly countsInFile?: boolean | undefined;
  /** Where the image ends as QEMU tells it; the end of the last claim where left out. */
  readonly imageEnd?: number | undefined;
  /**
   * What only this format has to check (checksums, counts in its header), told to `notes` before all else. Yields for a
   * pause, where it takes a while.
   */
  also?(notes: BlockNotes): Generator<undefined, void, void> | void;
}

/**
 * Checks a file of structures and blocks by itself: what lies past its end, what can't be true, what is claimed twice (by two
 * blocks, or by a block and a table), what nothing refers to, and what lies where. Claims are gathered for a window of the
 * file at a time, and tables read in pieces: memory does not follow the image. In a driver:
 *
 *     check: () => checkBlocks({
 *       size: source.size,
 *       blocks,
 *       structures: () => [{ what: 'the header', start: 0, end: 512, use: Use.Header }, …tables],
 *       unreferred: 'free',
 *     })
 *
 * `blocks` tells entries that can't be true one by one, as `Kind.Invalid` in arrays; a run of Invalid blocks without
 * entries of their own is the fault of a table, which `structures` lists where it is said to be, past the end of the file
 * or not, or else `also` tells. Compressed blocks take what `Blocks.compressedLength` says.
 */
export function checkBlocks(file: CheckedFile, room = ROOM): Job<CheckReport> {
  return new BlockCheck(file, room).run();
}

/** A part that is told as one, and what it counts as where it is contested. */
interface Pending {
  readonly start: number;
  end: number;
  excess: number;
  readonly counts: 'corruption' | 'further' | undefined;
}

class BlockCheck {
  private readonly notes = new BlockNotes();
  private readonly map = new FileMapBuilder();
  private readonly window: ClaimWindow;
  private readonly faults: BlockFaults;
  private readonly unit: number;
  private readonly counters = { allocated: 0, fragmented: 0, compressed: 0 };
  /** End of the block before, in the same table; -1 where there is none. */
  private lastEnd = -1;
  private lastTable = -1;
  private lastBlock = -1;
  /** End of the last claim. */
  private highest = 0;
  private reachedEnd = false;
  private done = 0;
  /** A part that is contested, or that nothing refers to, as far as it was told. */
  private pending: Pending | undefined;

  constructor(
    private readonly file: CheckedFile,
    private readonly room: CheckRoom,
  ) {
    const { size, blocks, lead = 0, unit = blocks.blockSize + lead, word = 'block' } = file;
    this.window = new ClaimWindow(size, room.claims);
    this.faults = new BlockFaults(blocks, this.notes, (fault) => this.countsAs(fault), word);
    this.unit = unit;
  }

  *run(): Job<CheckReport> {
    const { window, file, notes, room } = this;
    const also = file.also?.(notes);
    while (also?.next().done === false) yield this.progress(0);
    for (let round = 0; window.start < file.size || round === 0; round += 1) {
      if (round === room.windows || window.isOverfull()) {
        this.breakOff(`what the image refers to is strewn over its file: checked up to ${formatOffset(window.start)}`);
        break;
      }
      yield* this.gather(round === 0);
      if (window.isOverfull()) continue;
      yield* this.tellWindow();
    }
    this.reachedEnd = window.start >= file.size;
    this.flush();
    const claimants = new Claimants(notes.kept, file.blocks);
    if (claimants.wanted) yield* this.findClaimants(claimants);
    return this.report(claimants);
  }

  private countsAs(fault: Fault): 'corruption' | 'further' {
    return this.file.corruptions?.includes(fault) === true ? 'corruption' : 'further';
  }

  private breakOff(message: string): void {
    this.notes.add('error', 1, 'check-incomplete', () => ({
      message,
      advice: 'What was found up to there is told; leaks are not, since what was not read may refer to them.',
      claims: [],
      guest: [],
    }));
  }

  /** Goes through all claims, for those that begin in the window. @param telling what is wrong is told the first time */
  private *gather(telling: boolean): Generator<Progress, void, void> {
    for (const structure of this.file.structures()) {
      if (structure) this.addStructure(structure, telling);
      else yield this.progress(0);
    }
    const visit: BlockVisitor = telling
      ? {
          claim: (claim) => {
            const isPastEnd = this.isPastEnd(claim);
            if (!isPastEnd || this.file.countsInFile !== true) this.count(claim);
            if (isPastEnd) this.tellPastEnd(claim);
            else this.add(claim);
          },
          invalid: (block) => {
            if (this.file.countsInFile !== true) this.countAllocated(block, 1, -1, -1);
            this.faults.add('entry', block, -1);
          },
          unreadable: (block, count, { message, offset }) => {
            const { blockSize, size } = this.file.blocks;
            const guest = [{ view: '', start: block * blockSize, end: Math.min((block + count) * blockSize, size) }];
            const told = { message: `a table can't be read: ${message}`, advice: DAMAGED, offset, claims: [], guest };
            this.notes.add('error', 1, 'table-unreadable', () => told);
          },
        }
      : {
          claim: (claim) => {
            if (!this.isPastEnd(claim)) this.add(claim);
          },
          invalid: () => undefined,
          unreadable: () => undefined,
        };
    yield* this.eachBlock(visit);
    if (telling) this.faults.finish();
  }

  private *eachBlock(visit: BlockVisitor): Generator<Progress, void, void> {
    const { blocks, base = 0, lead = 0 } = this.file;
    const count = Math.max(1, Math.ceil(blocks.size / blocks.blockSize));
    for (const done of eachBlock({ blocks, base, lead }, visit)) yield this.progress(done / count);
  }

  /** Of what the file ends inside of, the part that is there is no less its own. */
  private addStructure(structure: Structure, telling: boolean): void {
    if (structure.end <= structure.start) return;
    const { start, use } = structure;
    const end = Math.min(structure.end, this.file.size);
    if (start < end) this.window.add(start, end, use);
    if (telling && end < structure.end) this.faults.structurePastEnd(structure);
  }

  private add({ start, end, use }: BlockClaim): void {
    this.window.add(start, Math.min(end, this.file.size), use);
  }

  private isPastEnd({ start, end, block, count }: BlockClaim): boolean {
    const { size, blocks, mayEndEarly = false, lastMayEndEarly = false, lead = 0 } = this.file;
    if (start < 0 || mayEndEarly) return start < 0 || start + lead >= size;
    const over = (block + count) * blocks.blockSize - blocks.size;
    return end - (lastMayEndEarly ? Math.max(0, over) : 0) > size;
  }

  /** Of blocks in a row, those that are not in the file are told, and the others claim their place. */
  private tellPastEnd(claim: BlockClaim): void {
    const { blocks, lead = 0 } = this.file;
    const single = { ...claim, count: 1 };
    for (let i = 0; i < claim.count; i += 1) {
      single.block = claim.block + i;
      single.start = claim.start + i * blocks.blockSize;
      single.end = claim.count === 1 ? claim.end : single.start + lead + blocks.blockSize;
      if (this.isPastEnd(single)) this.faults.add('past-end', single.block, single.start + lead);
      else {
        if (this.file.countsInFile === true) this.count(single);
        this.add(single);
      }
    }
  }

  private count({ block, count, kind, start, end }: BlockClaim): void {
    this.countAllocated(block, count, start, end);
    if (kind === Kind.Compressed) this.counters.compressed += count;
  }

  private countAllocated(block: number, count: number, start: number, end: number): void {
    const { blocksPerTable = Infinity, countsInFile = false } = this.file;
    const table = Math.floor(block / blocksPerTable);
    this.counters.allocated += count;
    const isNeighbour = !countsInFile || block === this.lastBlock + 1;
    if (this.lastTable === table && isNeighbour && start !== this.lastEnd) this.counters.fragmented += 1;
    this.lastTable = table;
    this.lastBlock = block + count - 1;
    this.lastEnd = end;
  }

  private *tellWindow(): Generator<Progress, void, void> {
    let told = 0;
    for (const stretch of this.window.stretches()) {
      this.tell(stretch);
      told += 1;
      if (told % SLICE === 0) yield this.progress(1);
    }
  }

  private tell({ start, end, claims, use }: Stretch): void {
    if (claims !== 0) this.highest = end;
    if (claims === 1) {
      this.flush();
      this.map.append(end, use);
      return;
    }
    const excess = claims === 0 ? 0 : (claims - 1) * (end - start);
    const contested = (): 'corruption' | 'further' =>
      this.file.contested?.({ start, end }) ?? this.countsAs('claimed-twice');
    const counts = excess > 0 ? contested() : undefined;
    const { pending } = this;
    if (pending && pending.counts === counts) {
      pending.end = end;
      pending.excess += excess;
      return;
    }
    this.flush();
    this.pending = { start, end, excess, counts };
  }

  /** Tells of a part that is contested, or that nothing refers to, once it is known how far it goes. */
  private flush(): void {
    const { pending } = this;
    this.pending = undefined;
    if (!pending) return;
    const { start, end, excess, counts } = pending;
    const about = { offset: start, host: { start, end }, claims: [], guest: [] };
    if (counts) {
      this.map.append(end, Use.Contested);
      this.notes.add(counts, Math.ceil(excess / this.unit), 'claimed-twice', () => ({
        ...about,
        message: `${formatOffset(start)} to ${formatOffset(end)} is claimed more than once`,
        advice:
          'Written by one, it is wrong for the others. Copy what can be read before anything writes to the image.',
        contested: { start, end },
      }));
      return;
    }
    const leaked = this.isLeaked(end);
    this.map.append(end, leaked ? Use.Leaked : Use.Free);
    if (!leaked) return;
    this.notes.add('leak', Math.ceil((end - start) / this.unit), 'leak', () => ({
      ...about,
      message: `${formatOffset(start)} to ${formatOffset(end)} is not used by anything`,
      advice: 'Space is lost, no data.',
    }));
  }

  /** Where not all was read, what was not may refer to it. */
  private isLeaked(end: number): boolean {
    const { unreferred, size } = this.file;
    if (unreferred === 'free' || this.notes.count('error') > 0) return false;
    return unreferred === 'leaked' || end === size;
  }

  private *findClaimants(claimants: Claimants): Generator<Progress, void, void> {
    for (const structure of this.file.structures()) {
      if (structure && structure.end <= this.file.size) claimants.structure(structure);
      else if (!structure) yield this.progress(1);
    }
    const visit: BlockVisitor = {
      claim: (claim) => {
        if (!this.isPastEnd(claim)) claimants.block(claim);
      },
      invalid: () => undefined,
      unreadable: () => undefined,
    };
    yield* this.eachBlock(visit);
  }

  /** By how far the window is; never falls back, though a window may end earlier than it was going to. */
  private progress(share: number): Progress {
    const { start, end } = this.window;
    this.done = Math.max(this.done, start + (end - start) * share);
    return { done: this.done, total: Math.max(1, this.file.size) };
  }

  private report(claimants: Claimants): CheckReport {
    const { notes, counters, file } = this;
    const { size, blocks, imageEnd = this.highest } = file;
    this.map.append(size, Use.Unknown);
    return {
      counts: {
        ...notes.counts,
        imageEnd: this.reachedEnd ? imageEnd : undefined,
        totalClusters: Math.ceil(blocks.size / blocks.blockSize),
        allocatedClusters: counters.allocated,
        fragmentedClusters: counters.fragmented,
        compressedClusters: counters.compressed,
      },
      problems: inOrder(claimants.problems()),
      untold: notes.untold,
      file: this.map.finish(),
    };
  }
}
