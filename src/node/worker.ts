import { workerData } from 'node:worker_threads';
import { coresToUse } from './crew/cores';
import { launchHelper } from './crew/start';
import type { WorkerStart } from './workerClient';

/**
 * The worker thread's entry. A helper thread starts first: what serves requests takes longer to load, and an image's scan
 * that begins right after it finds the helper ready.
 */
const { opensImage } = workerData as WorkerStart;
const helper = opensImage && coresToUse() > 1 ? launchHelper() : undefined;
void import('./server').then(({ serve }) => {
  serve(helper);
});
