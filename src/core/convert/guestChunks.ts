import type { Side } from '../compareSide';
import { DiskError } from '../errors';
import type { Chain, OwnershipMap } from '../model';
import { guestOffset, Kind, NOBODY } from '../model';
import { traceRead } from '../trace';
import { UnwrittenSpace } from '../unwritten';
import { viewFrom } from '../views';
import type { WalkFrom } from '../walk';
import { walk } from '../walk';
import { CHUNK, GRAIN } from './imageWriter';
import type { Pieces } from './pieces';
import { everyPiece, PieceAtWork } from './pieces';

/**
 * A piece of the disk that is not known to be zero. `bytes` is the disk from `offset`, a multiple of `CHUNK`, for
 * `CHUNK` bytes or to the end of the disk, and is used again for the next chunk; `[start, end)` of it, in whole grains
 * or up to the disk's end, holds all that may be other than zero.
 */
export interface GuestChunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * The disk as its guest reads it, in rising order; what lies between two chunks reads as zero, and was not read.
 * Yields undefined now and then while it looks for the next chunk.
 * @param pieces which of the disk are read; the next one is asked for once the chunks of the one before are used
 * @throws DiskError at the first byte that can't be known: below a missing parent, encrypted, broken; it names the
 * guest offset, the file and why
 */
export function* guestChunks(
  { chain, from }: Side,
  pieces: Pieces = everyPiece(),
): Generator<GuestChunk | undefined, void, void> {
  const piece = new PieceAtWork(pieces);
  const filler = new Filler(chain, from);
  const unwritten = new UnwrittenSpace(chain);
  for (const map of walk(chain, from)) {
    yield undefined;
    for (let run = 0; run < map.count; run += 1) {
      if (readsAsZero(map, run)) continue;
      const start = map.start[run] ?? 0;
      const end = map.start[run + 1] ?? 0;
      const owner = map.owner[run] ?? NOBODY;
      const host = map.kind[run] === Kind.Data ? (map.host?.[run] ?? -1) : -1;
      for (let at = start; at < end;) {
        if (at >= piece.end) {
          const done = filler.take();
          if (done) yield done;
          if (!piece.reach(at)) return;
        }
        if (at < piece.start) {
          at = piece.start;
          continue;
        }
        unwritten.look(owner, host < 0 ? -1 : host + (at - start), Math.min(end, piece.end) - at);
        const stop = at + unwritten.length;
        if (unwritten.isHole) {
          at = stop;
          continue;
        }
        const done = filler.leave(at);
        if (done) yield done;
        at = filler.add(owner, at, stop, host < 0 ? -1 : host + (at - start));
      }
    }
  }
  const last = filler.take();
  if (last) yield last;
}

function readsAsZero({ owner, kind }: OwnershipMap, run: number): boolean {
  return owner[run] === NOBODY || kind[run] === Kind.Zero || kind[run] === Kind.ZeroAllocated;
}

/** Fills one chunk after the other, gathering neighbouring runs of one layer to one read. */
class Filler {
  private readonly buffer: Uint8Array;
  private offset = -1;
  /** What of the chunk is filled, from its first run on; the rest is still to be cleared. */
  private start = 0;
  private filled = 0;
  private owner = NOBODY;
  /** From where on bytes of `owner` are yet to be read; up to `filled`. */
  private pending = 0;
  /** Where in the owner's file these bytes lie, one behind the other; -1 where its tables are to be asked. */
  private host = -1;

  constructor(
    private readonly chain: Chain,
    private readonly from: WalkFrom,
  ) {
    this.buffer = new Uint8Array(Math.min(CHUNK, from.view.guestSize));
  }

  /** @returns the chunk at work, complete, when `at` is not in it */
  leave(at: number): GuestChunk | undefined {
    return at < this.offset + CHUNK ? undefined : this.take();
  }

  /**
   * Adds what `owner` answers in `[at, end)`, as far as the chunk goes.
   * @param host where its data begins in the file, or -1 where it is no plain data
   * @returns up to where that is
   */
  add(owner: number, at: number, end: number, host: number): number {
    if (this.offset < 0) this.begin(at);
    const inChunk = at - this.offset;
    if (owner !== this.owner || inChunk !== this.filled || host !== this.hostBehind()) {
      this.read();
      this.buffer.fill(0, this.filled, inChunk);
      this.owner = owner;
      this.pending = inChunk;
      this.host = host;
    }
    if (!this.chain.layers[owner]) throw this.unknownAt(at);
    this.filled = Math.min(end - this.offset, this.buffer.length);
    return this.offset + this.filled;
  }

  take(): GuestChunk | undefined {
    if (this.offset < 0) return undefined;
    this.read();
    const { offset, start } = this;
    const bytes = this.buffer.subarray(0, Math.min(CHUNK, this.from.view.guestSize - offset));
    bytes.fill(0, this.filled);
    this.offset = -1;
    return { offset, bytes, start, end: Math.min(roundUp(this.filled), bytes.length) };
  }

  private begin(at: number): void {
    this.offset = at - (at % CHUNK);
    this.start = at - this.offset - (at % GRAIN);
    this.filled = this.start;
    this.pending = this.start;
    this.owner = NOBODY;
    this.buffer.fill(0, 0, this.start);
  }

  /** Where data must lie to be read together with what is pending. */
  private hostBehind(): number {
    return this.host < 0 ? -1 : this.host + (this.filled - this.pending);
  }

  private read(): void {
    const { pending, filled } = this;
    if (pending === filled) return;
    const error = this.attempt(pending, filled);
    if (error) throw this.firstFailure(pending, filled, error);
    this.pending = filled;
  }

  private attempt(start: number, end: number): DiskError | undefined {
    const { from, owner, host, pending } = this;
    const holder = this.chain.layers[owner];
    if (!holder) return undefined;
    const { layer } = holder;
    const target = this.buffer.subarray(start, end);
    try {
      if (host >= 0 && layer.readData) layer.readData(host + (start - pending), target);
      else layer.read(viewFrom(from, holder), guestOffset(this.offset + start), target);
      return undefined;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return error.in(holder.identity);
    }
  }

  /** Reading `[start, end)` failed: halves the range until the first byte that can't be read is found. */
  private firstFailure(start: number, end: number, failure: DiskError): DiskError {
    let good = start;
    let bad = end;
    let error = failure;
    while (bad - good > 1) {
      const middle = good + Math.floor((bad - good) / 2);
      const found = this.attempt(good, middle);
      if (found) error = found;
      if (found) bad = middle;
      else good = middle;
    }
    return cannotRead(this.offset + good, error);
  }

  /** Nobody can say what is there: the chain breaks off, or a table that says so can't be read. */
  private unknownAt(at: number): DiskError {
    const { chain, from } = this;
    const { steps, ended } = traceRead(chain, from.depth, from.view, guestOffset(at));
    const file = steps.find(({ role }) => role === 'owner')?.filename ?? steps.at(-1)?.filename;
    return cannotRead(
      at,
      new DiskError('not-found', ended ?? 'the tables that say what is there are too many', { file }),
    );
  }
}

const roundUp = (bytes: number): number => Math.ceil(bytes / GRAIN) * GRAIN;

function cannotRead(at: number, { code, message, file, offset, cause }: DiskError): DiskError {
  return new DiskError(
    code,
    `guest byte ${at} can't be read: ${message}`,
    { file, offset },
    'No copy was made. vmdisk map tells what of the disk can be read.',
    { cause },
  );
}
