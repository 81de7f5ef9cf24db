import { compareInto } from '../compare';
import type { Side } from '../compareSide';
import { DiskError } from '../errors';
import type { Job } from '../model';
import { RangesBuilder } from '../ranges';

/**
 * Reads a copy and its original side by side, to the first difference. Progress is in bytes of the disk.
 * @throws DiskError `corrupt` when the copy is not the original, `io` when either can't be read
 */
export function* verify(original: Side, copy: Side): Job<void> {
  const { guestSize } = original.from.view;
  if (copy.from.view.guestSize !== guestSize) {
    throw new DiskError('corrupt', `the copy is a disk of ${copy.from.view.guestSize} bytes instead of ${guestSize}`);
  }
  const different = new RangesBuilder(1);
  const unknown = new RangesBuilder(1);
  for (const progress of compareInto(original, copy, different, unknown)) {
    if (different.length + unknown.length > 0) break;
    yield progress;
  }
  if (different.length > 0) {
    const [first] = different.finish().start;
    throw new DiskError('corrupt', `the sector at guest byte ${first} of the copy is not that of the original`);
  }
  if (unknown.length > 0) {
    const [first] = unknown.finish().start;
    throw new DiskError('io', `guest byte ${first} can't be read again to compare it with the copy`);
  }
}
