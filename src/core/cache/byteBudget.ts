/** What an entry takes beside its bytes, roughly: a typed array, its buffer, a place in a map and one in the order. */
export const ENTRY_BYTES = 256;

interface Entry {
  readonly shelf: Map<number, Entry>;
  readonly key: number;
  readonly bytes: Uint8Array;
  older: Entry;
  newer: Entry;
}

/** Memory that several caches share. Where there is no room for more, what was asked for longest ago goes. */
export class ByteBudget {
  /** A ring: `newer` than this is the oldest entry, `older` the newest. */
  private readonly ends: Entry;
  private taken = 0;

  /** @param limit bytes, `ENTRY_BYTES` for each entry among them */
  constructor(readonly limit: number) {
    const ends = { shelf: new Map<number, Entry>(), key: -1, bytes: new Uint8Array() } as unknown as Entry;
    this.ends = ends.older = ends.newer = ends;
  }

  /** Bytes that are taken now: never more than the limit. */
  get used(): number {
    return this.taken;
  }

  /** A cache that lives on this budget. */
  shelf(): Shelf {
    const entries = new Map<number, Entry>();
    return {
      has: (key) => entries.has(key),
      get: (key) => {
        const entry = entries.get(key);
        if (!entry) return undefined;
        this.unlink(entry);
        this.linkNewest(entry);
        return entry.bytes;
      },
      put: (key, bytes) => {
        const before = entries.get(key);
        if (before) this.drop(before);
        this.add(entries, key, bytes);
      },
      clear: () => {
        for (const entry of entries.values()) this.drop(entry);
      },
    };
  }

  private add(shelf: Map<number, Entry>, key: number, bytes: Uint8Array): void {
    const room = bytes.length + ENTRY_BYTES;
    if (room > this.limit) return;
    while (this.taken + room > this.limit) this.drop(this.ends.newer);
    // A part of a larger buffer would keep all of that.
    const own = bytes.length === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
    const entry: Entry = { shelf, key, bytes: own, older: this.ends, newer: this.ends };
    shelf.set(key, entry);
    this.taken += room;
    this.linkNewest(entry);
  }

  private drop(entry: Entry): void {
    entry.shelf.delete(entry.key);
    this.taken -= entry.bytes.length + ENTRY_BYTES;
    this.unlink(entry);
  }

  private linkNewest(entry: Entry): void {
    entry.older = this.ends.older;
    entry.newer = this.ends;
    entry.older.newer = this.ends.older = entry;
  }

  private unlink({ older, newer }: Entry): void {
    older.newer = newer;
    newer.older = older;
  }
}

/** Pieces of bytes by a number. What was put may be gone at the next look. */
export interface Shelf {
  has(key: number): boolean;
  /** The very bytes that are kept: not to be written to. Counts as use. */
  get(key: number): Uint8Array | undefined;
  /** Keeps bytes that nobody writes to any more, where they are not larger than the whole budget. */
  put(key: number, bytes: Uint8Array): void;
  clear(): void;
}
