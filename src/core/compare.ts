import type { Side } from './compareSide';
import { SideCursor } from './compareSide';
import type { Job, Progress, Ranges } from './model';
import { RangesBuilder, unite } from './ranges';

/** What a comparison of two disks found. */
export interface Comparison {
  /** In the order of the disk, the first `MAX_RANGES` of them. */
  readonly different: Ranges;
  /** How many ranges differ, kept or not. */
  readonly ranges: number;
  /** Bytes that differ. */
  readonly bytes: number;
  /** Ranges that could not be compared, since one side is unknown or can't be read; the first `MAX_RANGES` of them. */
  readonly unknown: Ranges;
  readonly unknownBytes: number;
  /** Bytes that were not read: both sides answer from the same place in the same file, or both read as zero. */
  readonly skipped: number;
}

/** Ranges kept of a kind, 16 bytes each. What comes after is counted, not kept. */
export const MAX_RANGES = 2 ** 21;

/** What differs is told in sectors, as `qemu-img compare` counts. */
const SECTOR = 512;
/** Bytes read of each side at a time. */
const PIECE = 1 << 20;

/**
 * Compares two disks byte by byte, as `qemu-img compare` does without `-s`: they may differ in size, what the longer
 * one has past the end of the other must then read as zero. Never throws for what can't be read: that is `unknown`.
 */
export function* compare(a: Side, b: Side): Job<Comparison> {
  const different = new RangesBuilder(MAX_RANGES);
  const unknown = new RangesBuilder(MAX_RANGES);
  const skipped = yield* compareInto(a, b, different, unknown);
  return {
    different: different.finish(),
    ranges: different.length,
    bytes: different.bytes,
    unknown: unknown.finish(),
    unknownBytes: unknown.bytes,
    skipped,
  };
}

/**
 * The same, for who takes the ranges out of the builders between two steps.
 * @returns bytes that were not read
 */
export function compareInto(a: Side, b: Side, different: RangesBuilder, unknown: RangesBuilder): Job<number> {
  return new Comparer(new SideCursor(a), new SideCursor(b), different, unknown).run();
}

/** Walks two disks in step. What must be read waits until it is a large piece, or what comes next need not be. */
class Comparer {
  private readonly total: number;
  private skipped = 0;
  /** What is to be read next: `[waitsFrom, at)`. */
  private waitsFrom = -1;
  /** Where the last sector that differs ends. */
  private toldTo = 0;
  private readonly bufferA = new Uint8Array(PIECE + SECTOR);
  private readonly bufferB = new Uint8Array(PIECE + SECTOR);
  private readonly wordsA = new Int32Array(this.bufferA.buffer);
  private readonly wordsB = new Int32Array(this.bufferB.buffer);

  constructor(
    private readonly a: SideCursor,
    private readonly b: SideCursor,
    private readonly different: RangesBuilder,
    private readonly unknown: RangesBuilder,
  ) {
    this.total = Math.max(a.size, b.size);
  }

  *run(): Job<number> {
    const { a, b, total } = this;
    try {
      for (let at = 0; at < total;) {
        // A read goes by the maps that both sides have now.
        if (a.leavesMap(at) || b.leavesMap(at)) yield* this.readWaiting(at);
        yield* this.load(a, at);
        yield* this.load(b, at);
        a.seek(at);
        b.seek(at);
        const next = Math.min(a.runEnd, b.runEnd, total);
        if (a.answersAs(b)) {
          yield* this.readWaiting(at);
          this.skipped += next - at;
        } else if (a.unknown || b.unknown) {
          yield* this.readWaiting(at);
          this.unknown.add(at, next);
        } else {
          if (this.waitsFrom < 0) this.waitsFrom = at;
          if (next - this.waitsFrom >= PIECE) yield* this.readWaiting(next);
        }
        at = next;
      }
      yield* this.readWaiting(total);
    } finally {
      a.close();
      b.close();
    }
    return this.skipped;
  }

  private *load(side: SideCursor, at: number): Generator<Progress, void, void> {
    while (side.needsMap(at)) {
      side.pull();
      yield { done: at, total: this.total };
    }
  }

  private *readWaiting(end: number): Generator<Progress, void, void> {
    if (this.waitsFrom < 0) return;
    for (let at = this.waitsFrom; at < end; at += PIECE) {
      this.comparePiece(at, Math.min(at + PIECE, end));
      yield { done: Math.min(at + PIECE, end), total: this.total };
    }
    this.waitsFrom = -1;
  }

  private comparePiece(from: number, to: number): void {
    // The disk's sectors are those of the buffers, wherever the piece begins.
    const shift = from % SECTOR;
    const length = to - from;
    const gapsA = this.a.read(from, this.bufferA.subarray(shift, shift + length));
    const gapsB = this.b.read(from, this.bufferB.subarray(shift, shift + length));
    const base = from - shift;
    let at = shift;
    if (gapsA.length > 0 || gapsB.length > 0) {
      const gaps = unite([...gapsA, ...gapsB]);
      for (let i = 0; i < gaps.count; i += 1) {
        const start = shift + (gaps.start[i] ?? 0);
        const end = shift + (gaps.end[i] ?? 0);
        this.compareBytes(base, at, start);
        this.unknown.add(base + start, base + end);
        at = end;
      }
    }
    this.compareBytes(base, at, shift + length);
  }

  /** Compares `[from, to)` of the buffers, a sector at a time. @param base where the buffers begin on the disk */
  private compareBytes(base: number, from: number, to: number): void {
    for (let at = from; at < to;) {
      const end = Math.min(to, at - (at % SECTOR) + SECTOR);
      if (!this.equal(at, end)) this.addSector(base + at - (at % SECTOR));
      at = end;
    }
  }

  /** A raw disk may end inside a sector: all of it differs when a part does. */
  private addSector(start: number): void {
    const end = Math.min(start + SECTOR, this.total);
    this.different.add(Math.max(start, this.toldTo), end);
    this.toldTo = end;
  }

  private equal(from: number, to: number): boolean {
    const { bufferA, bufferB, wordsA, wordsB } = this;
    // Four words at a time: most sectors are a whole number of them, and asking after each would take twice as long.
    if (from % 16 === 0 && to % 16 === 0) {
      for (let i = from / 4; i < to / 4; i += 4) {
        const first = ((wordsA[i] ?? 0) ^ (wordsB[i] ?? 0)) | ((wordsA[i + 1] ?? 0) ^ (wordsB[i + 1] ?? 0));
        const last = ((wordsA[i + 2] ?? 0) ^ (wordsB[i + 2] ?? 0)) | ((wordsA[i + 3] ?? 0) ^ (wordsB[i + 3] ?? 0));
        if ((first | last) !== 0) return false;
      }
      return true;
    }
    for (let at = from; at < to; at += 1) if (bufferA[at] !== bufferB[at]) return false;
    return true;
  }
}
