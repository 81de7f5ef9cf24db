import { DiskError } from './errors';
import type { Chain, OwnershipMap } from './model';
import { guestOffset, Kind, NOBODY, UNKNOWN_OWNER } from './model';
import { assertInside } from './ranges';
import { runAt } from './runs';
import { viewFrom } from './views';
import type { WalkFrom } from './walk';

/** A range `[start, end)` within an answer that could not be read, and why. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  readonly why: string;
}

/**
 * Reads guest bytes through the chain.
 * @param map ownership from that origin, of the whole disk or of a part of it
 * @param offset guest offset of `target[0]`; `[offset, offset + target.length)` must lie inside the map
 * @returns what could not be read: those bytes are left zero
 * @throws DiskError `out-of-range`
 */
export function readGuest(
  chain: Chain,
  origin: WalkFrom,
  map: OwnershipMap,
  offset: number,
  target: Uint8Array,
): Gap[] {
  const end = offset + target.length;
  const size = map.start[map.count] ?? 0;
  assertInside({ start: offset, end }, size, map.start[0]);
  const gaps: Gap[] = [];
  for (let run = runAt(map, offset), at = offset; at < end; run += 1) {
    const stop = Math.min(map.start[run + 1] ?? end, end);
    const piece = target.subarray(at - offset, stop - offset);
    const why = readRun(
      chain,
      origin,
      map.owner[run] ?? UNKNOWN_OWNER,
      (map.kind[run] ?? Kind.Unknown) as Kind,
      at,
      piece,
    );
    if (why !== undefined) gaps.push({ start: at - offset, end: stop - offset, why });
    at = stop;
  }
  return gaps;
}

function readRun(
  chain: Chain,
  origin: WalkFrom,
  owner: number,
  kind: Kind,
  at: number,
  piece: Uint8Array,
): string | undefined {
  piece.fill(0);
  if (owner === NOBODY || kind === Kind.Zero || kind === Kind.ZeroAllocated) return undefined;
  const holder = chain.layers[owner];
  if (!holder) return chain.end.kind === 'base' ? 'its table could not be read' : chain.end.message;
  try {
    holder.layer.read(viewFrom(origin, holder), guestOffset(at), piece);
    return undefined;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    piece.fill(0);
    return error.message;
  }
}
