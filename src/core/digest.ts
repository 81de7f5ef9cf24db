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

/** Blocks of the disk that are hashed, or passed over where they are all zeros. */
const BLOCK = 4096;

/**
 * What a guest reads of a disk, as one short text: equal for two disks of one size exactly when all their bytes are,
 * whatever holds them. Each block that is not all zeros is hashed with its place. Progress is in bytes of the disk.
 * @throws DiskError where some of the disk can't be known (see `guestChunks`)
 */
export function* digestDisk(disk: Side, hasher: Hasher): Job<string> {
  const total = disk.from.view.guestSize;
  let done = 0;
  for (const chunk of guestChunks(disk)) {
    yield { done, total };
    if (!chunk) continue;
    const { offset, bytes, start, end } = chunk;
    // Chunks begin and end with blocks, or with the disk.
    eachStretch(bytes.subarray(start, end), BLOCK, (first, last) => {
      for (let at = start + first; at < start + last; at += BLOCK) {
        hasher.update(eight(offset + at));
        hasher.update(bytes.subarray(at, Math.min(at + BLOCK, start + last)));
      }
    });
    done = offset + end;
    yield { done, total };
  }
  hasher.update(eight(total));
  return hasher.digest();
}

function eight(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value >>> 0);
  return bytes;
}
