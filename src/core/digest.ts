import { setU64be } from './bytes';
import type { Side } from './compareSide';
import { guestChunks } from './convert/guestChunks';
import type { Job } from './model';
import { eachStretch } from './zeros';

/** A hash in the making; the host supplies it since the core has no platform of its own. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** In hexadecimal. */
  digest(): string;
}

/** Blocks of zeros are left out, however the layers say that they are zero. */
const BLOCK = 4096;

/**
 * What a guest reads of a disk, as one short text: of its size, and of each stretch of blocks that are not all zero,
 * with where it is and how long. Two disks that read the same give the same, whatever their layers. Progress is in bytes
 * of the disk.
 * @throws DiskError where some of the disk can't be known (see `guestChunks`)
 */
export function* digestDisk(disk: Side, hasher: Hasher): Job<string> {
  const total = disk.from.view.guestSize;
  hasher.update(numbers(total));
  let done = 0;
  for (const chunk of guestChunks(disk)) {
    yield { done, total };
    if (!chunk) continue;
    const { offset, start, end } = chunk;
    const bytes = chunk.bytes.subarray(start, end);
    // Chunks are cut at fixed places, so stretches end at the same places for all disks that read the same.
    eachStretch(bytes, BLOCK, (from, to) => {
      hasher.update(numbers(offset + start + from, to - from));
      hasher.update(bytes.subarray(from, to));
    });
    done = offset + end;
    yield { done, total };
  }
  return hasher.digest();
}

function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  values.forEach((value, index) => {
    setU64be(bytes, 8 * index, value);
  });
  return bytes;
}
