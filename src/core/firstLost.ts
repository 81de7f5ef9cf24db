import type { Side } from './compareSide';
import { DiskError } from './errors';
import { hostPlace } from './hostSpace';
import type { ChainLayer, GuestPart, Job, OwnershipMap, View } from './model';
import { Kind, NOBODY } from './model';
import { viewFrom } from './views';
import type { WalkFrom } from './walk';
import { walk } from './walk';

/** A byte of the disk that can't be known since a file was cut short. */
export interface LostByte {
  readonly offset: number;
  /** Whose file that is. */
  readonly depth: number;
  /** Whether it is the table that is lost: otherwise the data. */
  readonly isTable: boolean;
  /** Path of the file that is cut short, where that is not the layer's own. */
  readonly holder?: string;
}

/**
 * Reads all tables that the guest comes through for the first byte that it would read otherwise, had no file of the disk
 * been cut short. What newer layers hold hides what was lost below. A file that ends inside a plain cluster of data is not
 * told: an honest one may.
 * @throws DiskError
 */
export function* firstLost({ chain, from }: Side): Job<LostByte | undefined> {
  const tables = new LostTables(chain.layers, from);
  const total = from.view.guestSize;
  for (const map of walk(chain, from)) {
    yield { done: map.start[0] ?? 0, total };
    for (let run = 0; run < map.count; run += 1) {
      const lost = tables.first(map, run) ?? lostData(chain.layers, from, map, run);
      if (lost) return lost;
    }
  }
  return undefined;
}

function lostData(
  layers: readonly ChainLayer[],
  from: WalkFrom,
  { start, owner, kind, host }: OwnershipMap,
  run: number,
): LostByte | undefined {
  const depth = owner[run] ?? NOBODY;
  const layer = layers[depth];
  const place = host?.[run] ?? -1;
  const offset = layer?.layer.firstPastEnd?.(viewFrom(from, layer), {
    start: start[run] ?? 0,
    end: start[run + 1] ?? 0,
    kind: (kind[run] ?? Kind.Unknown) as Kind,
    host: place,
  });
  if (!layer || offset === undefined) return undefined;
  const { holder } = hostPlace(layer, Math.max(place, 0));
  return { offset, depth, isTable: false, ...(holder !== undefined && { holder }) };
}

/** Where its tables can't be read that is not lost but unknown, which the walk tells. */
function* lostTablesOf({ layer }: ChainLayer, view: View): Generator<GuestPart, void, void> {
  try {
    yield* layer.lostTables?.(view) ?? [];
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
  }
}

/** One layer's lost tables. */
interface Reader {
  readonly depth: number;
  /** Where a newer layer ends, or this one: past it nobody sees this one. */
  readonly seenUntil: number;
  readonly parts: Iterator<GuestPart, void, void>;
  part: GuestPart;
}

/** The lost tables of all layers, asked for along the disk. */
class LostTables {
  private readers: readonly Reader[];

  constructor(layers: readonly ChainLayer[], from: WalkFrom) {
    let seenUntil = Infinity;
    this.readers = layers.slice(from.depth).flatMap((chainLayer): Reader[] => {
      const view = viewFrom(from, chainLayer);
      seenUntil = Math.min(seenUntil, view.guestSize);
      const parts = lostTablesOf(chainLayer, view);
      const first = parts.next();
      return first.done ? [] : [{ depth: chainLayer.depth, seenUntil, parts, part: first.value }];
    });
  }

  /** The first byte of a run whose table is lost in a layer that a read of it comes through. Runs are asked for in order. */
  first({ start, owner }: OwnershipMap, run: number): LostByte | undefined {
    const from = start[run] ?? 0;
    const to = start[run + 1] ?? 0;
    const depth = owner[run] ?? NOBODY;
    for (const reader of this.readers) {
      if (depth >= 0 && depth <= reader.depth) break;
      if (!this.reach(reader, from)) continue;
      const offset = Math.max(from, reader.part.start);
      if (offset < Math.min(to, reader.part.end, reader.seenUntil)) {
        return { offset, depth: reader.depth, isTable: true };
      }
    }
    return undefined;
  }

  /** Goes on to the first part that ends behind `at`. @returns false when there is none */
  private reach(reader: Reader, at: number): boolean {
    while (reader.part.end <= at) {
      const next = reader.parts.next();
      if (next.done) {
        this.readers = this.readers.filter((other) => other !== reader);
        return false;
      }
      reader.part = next.value;
    }
    return true;
  }
}
