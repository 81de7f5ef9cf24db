import type { ImageWorker } from '../node/workerClient';
import type { GatePolicy } from '../protocol/worker';

/**
 * Which format of a disk a file has by its bytes, as a worker of its own tells that knows them.
 * @returns undefined for a file that is no disk, or can't be read
 */
export async function fileFormat(
  path: string,
  policy: GatePolicy,
  createWorker: () => ImageWorker,
): Promise<string | undefined> {
  const worker = createWorker();
  try {
    const { images, unusable } = await worker.call('survey', { paths: [path], policy });
    return images[0]?.format ?? unusable[0]?.format;
  } catch {
    return undefined;
  } finally {
    worker.dispose();
  }
}
