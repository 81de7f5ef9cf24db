/** QEMU's own: qcow of version 1 (block/qcow.c) and QED (docs/interop/qed_spec.rst). */
import { Dissection, type Grammar, type Layout } from './anatomy';

const QCOW: Layout = [
  [4, 4, 'small'],
  [8, 8, 'offset'],
  [16, 4, 'count'],
  [24, 8, 'size'],
  [32, 1, 'small'],
  [33, 1, 'small'],
  [36, 4, 'small'],
  [40, 8, 'offset'],
];

export const qcow: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, false);
    found.structure(0, QCOW);
    const [clusterBits, l2Bits] = [found.u16(32) >> 8, found.u16(32) & 0xff];
    const l1 = found.u64(40);
    found.table(l1, 64, { width: 8 });
    for (const l2 of found.used(l1, 64, 8)) found.table(l2, 2 ** Math.min(13, l2Bits), { width: 8 });
    found.text(found.u64(8), Math.min(1023, found.u32(16)));
    return found.result(2 ** Math.min(16, clusterBits), [0n, 1n << 63n, (1n << 63n) | 1n, 2n ** 64n - 1n]);
  },
};

const QED: Layout = [
  [4, 4, 'count'],
  [8, 4, 'small'],
  [12, 4, 'small'],
  [16, 8, 'flags'],
  [24, 8, 'flags'],
  [32, 8, 'flags'],
  [40, 8, 'offset'],
  [48, 8, 'size'],
  [56, 4, 'count'],
  [60, 4, 'count'],
];

export const qed: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, true);
    found.structure(0, QED);
    const cluster = found.u32(4);
    const entries = (cluster * found.u32(8)) / 8;
    const l1 = found.u64(40);
    found.table(l1, entries, { width: 8 });
    for (const l2 of found.used(l1, entries, 8)) found.table(l2, entries, { width: 8 });
    found.text(found.u32(56), Math.min(1023, found.u32(60)));
    return found.result(cluster, [0n, 1n, 2n]);
  },
};
