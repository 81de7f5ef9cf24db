import { DiskError } from '../errors';
import type { ByteSource, HostExtents } from '../model';
import type { Shelf } from './byteBudget';
import { ReadAhead } from './readAhead';

/** Of an L2 table with clusters of 64 KiB, this much maps 128 MiB of the disk. */
export const PAGE_BYTES = 16 << 10;
/** A request of this size is worth a read of its own, and would push out what is asked for again and again. */
export const BULK_BYTES = 128 << 10;
/** The longest read ahead. */
export const MAX_AHEAD_BYTES = 1 << 20;
/** For so long the file is not asked whether it has changed. */
export const TRUSTED_MS = 250;

/** When pages are kept. */
export interface Keeping {
  /** False once files are to be read as they are at the moment. */
  readonly on: boolean;
  /** Milliseconds, of any clock. */
  now(): number;
}

/**
 * A file, with pages of it kept: neighbouring pages that are missing are one read, and use in sequence reads ahead. What
 * it shows is never older than the file was `TRUSTED_MS` ago: past that the file is asked whether it has changed (see
 * `ByteSource.changed`), and where it has, or can't tell, nothing that was kept counts any more. Requests that pages can't
 * answer as the file would, past its size or where reading fails, are passed on as they are.
 */
export class PagedSource implements ByteSource {
  readonly size: number;
  readonly origin: number | undefined;
  readonly diskUsage: number | undefined;
  readonly modified: number | undefined;
  readonly extents?: () => HostExtents;
  private readonly ahead = new ReadAhead(MAX_AHEAD_BYTES / PAGE_BYTES);
  private asked: number;
  private editions = 0;

  constructor(
    private readonly file: ByteSource,
    private readonly pages: Shelf,
    private readonly keeping: Keeping,
  ) {
    this.size = file.size;
    this.origin = file.origin;
    this.diskUsage = file.diskUsage;
    this.modified = file.modified;
    if (file.extents) this.extents = file.extents.bind(file);
    this.asked = keeping.now();
  }

  get edition(): number {
    this.lookForChange();
    return this.editions;
  }

  readInto(target: Uint8Array, position: number): void {
    const end = position + target.length;
    const isBulk = target.length >= BULK_BYTES;
    if (!this.keeping.on || isBulk || target.length === 0 || position < 0 || end > this.size) {
      this.file.readInto(target, position);
      return;
    }
    this.lookForChange();
    for (let at = position; at < end;) {
      const page = Math.floor(at / PAGE_BYTES);
      const kept = this.pages.get(page);
      const rest = target.subarray(at - position);
      at += kept ? copy(kept, at - page * PAGE_BYTES, rest) : this.fetch(page, at, rest);
    }
  }

  /** Gives up what is kept. */
  forget(): void {
    this.editions += 1;
    this.pages.clear();
  }

  close(): void {
    this.forget();
    this.file.close();
  }

  /**
   * Reads the missing pages from `page` on.
   * @param rest what is asked for from `at` on, which lies in the page
   * @returns how many bytes of that are filled now
   */
  private fetch(page: number, at: number, rest: Uint8Array): number {
    const needed = this.missing(page, Math.ceil((at + rest.length) / PAGE_BYTES) - page);
    const count = this.missing(page, this.ahead.extend(page, needed));
    const start = page * PAGE_BYTES;
    const bytes = new Uint8Array(Math.min(count * PAGE_BYTES, this.size - start));
    try {
      this.file.readInto(bytes, start);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      // It may be a part that nobody asked for that can't be read.
      this.file.readInto(rest, at);
      return rest.length;
    }
    this.ahead.note(page, count);
    for (let i = 0; i < count; i += 1) {
      this.pages.put(page + i, count === 1 ? bytes : bytes.slice(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
    }
    return copy(bytes, at - start, rest);
  }

  /** How many of `count` pages from `page` on, itself not kept, are in the file and not kept. */
  private missing(page: number, count: number): number {
    const end = Math.min(page + count, Math.ceil(this.size / PAGE_BYTES));
    for (let next = page + 1; next < end; next += 1) if (this.pages.has(next)) return next - page;
    return end - page;
  }

  private lookForChange(): void {
    if (!this.keeping.on) return;
    const now = this.keeping.now();
    // A clock that was set back must not make this last.
    if (now >= this.asked && now < this.asked + TRUSTED_MS) return;
    this.asked = now;
    if (this.file.changed?.() !== false) this.forget();
  }
}

/** @returns how many bytes there were to be copied, at most as many as `target` holds */
function copy(bytes: Uint8Array, from: number, target: Uint8Array): number {
  const part = bytes.subarray(from, from + target.length);
  target.set(part);
  return part.length;
}
