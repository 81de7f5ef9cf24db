import type { ChunkScanResult, Claim, Picture, Progress, Session } from '../../core';
import { scanChunks } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { Claims } from '../crew/claims';
import { startTask } from '../crew/start';
import type { StopToken } from '../slices';
import { inSlices } from '../slices';
import { claimSpread } from './chunkTask';
import { elsewhere } from '../sameDisk';
import { helpersFor } from './worth';

/**
 * Puts a session's picture together, with other threads' help where the tables are large, in slices.
 * @param afterSlice is told of chunks: how many are there
 * @returns false when it was stopped
 */
export async function scanPicture(
  session: Session,
  picture: Picture,
  policy: GatePolicy,
  token: StopToken,
  afterSlice: (progress: Progress) => void,
): Promise<boolean> {
  const { chain, from } = session;
  const { chunkBytes, chunkCount } = picture;
  const claims = Claims.ofPieces(chunkCount);
  const helpers = Math.min(helpersFor(session), chunkCount - 1);
  const params = { disk: elsewhere(session, policy), chunkBytes, claims: claims.shared };
  const tasks = Array.from({ length: helpers }, () =>
    startTask('scanChunks', params, {
      onPart: ({ index, chunk }) => {
        picture.put(index, chunk);
      },
    }),
  );
  const stop = (): void => {
    for (const task of tasks) void task.stop();
  };
  token.onStop(stop);
  const scan = async (claim: () => Claim | undefined): Promise<ChunkScanResult | undefined> => {
    const job = scanChunks(chain, from, chunkBytes, claim);
    try {
      return await inSlices(putChunks(job, picture), token, afterSlice);
    } finally {
      job.return({ oddities: [], failures: new Map() });
    }
  };
  try {
    const own = await scan(claimSpread(claims));
    if (!own) return false;
    // A thread that fails has its chunks scanned here.
    const others = await Promise.all(tasks.map(({ done }) => done.catch(() => undefined)));
    if (token.stopped) return false;
    const missing = picture.missing;
    const rest = missing.length === 0 ? undefined : await scan(() => claimOf(missing.shift()));
    if (missing.length > 0) return false;
    session.scanned(from, [own, ...others.flatMap((each) => each ?? []), ...(rest ? [rest] : [])]);
    return true;
  } finally {
    stop();
  }
}

const claimOf = (index: number | undefined): Claim | undefined =>
  index === undefined ? undefined : { first: index, end: index + 1 };

function* putChunks(job: ReturnType<typeof scanChunks>, picture: Picture): Generator<Progress, ChunkScanResult, void> {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
    if (step.value) picture.put(step.value.index, step.value.chunk);
    yield { done: picture.known, total: picture.chunkCount };
  }
}
