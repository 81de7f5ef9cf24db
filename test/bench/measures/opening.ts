import { ImageWorker } from '../../../src/node/workerClient';
import type { ImageSummary, Standpoint } from '../../../src/protocol/image';
import type { GatePolicy } from '../../../src/protocol/worker';

/** That of a trusted workspace. */
const POLICY: GatePolicy = { allowed: [], platformTools: true };
const CELLS = 4096;
/** Any owner below it is a mark: this one says that the owner is not known yet. */
const UNKNOWN_OWNER = -2;

/** Milliseconds from the call of `open`, but for `thread`. */
export interface OpenTimes {
  /** From the worker's making to its first answer. */
  readonly thread: number;
  /** Chain, sizes, facts: the answer of `open`. */
  readonly facts: number;
  /** The first picture of the whole disk in which anything is known. */
  readonly coarse: number;
  /** Every owner, every kind and the accounting. */
  readonly ready: number;
}

export interface Opened {
  readonly worker: ImageWorker;
  readonly summary: ImageSummary;
  readonly times: OpenTimes;
}

/** Opens an image on a worker of its own, as the editor does. @throws when it is no image or its scan fails */
export async function openOnNewWorker(workerPath: string, image: string): Promise<Opened> {
  const made = performance.now();
  const worker = new ImageWorker(workerPath, { opensImage: true });
  await answerOnly(worker);
  const thread = performance.now() - made;
  return { worker, ...(await openOn(worker, image, thread)) };
}

/** Opens an image on a worker that may have one open already; then from where that was looked at. */
export async function openOn(
  worker: ImageWorker,
  image: string,
  thread = 0,
  before?: ImageSummary,
): Promise<Omit<Opened, 'worker'>> {
  const standpoint: Standpoint | undefined = before?.standpoint;
  const begun = performance.now();
  const since = (): number => performance.now() - begun;
  let coarse: number | undefined;
  const look = async (guestSize: number): Promise<void> => {
    if (coarse !== undefined) return;
    const { pixels } = await worker.call('pixels', { start: 0, cellBytes: guestSize / CELLS, cells: CELLS });
    if (pixels.owner.some((owner) => owner !== UNKNOWN_OWNER)) coarse ??= since();
  };
  const complete = new Promise<{ summary: ImageSummary; ready: number }>((resolve, reject) => {
    worker.on('changed', (summary) => {
      if (summary.generation <= (before?.generation ?? 0)) return;
      if (summary.scan === 'failed') reject(new Error(`${image}: ${summary.scanError?.message}`));
      else if (summary.scan === 'complete') resolve({ summary, ready: since() });
      else look(summary.guestSize).catch(reject);
    });
    worker.onExit(reject);
  });
  const opened = await worker.call('open', { path: image, policy: POLICY, forceRaw: false, standpoint });
  const facts = since();
  if (opened.kind !== 'image') throw new Error(`${image} did not open: ${JSON.stringify(opened)}`);
  const { summary, ready } = await complete;
  await look(summary.guestSize);
  return { summary, times: { thread, facts, ready, coarse: coarse ?? NaN } };
}

/** A call that does nothing: what asking costs by itself. */
export async function answerOnly(worker: ImageWorker): Promise<void> {
  await worker.call('cancel', { work: 'check' });
}
