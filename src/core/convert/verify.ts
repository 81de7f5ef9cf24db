import { DiskError } from '../errors';
import type { Progress } from '../model';
import type { Disk, GuestChunk } from './guestChunks';
import { CHUNK, guestChunks } from './guestChunks';

/**
 * Reads two disks side by side, all that is not known to be zero in both.
 * @throws DiskError `corrupt` at the first byte in which the copy is not the original, else as reading either of them does
 */
export function* verify(original: Disk, copy: Disk): Generator<Progress, void, void> {
  const total = original.from.view.guestSize;
  if (copy.from.view.guestSize !== total) {
    throw new DiskError('corrupt', `the copy is a disk of ${copy.from.view.guestSize} bytes instead of ${total}`);
  }
  const originals = guestChunks(original);
  const copies = guestChunks(copy);
  let before = yield* next(originals, { done: 0, total });
  let after = yield* next(copies, { done: 0, total });
  while (before || after) {
    const offset = Math.min(before?.offset ?? total, after?.offset ?? total);
    const expected = before?.offset === offset ? before : undefined;
    const actual = after?.offset === offset ? after : undefined;
    const different = firstDifference(expected?.bytes ?? [], actual?.bytes ?? []);
    if (different >= 0) {
      throw new DiskError('corrupt', `guest byte ${offset + different} of the copy is not that of the original`);
    }
    const progress = { done: Math.min(offset + CHUNK, total), total };
    if (expected) before = yield* next(originals, progress);
    if (actual) after = yield* next(copies, progress);
  }
}

function* next(
  chunks: Generator<GuestChunk | undefined, void, void>,
  progress: Progress,
): Generator<Progress, GuestChunk | undefined, void> {
  for (;;) {
    yield progress;
    const step = chunks.next();
    if (step.done) return undefined;
    if (step.value) return step.value;
  }
}

/** What is past the end of either reads as zero. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i += 1) if ((a[i] ?? 0) !== (b[i] ?? 0)) return i;
  return -1;
}
