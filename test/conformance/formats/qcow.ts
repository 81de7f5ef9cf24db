import { buildQcow1 } from '../../fixtures/build/qcow1';
import { prose, SparseImage } from '../../fixtures/build/index';
import { type FormatRecipe, KIB, MIB } from './recipe';

const plain: FormatRecipe = {
  name: 'plain',
  branch: 'clusters of the default size, allocated here and there, the last one cut by the disk’s end',
  leaf: 'plain.qcow',
  others: ['libqcow'],
  make(shop) {
    shop.create('plain.qcow', 'qcow', 8 * MIB + 512);
    shop.io('plain.qcow', 'qcow', 'write -P 1 0 4k', 'write -P 2 3M 100k', 'write -P 3 8M 512');
  },
};

const compressed: FormatRecipe = {
  name: 'compressed',
  branch: 'compressed clusters, each as many bytes as it takes, some written anew afterwards',
  leaf: 'compressed.qcow',
  others: ['libqcow'],
  make(shop) {
    shop.create('compressed.qcow', 'qcow', 3 * MIB);
    const packed = [0, 4, 8, 60, 1024, 1028].map((at, index) => `write -c -P ${index + 1} ${at}k 4k`);
    shop.io('compressed.qcow', 'qcow', ...packed, 'write -P 7 6k 5k', 'write -P 8 1M 512');
  },
};

const packed: FormatRecipe = {
  name: 'packed',
  branch: 'compressed clusters that begin in the middle of a sector, between plain ones',
  leaf: 'packed.qcow',
  others: ['libqcow'],
  make(shop) {
    const clusters = new Map<number, Uint8Array | { compressed: Uint8Array }>([
      [7, { compressed: prose(1, 4096) }],
      [2, prose(2, 4096)],
      [3, { compressed: prose(3, 4096) }],
      [4, { compressed: prose(4, 4096) }],
      [700, { compressed: prose(5, 4096) }],
    ]);
    shop.put('packed.qcow', buildQcow1({ size: 701 * 4096, clusters }).image);
  },
};

const backing: FormatRecipe = {
  name: 'backing',
  branch: 'a name of a backing file and clusters of 512 bytes, over a shorter qcow and a raw disk',
  leaf: 'top.qcow',
  chain: ['top.qcow', 'middle.qcow', 'base.raw'],
  make(shop) {
    shop.put('base.raw', new SparseImage(MIB).poke(100 * KIB, prose(1, 30 * KIB)));
    const on = (file: string, format: string): Record<string, string> => ({ backing_file: file, backing_fmt: format });
    shop.create('middle.qcow', 'qcow', 3 * MIB, on('base.raw', 'raw'));
    shop.io('middle.qcow', 'qcow', 'write -P 2 101k 3k', 'write -P 3 2M 1k');
    shop.create('top.qcow', 'qcow', 4 * MIB, on('middle.qcow', 'qcow'));
    shop.io('top.qcow', 'qcow', 'write -P 4 102k 512', 'write -P 5 3M 2k');
    return { findings: ['backing-format-absent'] };
  },
};

const smallest: FormatRecipe = {
  name: 'smallest-tables',
  branch: 'the smallest clusters and tables there can be, L2 tables out of order',
  leaf: 'small.qcow',
  others: ['libqcow'],
  make(shop) {
    const cluster = (seed: number): Uint8Array => prose(seed, 512);
    const clusters = new Map([65, 3, 64, 200, 4, 5].map((at) => [at, cluster(at)] as const));
    shop.put('small.qcow', buildQcow1({ size: 256 * 512, clusterBits: 9, l2Bits: 6, clusters }).image);
  },
};

const largest: FormatRecipe = {
  name: 'largest-tables',
  branch: 'the largest clusters and tables there can be, some clusters compressed',
  leaf: 'large.qcow',
  make(shop) {
    const size = 64 * KIB;
    const clusters = new Map<number, Uint8Array | { compressed: Uint8Array }>([
      [0, { compressed: prose(1, size) }],
      [9, prose(2, size)],
      [10, { compressed: prose(3, size) }],
    ]);
    shop.put('large.qcow', buildQcow1({ size: 11 * size, clusterBits: 16, l2Bits: 13, clusters }).image);
  },
};

const cut: FormatRecipe = {
  name: 'cut',
  branch: 'a file that ends before its last table and the data that it maps',
  leaf: 'cut.qcow',
  make(shop) {
    const clusters = new Map([0, 1, 600].map((at) => [at, prose(at, 4096)] as const));
    const { image, tableAt } = buildQcow1({ size: 4 * MIB, clusters });
    shop.put('cut.qcow', image.truncate(tableAt(1)));
    return { findings: ['l2-past-end'], problems: ['past-end'] };
  },
};

export const RECIPES: readonly FormatRecipe[] = [plain, compressed, packed, backing, smallest, largest, cut];
