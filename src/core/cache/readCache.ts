import type { ByteSource } from '../model';
import type { Shelf } from './byteBudget';
import { ByteBudget } from './byteBudget';
import { PagedSource } from './pagedSource';

/** Of all files of a chain together, pages and decompressed clusters. */
export const CACHE_BYTES = 32 << 20;

export interface CacheOptions {
  /** Bytes that are kept at most. */
  readonly limit?: number;
  /** Milliseconds, of any clock. */
  readonly now?: () => number;
}

/**
 * What is read at random of the files of one chain: headers, table entries, the bytes of a few clusters. It belongs to one
 * opening of the chain, so that another opening begins with nothing.
 */
export class ReadCache {
  private readonly budget: ByteBudget;
  private readonly sources = new Map<ByteSource, PagedSource>();
  private readonly keeping: { on: boolean; now: () => number };

  constructor({ limit = CACHE_BYTES, now = Date.now }: CacheOptions = {}) {
    this.budget = new ByteBudget(limit);
    this.keeping = { on: true, now };
  }

  /** Bytes that are kept now. */
  get used(): number {
    return this.budget.used;
  }

  /** The same file, read through the cache. Closing either closes it. */
  of(source: ByteSource): ByteSource {
    let paged = this.sources.get(source);
    if (!paged) this.sources.set(source, (paged = new PagedSource(source, this.budget.shelf(), this.keeping)));
    return paged;
  }

  /** Room for what is made of a file's bytes and costs more than reading them. */
  shelf(): Shelf {
    return this.budget.shelf();
  }

  /** From here on every file is read as it is at the moment; shelves go on. */
  readAnew(): void {
    this.keeping.on = false;
    for (const paged of this.sources.values()) paged.forget();
  }
}
