import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';

/** Entries of a table as the file has them. The bytes are used again for the next answer. */
export interface Entries {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** What is read at once where a larger reading failed: of a disk that is dying no more is unknown than it has to be. */
const LEAST_BYTES = 4096;

/**
 * One table in a file, read a window at a time. Past the end of the file reading fails: where a format's entries read as
 * zeros there, `source` does, too.
 */
export class EntryTable {
  private buffer = new Uint8Array();

  /** @param offset where it begins in the file, @param windowBytes that are read at a time at most */
  constructor(
    private readonly source: ByteSource,
    private readonly offset: number,
    private readonly entryBytes: number,
    private readonly windowBytes: number,
  ) {}

  /** Entries that are read at once where reading more fails. */
  get perReading(): number {
    return LEAST_BYTES / this.entryBytes;
  }

  /** Entries from `first` on, at least one, at most `most`. @throws DiskError when not even a few can be read */
  read(first: number, most: number): Entries {
    const { entryBytes, perReading } = this;
    const inWindow = Math.max(1, Math.floor(this.windowBytes / entryBytes));
    const count = Math.min(most, inWindow);
    try {
      return this.window(first, count);
    } catch (error) {
      const few = Math.min(count, perReading - (first % perReading));
      if (!(error instanceof DiskError) || few === count) throw error;
      return this.window(first, few);
    }
  }

  private window(first: number, count: number): Entries {
    const length = count * this.entryBytes;
    if (this.buffer.length < length) this.buffer = new Uint8Array(length);
    const bytes = this.buffer.subarray(0, length);
    this.source.readInto(bytes, this.offset + first * this.entryBytes);
    return { bytes, count };
  }
}
