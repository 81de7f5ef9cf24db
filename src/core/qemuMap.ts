import { hostPlace } from './hostSpace';
import type { Chain, OwnershipMap } from './model';
import { Kind, NOBODY, UNKNOWN_OWNER } from './model';
import { UnwrittenSpace } from './unwritten';
import { currentView } from './views';
import type { Failed, WalkFrom } from './walk';
import { walk } from './walk';

/** One entry of `qemu-img map --output=json`, as of QEMU 8.2. Offsets and lengths in bytes. */
export interface QemuMapEntry {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  readonly compressed: boolean;
  readonly offset?: number;
  /** Path of the file that this is an offset of, where that is not the image. qemu-img merges by it, and prints it for people alone. */
  readonly file?: string;
  /** Ours, and only where the answer is not known: below a missing parent, or where a table can't be read. */
  readonly unknown?: true;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The map of a disk in the words of `qemu-img map` (qemu-img.c, get_block_status and entry_mergeable): every entry once,
 * merged by its rules. Yields undefined for a pause.
 */
export function* qemuMap(
  chain: Chain,
  from: WalkFrom,
  failed?: Failed,
): Generator<QemuMapEntry | undefined, void, void> {
  if (from.view.guestSize === 0) yield OF_NOTHING;
  yield* entriesOf(walk(chain, from, failed), chain, from);
}

/** What QEMU tells of a disk of no bytes. */
export const OF_NOTHING: QemuMapEntry = {
  start: 0,
  length: 0,
  depth: 0,
  present: false,
  zero: false,
  data: false,
  compressed: false,
};

/** The entries of maps that follow on each other; the first and the last may go on past their edges. */
export function* entriesOf(
  maps: Iterable<OwnershipMap>,
  chain: Chain,
  from: WalkFrom,
): Generator<QemuMapEntry | undefined, void, void> {
  const words = new Wording(chain, from);
  for (const map of maps) {
    yield undefined;
    words.tell(map);
    yield* words.entries.splice(0);
  }
  const last = words.finish();
  if (last) yield last;
}

/** Whether two entries, one behind the other, are one (qemu-img.c, entry_mergeable). */
export function mergeable(a: QemuMapEntry, b: QemuMapEntry): boolean {
  return (
    a.depth === b.depth &&
    a.present === b.present &&
    a.zero === b.zero &&
    a.data === b.data &&
    a.compressed === b.compressed &&
    a.unknown === b.unknown &&
    a.file === b.file &&
    (a.offset === undefined ? b.offset === undefined : b.offset === a.offset + a.length)
  );
}

class Wording {
  /** What is complete and was not taken yet. */
  readonly entries: QemuMapEntry[] = [];
  private last: Mutable<QemuMapEntry> | undefined;
  private readonly unwritten: UnwrittenSpace;
  private readonly from: number;
  /** Guest size of each layer from `from` on, as seen from there. */
  private readonly sizes: readonly number[];

  /** Where content is encrypted QEMU tells no offset: the bytes there are not the guest's. */
  private readonly tellsOffsets: readonly boolean[];

  constructor(
    private readonly chain: Chain,
    { depth, view }: WalkFrom,
  ) {
    this.from = depth;
    this.unwritten = new UnwrittenSpace(chain);
    this.tellsOffsets = chain.layers.map(({ layer }) => layer.info.encrypted !== true);
    this.sizes = [view, ...chain.layers.slice(depth + 1).map(currentView)].map(({ guestSize }) => guestSize);
  }

  tell({ count, start, owner, kind, host }: OwnershipMap): void {
    for (let run = 0; run < count; run += 1) {
      this.run(
        start[run] ?? 0,
        start[run + 1] ?? 0,
        owner[run] ?? NOBODY,
        (kind[run] ?? Kind.Unknown) as Kind,
        host?.[run] ?? -1,
      );
    }
  }

  /** @returns the last entry, which nothing can join any more */
  finish(): QemuMapEntry | undefined {
    return this.last;
  }

  private run(start: number, end: number, owner: number, kind: Kind, host: number): void {
    if (owner < 0) this.nobodys(start, end, owner, host);
    else if (kind === Kind.Data || kind === Kind.Invalid) this.data(start, end, owner, host);
    else {
      const zero = kind === Kind.Zero || kind === Kind.ZeroAllocated;
      const compressed = kind === Kind.Compressed;
      // Of compressed clusters QEMU tells no offset.
      this.put(this.entry(start, end, owner, { zero, data: !zero, compressed }, compressed ? -1 : host));
    }
  }

  private put(entry: Mutable<QemuMapEntry>): void {
    if (this.last && mergeable(this.last, entry)) {
      this.last.length += entry.length;
      return;
    }
    if (this.last) this.entries.push(this.last);
    this.last = entry;
  }

  /** Nobody's ranges name the deepest layer that a read got to, so they end where a layer does. */
  private nobodys(start: number, end: number, owner: number, host: number): void {
    for (let at = start; at < end;) {
      let depth = 0;
      while (depth + 1 < this.sizes.length && at < (this.sizes[depth + 1] ?? 0)) depth += 1;
      let stop = end;
      for (const size of this.sizes) if (size > at && size < stop) stop = size;
      const place = host < 0 ? -1 : host + (at - start);
      const entry = this.entry(at, stop, this.from + depth, { zero: owner === NOBODY }, place);
      entry.present = false;
      if (owner === UNKNOWN_OWNER) entry.unknown = true;
      this.put(entry);
      at = stop;
    }
  }

  /** Data, cut at the holes of its file where the layer has space that was never written. */
  private data(start: number, end: number, owner: number, host: number): void {
    const { unwritten } = this;
    for (let at = start; at < end;) {
      const inFile = host < 0 ? -1 : host + (at - start);
      unwritten.look(owner, inFile, end - at);
      const { length, isHole } = unwritten;
      this.put(this.entry(at, at + length, owner, { data: true, zero: isHole }, inFile));
      at += length;
    }
  }

  private entry(
    start: number,
    end: number,
    depth: number,
    what: { readonly zero?: boolean; readonly data?: boolean; readonly compressed?: boolean },
    host: number,
  ): Mutable<QemuMapEntry> {
    const { zero = false, data = false, compressed = false } = what;
    const entry: Mutable<QemuMapEntry> = {
      start,
      length: end - start,
      depth: depth - this.from,
      present: true,
      zero,
      data,
      compressed,
    };
    const layer = this.chain.layers[depth];
    if (host >= 0 && layer && this.tellsOffsets[depth] !== false) {
      const { holder, offset } = hostPlace(layer, host);
      entry.offset = offset;
      if (holder !== undefined) entry.file = holder;
    }
    return entry;
  }
}
