import type { Side } from './compareSide';
import type { Job } from './model';
import type { QemuMapEntry } from './qemuMap';
import { qemuMap } from './qemuMap';

/**
 * Where two disks of one size begin to be allocated differently, as `qemu-img compare -s` sees it: what of a disk is
 * data, zero, compressed, held by a layer at all, and has a place in a file; which layer and place do not count.
 * @returns a guest offset, or undefined where they are the same throughout
 */
export function* allocationDiffersAt(a: Side, b: Side): Job<number | undefined> {
  const ours = entries(a);
  const others = entries(b);
  try {
    const total = a.from.view.guestSize;
    let one: QemuMapEntry | undefined;
    let two: QemuMapEntry | undefined;
    for (let at = 0; at < total; at = Math.min(endOf(one), endOf(two))) {
      if (!one || endOf(one) <= at) one = yield* nextOf(ours, at, total);
      if (!two || endOf(two) <= at) two = yield* nextOf(others, at, total);
      if (!one || !two || statusOf(one) !== statusOf(two)) return at;
    }
    return undefined;
  } finally {
    ours.return();
    others.return();
  }
}

type Entries = Generator<QemuMapEntry | undefined, void, void>;

const entries = ({ chain, from }: Side): Entries => qemuMap(chain, from);

function* nextOf(from: Entries, done: number, total: number): Job<QemuMapEntry | undefined> {
  for (let step = from.next(); !step.done; step = from.next()) {
    if (step.value) return step.value;
    yield { done, total };
  }
  return undefined;
}

const endOf = (entry: QemuMapEntry | undefined): number => (entry ? entry.start + entry.length : Infinity);

const statusOf = ({ present, zero, data, compressed, offset, unknown }: QemuMapEntry): string =>
  [present, zero, data, compressed, offset !== undefined, unknown].join();
