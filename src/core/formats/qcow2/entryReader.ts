import { readPadded, readUpTo } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';

/** A chain has hundreds of images at worst, most of them with a table of a few hundred bytes. */
const PIECE_BYTES = 64 << 10;

/** A table whose entries have lengths of their own. */
export interface EntryTable {
  /** For messages: "snapshot table". */
  readonly name: string;
  readonly offset: number;
  /** How far it may reach. */
  readonly maxBytes: number;
  /** Whether what lies past the end of the file reads as zeros, as it does to QEMU; else it is an error. */
  readonly padded?: boolean;
}

/** Walks such a table through a sliding piece of it, so that nothing in the image decides how much is allocated. */
export class EntryReader {
  private piece: Uint8Array = new Uint8Array();
  private pieceStart: number;
  private at: number;

  constructor(
    private readonly source: ByteSource,
    private readonly table: EntryTable,
  ) {
    this.pieceStart = this.at = table.offset;
  }

  /** Where in the file the next field stands. */
  get position(): number {
    return this.at;
  }

  /**
   * The next field, valid until the next call.
   * @param length bytes; no more than a few times 64 KiB
   * @throws DiskError `limit` past the table's end, `short-read` past the file's where that is not padded
   */
  take(length: number): Uint8Array {
    this.skip(length);
    const from = this.at - length;
    if (this.at > this.pieceStart + this.piece.length) {
      this.piece = this.read(from, Math.max(PIECE_BYTES, length));
      this.pieceStart = from;
    }
    return this.piece.subarray(from - this.pieceStart, this.at - this.pieceStart);
  }

  /** Passes over a field. @throws DiskError as `take` */
  skip(length: number): void {
    const { name, offset, maxBytes, padded } = this.table;
    const end = this.at + length;
    if (end - offset > maxBytes)
      throw new DiskError('limit', `the ${name} goes on past its ${maxBytes} bytes`, { offset: this.at });
    if (!padded && end > this.source.size)
      throw new DiskError('short-read', `the file ends inside the ${name}`, { offset: this.at });
    this.at = end;
  }

  private read(position: number, length: number): Uint8Array {
    if (!this.table.padded) return readUpTo(this.source, position, length);
    const bytes = new Uint8Array(length);
    readPadded(this.source, bytes, position);
    return bytes;
  }

  /** Passes over the padding behind the entry that began at `entry`: entries are multiples of 8 bytes. */
  align(entry: number): void {
    this.at = entry + Math.ceil((this.at - entry) / 8) * 8;
  }
}
