/** docs/interop/parallels.rst. */
import { createHash } from 'node:crypto';
import type { SparseImage } from '../../fixtures/build/index';
import { Dissection, type Grammar, type Layout } from './anatomy';

const SECTOR = 512;
const HEADER: Layout = [
  [0, 8, 'text'],
  [8, 8, 'text'],
  [16, 4, 'small'],
  [20, 4, 'count'],
  [24, 4, 'count'],
  [28, 4, 'count'],
  [32, 4, 'count'],
  [36, 8, 'size'],
  [44, 4, 'flags'],
  [48, 4, 'count'],
  [52, 4, 'flags'],
  [56, 8, 'count'],
];
const EXTENSION: Layout = [
  [0, 8, 'flags'],
  [8, 8, 'flags'],
];
const FEATURE: Layout = [
  [0, 8, 'flags'],
  [8, 8, 'flags'],
  [16, 4, 'count'],
  [24, 8, 'size'],
  [40, 4, 'count'],
  [44, 4, 'count'],
  [48, 8, 'entry'],
];
const FIRST_FEATURE = 24;

export const parallels: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, true);
    found.structure(0, HEADER);
    const cluster = found.u32(28) * SECTOR;
    found.table(64, found.u32(32), { scale: found.ascii(0, 16) === 'WithouFreSpacExt' ? cluster : SECTOR });
    found.place(found.u32(48) * SECTOR);
    const extension = found.u64(56) * SECTOR;
    if (extension > 0) {
      found.structure(extension, EXTENSION);
      found.structure(extension + FIRST_FEATURE, FEATURE);
    }
    return found.result(cluster, [0n, 1n, 2n, 0xffffffffn]);
  },
  mend: (image) => {
    const found = new Dissection(image, true);
    mendExtension(image, found.u64(56) * SECTOR, Math.min(2 ** 22, found.u32(28) * SECTOR));
  },
};

/** The MD5 is of all of the extension's cluster that comes behind it. */
function mendExtension(image: SparseImage, at: number, cluster: number): void {
  if (at === 0 || cluster <= FIRST_FEATURE || at + cluster > image.size) return;
  const rest = image.peek(at + FIRST_FEATURE, cluster - FIRST_FEATURE);
  image.poke(at + 8, createHash('md5').update(rest).digest());
}
