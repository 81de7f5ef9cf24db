import { DiskError } from './errors';
import { Kernel } from './kernel/kernel';
import type { Chain, ChainLayer, Finding, OwnershipMap, View } from './model';
import { openScans, tellScanned, WINDOW_BYTES } from './scan/chainScans';
import { MapOfParts } from './scan/mapOfParts';
import { Resolver } from './scan/resolver';

/** From where the disk is walked: a layer, and one of its states. */
export interface WalkFrom {
  readonly depth: number;
  readonly view: View;
}

/**
 * The disk from its first byte to its last, a stretch at a time: each map covers `[start[0], start[count])` of the disk
 * and has host offsets; the next begins where it ends. Of a disk of no bytes there is none. What is kept in memory does
 * not depend on the disk.
 * @param failed is told of each layer whose tables can't be read: there, what reaches it is unknown
 */
export function* walk(
  chain: Chain,
  from: WalkFrom,
  failed?: (depth: number, finding: Finding) => void,
): Generator<OwnershipMap, void, void> {
  yield* walkRange(chain, from, { start: 0, end: from.view.guestSize }, failed);
}

/**
 * The same for a part of the disk. What is odd about tables is told only by a walk of all of it.
 * @throws DiskError `out-of-range`
 */
export function* walkRange(
  chain: Chain,
  from: WalkFrom,
  range: { readonly start: number; readonly end: number },
  failed?: (depth: number, finding: Finding) => void,
): Generator<OwnershipMap, void, void> {
  const { start, end } = range;
  const { guestSize } = from.view;
  if (!(start >= 0 && start <= end && end <= guestSize)) {
    throw new DiskError('out-of-range', `bytes ${start} to ${end} are not all inside the disk (${guestSize} bytes)`);
  }
  const kernel = Kernel.take();
  try {
    const scans = openScans(chain, from, kernel, failed);
    const resolver = new Resolver(kernel, scans.layers, chain.end.kind, { hosts: true, holdings: false }, scans.failed);
    const maps = new MapOfParts(kernel);
    for (const part of resolver.parts(start, end)) yield maps.of(part);
    if (start === 0 && end === guestSize) tellScanned(chain, from, scans);
  } finally {
    kernel.release();
  }
}

/** One layer by itself, from its first byte to its last: what it does not hold is nobody's. @throws DiskError */
export function* walkLayer({ layer }: ChainLayer, view: View): Generator<OwnershipMap, void, void> {
  const kernel = Kernel.take();
  try {
    const scan = layer.scan(view, kernel, WINDOW_BYTES);
    const alone = [{ depth: 0, guestSize: view.guestSize, scan }];
    const resolver = new Resolver(kernel, alone, 'base', { hosts: true, holdings: false }, (_, error) => {
      throw error;
    });
    const maps = new MapOfParts(kernel);
    for (const part of resolver.parts(0, view.guestSize)) yield maps.of(part);
  } finally {
    kernel.release();
  }
}
