import type { Chain, OwnershipMap, View } from './model';
import { resolveOwnership } from './ownership';
import { currentView } from './trace';

/** From where the disk is walked: a layer, and one of its states. */
export interface WalkFrom {
  readonly depth: number;
  readonly view: View;
}

/**
 * The disk from its first byte to its last, a stretch at a time: each map covers `[start[0], start[count])` of the disk
 * and has host offsets; the next begins where it ends. What is kept in memory does not depend on the disk.
 * Yields undefined now and then, so that whoever runs it can do something else in between.
 */
export function* walk({ layers, end }: Chain, { depth, view }: WalkFrom): Generator<OwnershipMap | undefined, void, void> {
  const scanned = [];
  for (const layer of layers.slice(depth)) {
    const state = layer.depth === depth ? view : currentView(layer);
    const job = layer.layer.scan(state, { host: true, maxRuns: 2 ** 22 });
    let step = job.next();
    for (; !step.done; step = job.next()) yield undefined;
    scanned.push({ depth: layer.depth, guestSize: state.guestSize, runs: step.value });
  }
  const job = resolveOwnership(scanned, end.kind);
  let step = job.next();
  for (; !step.done; step = job.next()) yield undefined;
  yield step.value;
}
