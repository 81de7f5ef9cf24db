import type { Chain, Finding, OwnershipMap } from './model';
import { Kind, NOBODY, UNKNOWN_OWNER } from './model';
import { currentView } from './trace';
import { UnwrittenSpace } from './unwritten';
import type { WalkFrom } from './walk';
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
  /** Ours, and only where the answer is not known: below a missing parent, or where a table can't be read. */
  readonly unknown?: true;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The map of a disk in the words of `qemu-img map` (qemu-img.c, get_block_status and entry_mergeable): every entry once,
 * merged by its rules. Yields undefined for a pause.
 * @param failed see `walk`
 */
export function* qemuMap(
  chain: Chain,
  from: WalkFrom,
  failed?: (depth: number, finding: Finding) => void,
): Generator<QemuMapEntry | undefined, void, void> {
  if (from.view.guestSize === 0) {
    yield { start: 0, length: 0, depth: 0, present: false, zero: false, data: false, compressed: false };
    return;
  }
  const words = new Wording(chain, from);
  let last: Mutable<QemuMapEntry> | undefined;
  for (const map of walk(chain, from, failed)) {
    if (!map) {
      yield undefined;
      continue;
    }
    for (let run = 0; run < map.count; run += 1) {
      for (const entry of words.split(map, run)) {
        if (last && mergeable(last, entry)) last.length += entry.length;
        else {
          if (last) yield last;
          last = entry;
        }
      }
    }
  }
  if (last) yield last;
}

function mergeable(a: QemuMapEntry, b: QemuMapEntry): boolean {
  return (
    a.depth === b.depth &&
    a.present === b.present &&
    a.zero === b.zero &&
    a.data === b.data &&
    a.compressed === b.compressed &&
    a.unknown === b.unknown &&
    (a.offset === undefined ? b.offset === undefined : b.offset === a.offset + a.length)
  );
}

class Wording {
  private readonly unwritten: UnwrittenSpace;

  private readonly from: number;
  /** Guest size of each layer from `from` on, as seen from there. */
  private readonly sizes: readonly number[];

  constructor(
    private readonly chain: Chain,
    { depth, view }: WalkFrom,
  ) {
    this.from = depth;
    this.unwritten = new UnwrittenSpace(chain);
    this.sizes = [view, ...chain.layers.slice(depth + 1).map(currentView)].map(({ guestSize }) => guestSize);
  }

  *split(map: OwnershipMap, run: number): Generator<Mutable<QemuMapEntry>> {
    const start = map.start[run] ?? 0;
    const end = map.start[run + 1] ?? start;
    const owner = map.owner[run] ?? NOBODY;
    const kind = (map.kind[run] ?? Kind.Unknown) as Kind;
    const host = map.host?.[run] ?? -1;
    if (owner < 0) yield* this.nobodys(start, end, owner, host);
    else if (kind === Kind.Data || kind === Kind.Invalid) yield* this.data(start, end, owner, host);
    else {
      const zero = kind === Kind.Zero || kind === Kind.ZeroAllocated;
      const compressed = kind === Kind.Compressed;
      // Of compressed clusters QEMU tells no offset.
      yield this.entry(start, end, owner, { zero, data: !zero, compressed }, compressed ? -1 : host);
    }
  }

  /** Nobody's ranges name the deepest layer that a read got to, so they end where a layer does. */
  private *nobodys(start: number, end: number, owner: number, host: number): Generator<Mutable<QemuMapEntry>> {
    for (let at = start; at < end;) {
      let depth = 0;
      while (depth + 1 < this.sizes.length && at < (this.sizes[depth + 1] ?? 0)) depth += 1;
      const ends = this.sizes.filter((size) => size > at);
      const stop = Math.min(end, ...ends);
      const unknown = owner === UNKNOWN_OWNER ? ({ unknown: true } as const) : {};
      const entry = this.entry(
        at,
        stop,
        this.from + depth,
        { zero: owner === NOBODY },
        host < 0 ? -1 : host + (at - start),
      );
      yield { ...entry, present: false, ...unknown };
      at = stop;
    }
  }

  /** Data, cut at the holes of its file where the layer has space that was never written. */
  private *data(start: number, end: number, owner: number, host: number): Generator<Mutable<QemuMapEntry>> {
    const { unwritten } = this;
    for (let at = start; at < end;) {
      const inFile = host < 0 ? -1 : host + (at - start);
      unwritten.look(owner, inFile, end - at);
      const { length, isHole } = unwritten;
      yield this.entry(at, at + length, owner, { data: true, zero: isHole }, inFile);
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
    // Where content is encrypted QEMU tells no offset: the bytes there are not the guest's.
    const offset = host >= 0 && this.chain.layers[depth]?.layer.info.encrypted !== true ? { offset: host } : {};
    return { start, length: end - start, depth: depth - this.from, present: true, zero, data, compressed, ...offset };
  }
}
