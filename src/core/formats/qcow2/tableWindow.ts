import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { Kernel } from '../../kernel/kernel';
import type { ByteSource } from '../../model';
import type { L1Table } from './l1';
import type { Geometry } from './mapping';
import { canBeReadTogether, MAX_READ, readTables } from './tables';

/** A table is read in pieces of this many bytes where it is larger. */
const PIECE_BYTES = 64 << 10;

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
 * large reads; others one by one, each when it is needed: then they stay in the processor's own cache until decoded.
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
  /** Up to here tables are read one by one: they lie strewn through the file, or one of them can't be read. */
  private strewnTo = 0;
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
   * The entries from a guest offset on, as many as follow in its piece.
   * @param isRead tells of a table's offset whether there is something to read
   * @throws DiskError `io`
   */
  entries(l1: L1Table, at: number, isRead: (table: number) => boolean): Entries {
    const { clusterSize, l2EntryBytes } = this.geometry;
    const piece = at - (at % this.pieceSpan);
    if (this.loaded[this.next] !== piece) {
      const following = this.loaded[this.next + 1] === piece;
      this.next = following ? this.next + 1 : this.loaded.indexOf(piece);
      if (this.next < 0) this.load(l1, piece, isRead);
    }
    const index = (at - piece) / clusterSize;
    return {
      pointer: this.pointer + this.next * this.pieceBytes + index * l2EntryBytes,
      entries: this.pieceBytes / l2EntryBytes - index,
    };
  }

  private load(l1: L1Table, piece: number, isRead: (table: number) => boolean): void {
    const pieces: number[] = [];
    const offsets: number[] = [];
    if (piece < this.strewnTo) {
      this.loadOne(l1, piece);
      return;
    }
    for (let at = piece; pieces.length < this.capacity && (at === piece || at < this.limit); at += this.pieceSpan) {
      const table = l1.l2Offset(Math.floor(at / this.geometry.l2Span));
      if (!isRead(table)) continue;
      pieces.push(at);
      offsets.push(table + this.inTable(at));
    }
    if (offsets.length === 1 || !canBeReadTogether(offsets, this.pieceBytes)) {
      this.strewnTo = (pieces.at(-1) ?? piece) + this.pieceSpan;
      this.loadOne(l1, piece);
      return;
    }
    this.loaded = [];
    try {
      readTables(this.source, offsets, this.pieceBytes, this.memory(offsets.length));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      // One of many: only what needs that one may fail.
      this.strewnTo = (pieces.at(-1) ?? piece) + this.pieceSpan;
      this.loadOne(l1, piece);
      return;
    }
    this.hold(pieces);
  }

  private loadOne(l1: L1Table, piece: number): void {
    this.loaded = [];
    const table = l1.l2Offset(Math.floor(piece / this.geometry.l2Span));
    readPadded(this.source, this.memory(1), table + this.inTable(piece));
    this.hold([piece]);
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

  private memory(pieces: number): Uint8Array {
    return this.kernel.u8.subarray(this.pointer, this.pointer + pieces * this.pieceBytes);
  }

  /** Where in its table the piece at a guest offset stands, in bytes. */
  private inTable(guest: number): number {
    const { l2Span, clusterSize, l2EntryBytes } = this.geometry;
    return ((guest % l2Span) / clusterSize) * l2EntryBytes;
  }
}
