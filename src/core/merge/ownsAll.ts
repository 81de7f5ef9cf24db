import type { ChainLayer, Job, Ranges } from '../model';
import { LayerRuns } from './layerRuns';

/**
 * Whether an image itself answers for all of the given ranges that are within its disk, whatever lies below it. False
 * where its tables can't be true.
 * @param ranges in rising order
 */
export function* ownsAll(image: ChainLayer, { count, start, end }: Ranges): Job<boolean> {
  const runs = new LayerRuns(image);
  const total = runs.guestSize;
  try {
    for (let index = 0; index < count; index += 1) {
      const stop = Math.min(end[index] ?? 0, total);
      for (let at = start[index] ?? 0; at < stop; at = runs.end) {
        runs.seek(at);
        if (!runs.allocated || runs.broken) return false;
        yield { done: at, total };
      }
    }
    return true;
  } finally {
    runs.close();
  }
}
