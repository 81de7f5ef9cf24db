import type { Worker } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';
import { coresToUse } from './crew/cores';
import { launchHelper } from './crew/start';
import type { WorkerStart } from './workerClient';

/**
 * The worker thread's entry. A helper thread starts first: what serves requests takes longer to load, and an image's scan
 * that begins right after it finds the helper ready.
 */
const { opensImage } = workerData as WorkerStart;
const helper = opensImage && coresToUse() > 1 ? startHelper() : undefined;
void import('./server').then(({ serve }) => {
  serve(helper);
});

/** Where the system has no more threads to give, one does the work. */
function startHelper(): Worker | undefined {
  try {
    return launchHelper();
  } catch {
    return undefined;
  }
}
