import type { BlockMap, BlockRun, Blocks } from '../blocks/blockMap';
import { MIXED } from '../blocks/blockMap';
import { DiskError } from '../../errors';
import { Kind, Use } from '../../model';

/** Bytes of tables that are read at a time. */
const WINDOW_BYTES = 1 << 20;
/** Blocks that are told between two pauses. */
const SLICE = 1 << 16;

/** What a compressed block takes at least, where nothing says how much it is. */
const LEAST_COMPRESSED = 1;

/** A claim of one block, or of several in a row that lie in a row: one object for all, so that millions leave no garbage. */
export interface BlockClaim {
  /** The first block, and how many there are. */
  block: number;
  count: number;
  kind: Kind;
  use: Use;
  /** The part of the file. */
  start: number;
  end: number;
}

/** What is made of what a table says. */
export interface BlockVisitor {
  claim(claim: BlockClaim): void;
  /** An entry that can't be true. */
  invalid(block: number): void;
  /** Blocks whose table can't be read. */
  unreadable(block: number, count: number, error: DiskError): void;
}

export interface BlockSpace {
  readonly blocks: Blocks;
  /** Where the file begins in the host space. */
  readonly base: number;
  /** Bytes of the file in front of a block that are its own. */
  readonly lead: number;
}

const USES: readonly (Use | undefined)[] = Object.assign(new Array<Use | undefined>(MIXED + 1).fill(undefined), {
  [Kind.Data]: Use.Data,
  [MIXED]: Use.Data,
  [Kind.ZeroAllocated]: Use.Preallocated,
  [Kind.Compressed]: Use.Compressed,
});

/** Goes through a table of blocks and tells what each claims of the file. Yields how many blocks are done. */
export function* eachBlock(space: BlockSpace, visit: BlockVisitor): Generator<number, void, void> {
  const { blocks } = space;
  const map = blocks.open(false, WINDOW_BYTES);
  const count = Math.ceil(blocks.size / blocks.blockSize);
  const teller = new Teller(space, visit);
  for (let first = 0; first < count;) {
    const run = told(map, first, Math.min(count - first, SLICE));
    if ('error' in run) visit.unreadable(first, Math.min(run.count, count - first), run.error);
    else teller.tell(first, run);
    first += run.count;
    yield Math.min(first, count);
  }
}

function told(map: BlockMap, first: number, most: number): BlockRun | { readonly count: number; error: DiskError } {
  try {
    return map.tell(first, most);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { count: map.perReading - (first % map.perReading), error };
  }
}

class Teller {
  private readonly claim: BlockClaim = { block: 0, count: 1, kind: Kind.Data, use: Use.Data, start: 0, end: 0 };

  constructor(
    private readonly space: BlockSpace,
    private readonly visit: BlockVisitor,
  ) {}

  tell(first: number, run: BlockRun): void {
    if ('kind' in run) {
      // That a whole table is missing, or can't be, is said of the table.
      if (run.host >= 0) this.put(first, run.count, run.kind, run.host);
      return;
    }
    const { kinds, hosts, count } = run;
    for (let i = 0; i < count; i += 1) {
      const kind = kinds[i] ?? Kind.Unknown;
      if (kind === Kind.Invalid) this.visit.invalid(first + i);
      else if ((hosts[i] ?? -1) >= 0) this.put(first + i, 1, kind, hosts[i] ?? -1);
    }
  }

  private put(block: number, count: number, kind: number, host: number): void {
    const { claim, visit, space } = this;
    const { blocks, base, lead } = space;
    const use = USES[kind];
    if (use === undefined) return;
    claim.block = block;
    claim.count = count;
    claim.kind = kind === MIXED ? Kind.Data : (kind as Kind);
    claim.use = use;
    claim.start = host - base - lead;
    const length =
      kind === Kind.Compressed
        ? (blocks.compressedLength?.(host, block) ?? LEAST_COMPRESSED)
        : count * blocks.blockSize;
    claim.end = host - base + length;
    visit.claim(claim);
  }
}
