/** Reads one after another that are followed at a time: tables and data of one file are read in turn. */
const STREAMS = 8;

/** Tells use in sequence from use at random, and how far ahead of it to read: twice as far each time. */
export class ReadAhead {
  /** By the page behind each of the last reads, how many pages that read had. */
  private readonly streams = new Map<number, number>();

  /** @param most pages of one read */
  constructor(private readonly most: number) {}

  /** How many pages to read from `page` on, of which `needed` were asked for. */
  extend(page: number, needed: number): number {
    const before = this.streams.get(page);
    if (before === undefined) return needed;
    this.streams.delete(page);
    return Math.max(needed, Math.min(2 * before, this.most));
  }

  /** Notes a read of `[page, page + count)`. */
  note(page: number, count: number): void {
    const [oldest] = this.streams.keys();
    if (this.streams.size >= STREAMS && oldest !== undefined) this.streams.delete(oldest);
    this.streams.set(page + count, count);
  }
}
