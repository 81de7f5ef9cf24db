import type { ChunkScanResult, Picture, Progress, Session } from '../../core';
import { scanChunks, spread } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { Claims } from '../crew/claims';
import { dismissHelper, startTask } from '../crew/start';
import { elsewhere } from '../sameDisk';
import type { StopToken } from '../slices';
import { inSlices } from '../slices';
import type { IndexedChunk } from './chunkTask';
import { claimFrom } from './chunkTask';
import { helpersFor } from './worth';

export interface PictureScan {
  readonly session: Session;
  /** Is put together, or brought up to date. */
  readonly picture: Picture;
  /** By which the session's chain was opened. */
  readonly policy: GatePolicy;
  readonly token: StopToken;
  /** How many of the chunks are there. */
  readonly progress: (progress: Progress) => void;
}

/**
 * Scans a picture's chunks, with other threads' help where the tables are large, in slices.
 * @param chunks their indexes: all of them, coarse before fine, when left out
 * @returns what was found, together of all those chunks; undefined when it was stopped
 */
export async function scanPicture(
  { session, picture, policy, token, progress }: PictureScan,
  chunks: readonly number[] = spread(picture.chunkCount),
): Promise<readonly ChunkScanResult[] | undefined> {
  const { chain, from } = session;
  const { chunkBytes } = picture;
  const left = new Set(chunks);
  const put = ({ index, chunk }: IndexedChunk): void => {
    picture.put(index, chunk);
    left.delete(index);
  };
  const scan = async (claim: () => number | undefined): Promise<ChunkScanResult | undefined> => {
    const job = scanChunks(chain, from, chunkBytes, claim);
    const total = chunks.length;
    const slices = (function* (): Generator<Progress, ChunkScanResult, void> {
      for (;;) {
        const step = job.next();
        if (step.done) return step.value;
        if (step.value) put(step.value);
        yield { done: total - left.size, total };
      }
    })();
    try {
      return await inSlices(slices, token, progress);
    } finally {
      job.return({ oddities: [], failures: new Map() });
    }
  };
  const claims = Claims.ofPieces(chunks.length);
  const helpers = Math.max(0, Math.min(helpersFor(session), chunks.length - 1));
  if (helpers === 0) dismissHelper();
  const params = { disk: elsewhere(session, policy), chunkBytes, order: chunks, claims: claims.shared };
  const tasks = Array.from({ length: helpers }, () => startTask('scanChunks', params, { onPart: put }));
  const stop = (): void => {
    for (const task of tasks) void task.stop();
  };
  token.onStop(stop);
  try {
    const own = await scan(claimFrom(chunks, claims));
    if (!own) return undefined;
    // A thread that fails has its chunks scanned here.
    const others = await Promise.all(tasks.map(({ done }) => done.catch(() => undefined)));
    if (token.stopped) return undefined;
    const undone = [...left];
    const rest = undone.length === 0 ? [] : [await scan(() => undone.shift())];
    const found = [own, ...others.filter((each) => each !== undefined), ...rest];
    return found.includes(undefined) ? undefined : found.flatMap((each) => each ?? []);
  } finally {
    stop();
  }
}
