import type { Job, Progress, Session } from '../../core';
import { fromWire } from '../../core';
import { sizesOnHost } from '../../core/hostSpace';
import { PIECE } from '../../core/convert/pieces';
import type { GatePolicy } from '../../protocol/worker';
import { Claims } from '../crew/claims';
import { coresToUse } from '../crew/cores';
import { startTask } from '../crew/start';
import { fileId } from '../fileId';
import type { NewFile } from '../newFile';
import { elsewhere } from '../sameDisk';
import type { ShareFailure } from './flattenShare';
import { copyShare } from './flattenShare';

/** Less is copied in the time that a thread takes to start. */
const WORTH_A_THREAD = 64 << 20;
/** How long to sleep while others do their last piece. */
const NAP_MS = 2;

/** How many threads a raw copy of the disk is worth. */
export function threadsFor({ chain }: Session): number {
  const bytes = chain.layers.reduce((sum, layer) => {
    const { fileSize, diskUsage } = sizesOnHost(layer);
    return sum + (diskUsage ?? fileSize);
  }, 0);
  return bytes < WORTH_A_THREAD ? 1 : coresToUse();
}

/**
 * Writes a raw copy with the help of other threads, each of which opens the disk by the same policy and does nothing where
 * it does not find the same files. To be run in slices: what helpers say is heard in between.
 * @throws DiskError as the core's `flatten` does
 */
export function* flattenTogether(disk: Session, file: NewFile, policy: GatePolicy, threads: number): Job<void> {
  const total = disk.from.view.guestSize;
  const claims = Claims.ofPieces(Math.ceil(total / PIECE));
  const { temporary: path, target } = file;
  const share = {
    disk: elsewhere(disk, policy),
    file: { path, id: fileId(path) ?? '', target },
    claims: claims.shared,
  };
  const helpers = Array.from({ length: threads - 1 }, () => startTask('flattenShare', share));
  const failures: ShareFailure<unknown>[] = [];
  let running = helpers.length;
  for (const { done } of helpers) {
    done
      .then(
        (failure) => {
          if (failure) failures.push({ piece: failure.piece, error: fromWire(failure.error) });
        },
        (error: unknown) => {
          // A thread that died may have left any piece undone.
          claims.close();
          failures.push({ piece: -1, error });
        },
      )
      .finally(() => {
        running -= 1;
      });
  }
  const progress = (): Progress => ({ done: Math.min(total, claims.done(threads) * PIECE), total });
  try {
    const share = copyShare(disk, file, claims);
    let step = share.next();
    for (; !step.done; step = share.next()) yield progress();
    if (step.value) failures.push(step.value);
    while (running > 0) {
      nap();
      yield progress();
    }
    const [first] = failures.sort((a, b) => a.piece - b.piece);
    if (first) throw first.error;
    file.setSize(total);
  } finally {
    for (const helper of helpers) void helper.stop();
  }
}

const nap = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAP_MS);
