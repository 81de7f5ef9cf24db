import { statSync } from 'node:fs';
import { qemuImg } from '../../support/qemu';
import { SECTOR } from '../../support/workshop';
import { KIB, MIB, type Recipe } from './recipe';

export const preallocation: Recipe = {
  name: 'preallocation',
  about: 'metadata, falloc and full; partly written; just below and above the point where QEMU asks for holes',
  build(shop) {
    for (const mode of ['metadata', 'falloc', 'full'] as const) {
      shop.qcow2(`${mode}.qcow2`, { size: 640 * KIB, options: { preallocation: mode } });
    }
    const made = (image: string, policy: 'sparse' | 'dense', ...commands: readonly string[]): void => {
      shop.qcow2(image, { size: MIB, options: { preallocation: 'metadata' } });
      shop.io(image, ...commands);
      shop.files.set(image, policy);
    };
    made('written.qcow2', 'sparse', 'write -P 5 131072 65536', 'write -P 6 262144 4096', 'discard 131072 65536');
    made('nearly-full.qcow2', 'sparse', 'write -P 5 0 983040');
    made('full-of-data.qcow2', 'sparse', 'write -P 5 0 1M');
    made('filled.qcow2', 'dense', 'write -P 5 0 65536');
    shop.qcow2('extended.qcow2', { size: 640 * KIB, options: { preallocation: 'metadata', extended_l2: 'on' } });
    shop.io('extended.qcow2', 'write -P 9 70144 1024', 'write -z 131072 2048');
    shop.qcow2('over.qcow2', { backing: 'written.qcow2', size: MIB + 9 * SECTOR });
    shop.io('over.qcow2', 'write -P 7 196608 65536', 'write -z -u 0 65536');
    for (const image of ['metadata.qcow2', 'extended.qcow2', 'over.qcow2']) shop.files.set(image, 'sparse');
  },
};

/** QEMU asks where the holes are from a tenth more clusters in use than the file has space for, at least two, on. */
export const holeThreshold: Recipe = {
  name: 'hole-threshold',
  about: 'files that lack space for one cluster less than makes QEMU look for holes, and for just enough',
  build(shop) {
    const make = (cluster: number, clusters: number, missing: number): void => {
      const image = `${cluster}-without-${missing}.qcow2`;
      const options = { cluster_size: cluster, preallocation: 'metadata' };
      shop.qcow2(image, { size: clusters * cluster, options });
      shop.files.set(image, [[0, statSync(shop.path(image)).size - missing * cluster]]);
    };
    for (const missing of [1, 2]) make(64 * KIB, 6, missing);
    for (const missing of [9, 10, 11]) make(4 * KIB, 98, missing);
  },
};

export const sparseCopy: Recipe = {
  name: 'sparse-copy',
  about: 'images as a copy that punches zeroes leaves them: written zeroes in data clusters become holes of the file',
  build(shop) {
    shop.qcow2('big.qcow2', { size: 8 * MIB, options: { cluster_size: '2M' } });
    shop.io('big.qcow2', 'write -P 1 0 4096', 'write -P 1 3M 4096', 'write -z 6M 2M');
    shop.qcow2('leaf.qcow2', { size: 9 * MIB, backing: 'big.qcow2' });
    shop.io('leaf.qcow2', 'write -P 2 2M 4096', 'write -P 3 5M 128k', 'write -P 4 6M 70k', 'write -P 0 8M 64k');
    shop.qcow2('cut.qcow2', { size: MIB });
    shop.io('cut.qcow2', 'write -P 5 0 256k');
    for (const image of ['big.qcow2', 'leaf.qcow2', 'cut.qcow2']) shop.files.set(image, 'sparse');
    qemuImg(shop.folder, 'resize', '-q', '--shrink', '-f', 'raw', 'cut.qcow2', '400384');
  },
};

export const raw: Recipe = {
  name: 'raw',
  about: 'raw images: full, with holes, all hole, empty, sizes that are no whole sectors; overlays on them',
  build(shop) {
    const text = (length: number): Uint8Array => shop.draw.text(length);
    shop.raw('full.raw', 40 * KIB, [[0, text(8 * KIB)]], 'dense');
    shop.raw('holes.raw', 1_000_000, [
      [12 * KIB, text(8 * KIB)],
      [64 * KIB, new Uint8Array(16 * KIB)],
      [512 * KIB, text(4 * KIB)],
    ]);
    shop.raw('all-hole.raw', 100_000, []);
    shop.raw('empty.raw', 0, []);
    shop.raw('odd.raw', 1000, [[0, text(1000)]]);
    shop.raw('odd-hole.raw', 9999, [[0, text(4 * KIB)]]);
    shop.raw('odd-end.raw', 20_001, [[16 * KIB, text(20_001 - 16 * KIB)]]);
    for (const base of ['full', 'holes', 'all-hole', 'empty', 'odd', 'odd-hole', 'odd-end']) {
      const backing = { backing: `${base}.raw`, backingFormat: 'raw' };
      shop.qcow2(`on-${base}.qcow2`, { size: 150_016, ...backing, options: { cluster_size: 4096 } });
      shop.io(`on-${base}.qcow2`, 'write -P 3 8192 4096', 'write -z 20480 8192', 'write -c -P 5 102400 4096');
    }
    shop.qcow2('same-size.qcow2', { backing: 'odd-end.raw', backingFormat: 'raw' });
    shop.qcow2('shorter.qcow2', { size: 500 * KIB, backing: 'holes.raw', backingFormat: 'raw' });
    shop.io('shorter.qcow2', 'write -P 3 65536 512');
  },
};
