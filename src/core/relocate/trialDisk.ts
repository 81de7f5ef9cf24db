import { readGuest } from '../guest';
import type { Chain, OwnershipMap } from '../model';
import { NOBODY, UNKNOWN_OWNER } from '../model';
import type { Picture } from '../picture/picture';
import type { WalkFrom } from '../walk';
import { mapOf } from '../walk';

/**
 * Whose bytes they are: `overlay` the image's own, `below` what the file beneath it holds, or nobody; `both` where it
 * holds a part of them each.
 */
export type Origin = 'overlay' | 'below' | 'both';

export interface Piece {
  readonly bytes: Uint8Array;
  readonly origin: Origin;
}

/** The disk of an overlay on a file that may be its parent, read a few bytes at a time. */
export interface TrialDisk {
  readonly size: number;
  /** Undefined where it is not all on the disk, or can't be read. */
  read(offset: number, length: number): Piece | undefined;
}

/** More than any structure that is looked at has. */
const MAX_PIECE = 1 << 20;

/** @param picture of the whole disk from that origin */
export function trialDisk(chain: Chain, from: WalkFrom, picture: Picture): TrialDisk {
  const size = picture.guestSize;
  return {
    size,
    read: (offset, length) => {
      if (!Number.isSafeInteger(offset) || offset < 0 || length <= 0 || length > MAX_PIECE) return undefined;
      if (offset + length > size) return undefined;
      const map = mapOf(chain, from, picture, { start: offset, end: offset + length });
      const origin = originOf(map, from.depth);
      if (origin === undefined) return undefined;
      const bytes = new Uint8Array(length);
      return readGuest(chain, from, map, offset, bytes).length === 0 ? { bytes, origin } : undefined;
    },
  };
}

function originOf(map: OwnershipMap, depth: number): Origin | undefined {
  if (map.owner.includes(UNKNOWN_OWNER)) return undefined;
  const own = map.owner.includes(depth);
  const below = map.owner.some((owner) => owner === NOBODY || owner > depth);
  return own && below ? 'both' : own ? 'overlay' : 'below';
}

/** A part of a disk as a disk of its own; it ends where the whole one does. */
export function partOf(disk: TrialDisk, start: number, length: number): TrialDisk {
  const size = Math.max(0, Math.min(length, disk.size - start));
  return {
    size,
    read: (offset, count) => (offset < 0 || offset + count > size ? undefined : disk.read(start + offset, count)),
  };
}
