import { readStrewn } from '../../bytes';
import { DiskError } from '../../errors';
import type { Kernel } from '../../kernel/kernel';
import type { ByteSource } from '../../model';
import type { Geometry } from './mapping';
import type { TableList } from './tableList';
import { NO_TABLE } from './tableList';
import { canBeReadTogether, MAX_READ, readTables } from './tables';

/** A table is read in pieces of this many bytes where it is larger. */
const PIECE_BYTES = 64 << 10;

/** Strewn tables are read this many bytes at a time: they stay in the processor's own cache until they are decoded. */
const STREWN_BYTES = 256 << 10;

/** Fingerprints are of 52 bits: the sum of two is exact. */
const PRINT_RANGE = 2 ** 52;

/** Pieces to be read: guest offset of each, and where it lies in the file. */
interface Pieces {
  readonly at: number[];
  readonly offsets: number[];
}

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
  /** Up to here, from the first on, there is no gap between them. */
  private gapAt = 0;
  private next = 0;
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
    // Ranges come in any order: what is so in one is not known of those before it.
    this.strewnTo = 0;
    this.aloneTo = 0;
    // What is loaded stays of use, but each range has fingerprints of all that it reads.
    if (this.fingerprints) this.loaded = [];
    this.prints = 0;
  }

  /** Of the pieces that were loaded since `begin`; see `LayerScan`. */
  get fingerprint(): number | undefined {
    return this.fingerprints ? this.prints : undefined;
  }

  /**
   * The entries from a guest offset on, as many as are known to follow it in memory.
   * @param at where a table is read
   * @param end guest offset up to which they are asked for
   * @throws DiskError `io`
   */
  entries(tables: TableList, at: number, end: number): Entries {
    const { clusterSize, l2EntryBytes } = this.geometry;
    const piece = at - (at % this.pieceSpan);
    if (this.loaded[this.next] !== piece) {
      this.next = this.loaded[this.next + 1] === piece ? this.next + 1 : this.loaded.indexOf(piece);
      if (this.next < 0) this.load(tables, piece, end);
    }
    const index = (at - piece) / clusterSize;
    return {
      pointer: this.pointer + this.next * this.pieceBytes + index * l2EntryBytes,
      entries: (Math.max(piece + this.pieceSpan, this.gapAt) - at) / clusterSize,
    };
  }

  private load(tables: TableList, piece: number, end: number): void {
    if (piece >= this.aloneTo) {
      if (piece >= this.strewnTo && this.readTogether(tables, piece)) return;
      const most = Math.min(this.capacity, Math.max(1, Math.floor(STREWN_BYTES / this.pieceBytes)));
      if (this.tryToRead(this.following(tables, piece, end, most), readStrewn)) return;
    }
    // Only what needs the one that can't be read may fail.
    this.read(this.following(tables, piece, end, 1), readStrewn);
  }

  /** Reads ahead. @returns false where tables lie strewn */
  private readTogether(tables: TableList, piece: number): boolean {
    const pieces = this.following(tables, piece, this.limit, this.capacity);
    if (canBeReadTogether(pieces.offsets, this.pieceBytes)) return this.tryToRead(pieces, readTables);
    this.strewnTo = (pieces.at.at(-1) ?? piece) + this.pieceSpan;
    return false;
  }

  /** The pieces from one on that are read, it included, up to `end`. */
  private following(tables: TableList, piece: number, end: number, most: number): Pieces {
    const { l2Span } = this.geometry;
    const pieces: Pieces = { at: [], offsets: [] };
    for (let at = piece; pieces.at.length < most && (at === piece || at < end); at += this.pieceSpan) {
      const table = tables.at(Math.floor(at / l2Span));
      if (table <= NO_TABLE) continue;
      pieces.at.push(at);
      pieces.offsets.push(table + this.inTable(at));
    }
    return pieces;
  }

  /** @returns false where one of them can't be read: then they are read alone */
  private tryToRead(pieces: Pieces, read: typeof readTables): boolean {
    try {
      this.read(pieces, read);
      return true;
    } catch (error) {
      if (!(error instanceof DiskError) || pieces.at.length === 1) throw error;
      this.aloneTo = (pieces.at.at(-1) ?? 0) + this.pieceSpan;
      return false;
    }
  }

  private read({ at, offsets }: Pieces, read: typeof readTables): void {
    const { source, pieceBytes, pointer, kernel } = this;
    this.loaded = [];
    read(source, offsets, pieceBytes, kernel.u8.subarray(pointer, pointer + at.length * pieceBytes));
    this.hold(at);
  }

  private hold(pieces: readonly number[]): void {
    const first = pieces[0] ?? 0;
    const gap = pieces.findIndex((piece, index) => piece !== first + index * this.pieceSpan);
    this.loaded = pieces;
    this.gapAt = first + (gap < 0 ? pieces.length : gap) * this.pieceSpan;
    this.next = 0;
    if (!this.fingerprints) return;
    pieces.forEach((piece, index) => {
      const pointer = this.pointer + index * this.pieceBytes;
      const print = this.kernel.run.fingerprint(pointer, this.pieceBytes, piece / this.pieceSpan);
      this.prints = (this.prints + print) % PRINT_RANGE;
    });
  }

  /** Where in its table the piece at a guest offset stands, in bytes. */
  private inTable(guest: number): number {
    const { l2Span, clusterSize, l2EntryBytes } = this.geometry;
    return ((guest % l2Span) / clusterSize) * l2EntryBytes;
  }
}
