import { setU64be } from './bytes';
import type { Side } from './compareSide';
import { guestChunks } from './convert/guestChunks';
import type { Job } from './model';
import { eachStretch } from './zeros';

/** Blocks of zeros are left out, however the layers say that they are zero. */
const BLOCK = 4096;

/**
 * Feeds what the guest reads to a hash: the size of the disk, then each stretch of blocks that are not all zero, with
 * where it is and how long. Two disks that read the same give the same, whatever their layers. Progress is in bytes.
 * @throws DiskError when some of the disk can't be known (see `guestChunks`)
 */
export function* digestDisk(side: Side, hash: { update(bytes: Uint8Array): unknown }): Job<void> {
  const total = side.from.view.guestSize;
  const place = new Uint8Array(16);
  setU64be(place, 0, total);
  hash.update(place.slice());
  let done = 0;
  for (const chunk of guestChunks(side)) {
    yield { done, total };
    if (!chunk) continue;
    const { offset, start, end } = chunk;
    const bytes = chunk.bytes.subarray(start, end);
    // Chunks are cut at fixed places, so stretches end at the same places for all disks that read the same.
    eachStretch(bytes, BLOCK, (from, to) => {
      setU64be(place, 0, offset + start + from);
      setU64be(place, 8, to - from);
      hash.update(place.slice());
      hash.update(bytes.subarray(from, to));
    });
    done = offset + end;
    yield { done, total };
  }
}
