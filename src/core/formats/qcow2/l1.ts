import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { LIMITS } from './limits';
import type { Geometry } from './mapping';
import { offsetOf } from './mapping';
import { CUT_SHORT } from '../advice';
import { lostText } from './oddities';

/** The table is read this many bytes at a time: it may be 32 MiB large, and a chain may have 256 of them. */
const PIECE_BYTES = 16 << 10;
export const PER_PIECE = PIECE_BYTES / 8;

/** The L1 table of a view: the active one, or a snapshot's. */
export interface L1Place {
  readonly offset: number;
  readonly entries: number;
}

/** An L1 table, as much of it as a disk needs. One piece of it is in memory. */
export class L1Table {
  readonly offset: number;
  /** Entries that the disk needs and the table has. */
  readonly entries: number;
  private readonly clusterSize: number;
  private readonly disk: { readonly geometry: Geometry; readonly guestSize: number };
  private piece = new DataView(new ArrayBuffer(0));
  private pieceStart = -1;

  /** @throws DiskError `limit` when it is larger than QEMU would read, `corrupt` when it is not aligned */
  constructor(
    private readonly source: ByteSource,
    geometry: Geometry,
    { offset, entries }: L1Place,
    guestSize: number,
  ) {
    if (entries * 8 > LIMITS.maxL1Bytes) {
      throw new DiskError('limit', `an L1 table of ${entries} entries is past QEMU's limit of 32 MiB`, { offset });
    }
    if (offset % geometry.clusterSize !== 0) {
      throw new DiskError('corrupt', `the L1 table is said to begin at byte ${offset}, in the middle of a cluster`, {
        offset,
      });
    }
    this.offset = offset;
    this.entries = Math.min(entries, Math.ceil(guestSize / geometry.l2Span));
    this.clusterSize = geometry.clusterSize;
    this.disk = { geometry, guestSize };
  }

  /** How many of its entries are in the file; those past its end read as zero: nothing is mapped. */
  get there(): number {
    return Math.min(this.entries, Math.max(0, Math.floor((this.source.size - this.offset) / 8)));
  }

  /** What is odd about where it lies. */
  get findings(): readonly Finding[] {
    const { size } = this.source;
    const { there } = this;
    if (there === this.entries) return [];
    const { geometry, guestSize } = this.disk;
    const lost = geometry.mapped(this.entries - there, guestSize);
    const message = `the L1 table goes on past the end of the file (${size} bytes): ${lostText(lost)}`;
    return [{ code: 'l1-past-end', severity: 'error', message, advice: CUT_SHORT, offset: this.offset, lost }];
  }

  /** The first 32 bits of an entry; 0 past the end of the table. @throws DiskError `io` */
  high(index: number): number {
    return index < this.entries ? this.pieceOf(index).getUint32((index % PER_PIECE) * 8) : 0;
  }

  /** The last 32 bits. */
  low(index: number): number {
    return index < this.entries ? this.pieceOf(index).getUint32((index % PER_PIECE) * 8 + 4) : 0;
  }

  /** Offset of an L2 table; 0 for none, -1 for one that begins in the middle of a cluster. @throws DiskError `io` */
  l2Offset(index: number): number {
    const offset = offsetOf(this.high(index), this.low(index));
    return offset % this.clusterSize === 0 ? offset : -1;
  }

  /**
   * Offsets of neighbouring tables; see `l2Offset`.
   * @param target has room for `PER_PIECE`, @param first a multiple of that
   * @returns how many there are: `PER_PIECE`, and fewer at the end @throws DiskError `io`
   */
  offsetsInto(target: Float64Array, first: number): number {
    const { clusterSize } = this;
    const piece = this.pieceOf(first);
    const count = piece.byteLength / 8;
    for (let i = 0; i < count; i += 1) {
      const offset = offsetOf(piece.getUint32(i * 8), piece.getUint32(i * 8 + 4));
      target[i] = offset % clusterSize === 0 ? offset : -1;
    }
    return count;
  }

  /** How many entries name a table. @throws DiskError `io` */
  get tables(): number {
    const offsets = new Float64Array(PER_PIECE);
    let found = 0;
    for (let first = 0; first < this.entries; first += PER_PIECE) {
      const count = this.offsetsInto(offsets, first);
      for (let i = 0; i < count; i += 1) if ((offsets[i] ?? 0) > 0) found += 1;
    }
    return found;
  }

  private pieceOf(index: number): DataView {
    const start = index - (index % PER_PIECE);
    if (start !== this.pieceStart) {
      const bytes = new Uint8Array(Math.min(PER_PIECE, this.entries - start) * 8);
      readPadded(this.source, bytes, this.offset + start * 8);
      this.piece = new DataView(bytes.buffer);
      this.pieceStart = start;
    }
    return this.piece;
  }
}
