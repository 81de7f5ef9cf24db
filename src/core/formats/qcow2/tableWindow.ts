import { DiskError } from '../../errors';
import type { Kernel } from '../../kernel/kernel';
import type { ByteSource } from '../../model';
import type { L1Table } from './l1';
import type { Geometry } from './mapping';
import { canBeReadTogether, MAX_READ, readStrewn, readTables } from './tables';

/** A table is read in pieces of this many bytes where it is larger. */
const PIECE_BYTES = 64 << 10;

/** Strewn tables are read this many bytes at a time: they stay in the processor's own cache until they are decoded. */
const STREWN_BYTES = 512 << 10;

/** Fingerprints are of 52 bits: the sum of two is exact. */
const PRINT_RANGE = 2 ** 52;

/** Where entries stand in the kernel's memory. */
export interface Entries {
  readonly pointer: number;
  /** How many follow each other there. */
  readonly entries: number;
}

/**
 * The L2 tables around one place, in the kernel's memory. Tables that lie together in the file are read ahead with few,
 * large reads; others one by one, and no more than are asked for.
 */
export class TableWindow {
  private readonly pieceBytes: number;
  /** Guest bytes that a piece maps. */
  readonly pieceSpan: number;
  private readonly capacity: number;
  private readonly pointer: number;
  private limit = Infinity;
  /** The pieces that are loaded: guest offset of each, in the order in which they stand in memory. */
  private loaded: readonly number[] = [];
  private next = 0;
  /** Up to this index what is loaded follows each other on the disk, from `next` on. */
  private runEnd = 0;
  /** Up to here tables lie strewn through the file. */
  private strewnTo = 0;
  /** Up to here tables are read alone: one of them can't be read. */
  private aloneTo = 0;
  private prints = 0;

  /** @param windowBytes how many bytes of tables are kept at most, if that is more than one piece
   * @param fingerprints whether `fingerprint` is asked for */
  constructor(
    private readonly source: ByteSource,
    private readonly geometry: Geometry,
    private readonly kernel: Kernel,
    guestSize: number,
    windowBytes: number,
    private readonly fingerprints: boolean,
  ) {
    const { clusterSize, l2EntryBytes } = geometry;
    this.pieceBytes = Math.min(clusterSize, PIECE_BYTES);
    this.pieceSpan = (this.pieceBytes / l2EntryBytes) * clusterSize;
    const most = Math.min(
      Math.floor(Math.min(windowBytes, MAX_READ) / this.pieceBytes),
      Math.ceil(guestSize / this.pieceSpan),
    );
    this.capacity = Math.max(1, most);
    this.pointer = kernel.reserve(this.capacity * this.pieceBytes);
  }

  /** From now on nothing is read for what lies past `limit`. */
  begin(limit: number): void {
    this.limit = limit;
    // What is loaded stays of use, but each range has fingerprints of all that it reads.
    if (this.fingerprints) this.loaded = [];
    this.prints = 0;
  }

  /** Of the pieces that were loaded since `begin`; see `LayerScan`. */
  get fingerprint(): number | undefined {
    return this.fingerprints ? this.prints : undefined;
  }

  /**
   * The entries from a guest offset on, as many as are there and follow it.
   * @param end guest offset up to which they are asked for
   * @param isRead tells of a table's offset whether there is something to read
   * @throws DiskError `io`
   */
  entries(l1: L1Table, at: number, end: number, isRead: (table: number) => boolean): Entries {
    const { clusterSize, l2EntryBytes } = this.geometry;
    const piece = at - (at % this.pieceSpan);
    if (this.loaded[this.next] !== piece) {
      this.next = this.loaded.indexOf(piece);
      if (this.next < 0) this.load(l1, piece, end, isRead);
      this.runEnd = this.next;
    }
    while (
      this.runEnd <= this.next ||
      this.loaded[this.runEnd] === (this.loaded[this.runEnd - 1] ?? 0) + this.pieceSpan
    )
      this.runEnd += 1;
    const index = (at - piece) / clusterSize;
    return {
      pointer: this.pointer + this.next * this.pieceBytes + index * l2EntryBytes,
      entries: ((this.runEnd - this.next) * this.pieceBytes) / l2EntryBytes - index,
    };
  }

  private load(l1: L1Table, piece: number, end: number, isRead: (table: number) => boolean): void {
    if (piece < this.aloneTo) {
      this.read(l1, [piece], readStrewn);
      return;
    }
    if (piece >= this.strewnTo) {
      const pieces = this.following(l1, piece, this.limit, this.capacity, isRead);
      if (canBeReadTogether(this.offsets(l1, pieces), this.pieceBytes)) {
        this.tryToRead(l1, pieces, readTables);
        return;
      }
      this.strewnTo = (pieces.at(-1) ?? piece) + this.pieceSpan;
    }
    const most = Math.min(this.capacity, Math.floor(STREWN_BYTES / this.pieceBytes));
    this.tryToRead(l1, this.following(l1, piece, end, most, isRead), readStrewn);
  }

  /** The pieces from one on that are read, it included, up to `end`. */
  private following(
    l1: L1Table,
    piece: number,
    end: number,
    most: number,
    isRead: (table: number) => boolean,
  ): readonly number[] {
    const { l2Span } = this.geometry;
    const pieces = [piece];
    for (let at = piece + this.pieceSpan; pieces.length < most && at < end; at += this.pieceSpan) {
      if (isRead(l1.l2Offset(Math.floor(at / l2Span)))) pieces.push(at);
    }
    return pieces;
  }

  /** Reads pieces; where that fails of many, only the first: only what needs the one that can't be read may fail. */
  private tryToRead(l1: L1Table, pieces: readonly number[], read: typeof readTables): void {
    try {
      this.read(l1, pieces, read);
    } catch (error) {
      if (!(error instanceof DiskError) || pieces.length === 1) throw error;
      this.aloneTo = (pieces.at(-1) ?? 0) + this.pieceSpan;
      this.read(l1, pieces.slice(0, 1), readStrewn);
    }
  }

  private read(l1: L1Table, pieces: readonly number[], read: typeof readTables): void {
    this.loaded = [];
    const length = pieces.length * this.pieceBytes;
    read(
      this.source,
      this.offsets(l1, pieces),
      this.pieceBytes,
      this.kernel.u8.subarray(this.pointer, this.pointer + length),
    );
    this.hold(pieces);
  }

  /** Where the pieces lie in the file. */
  private offsets(l1: L1Table, pieces: readonly number[]): number[] {
    return pieces.map((at) => l1.l2Offset(Math.floor(at / this.geometry.l2Span)) + this.inTable(at));
  }

  private hold(pieces: readonly number[]): void {
    this.loaded = pieces;
    this.next = 0;
    if (!this.fingerprints) return;
    for (const [index, piece] of pieces.entries()) {
      const pointer = this.pointer + index * this.pieceBytes;
      const print = this.kernel.run.fingerprint(pointer, this.pieceBytes, piece / this.pieceSpan);
      this.prints = (this.prints + print) % PRINT_RANGE;
    }
  }

  /** Where in its table the piece at a guest offset stands, in bytes. */
  private inTable(guest: number): number {
    const { l2Span, clusterSize, l2EntryBytes } = this.geometry;
    return ((guest % l2Span) / clusterSize) * l2EntryBytes;
  }
}
