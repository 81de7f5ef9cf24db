import { noise, SparseImage } from '../../fixtures/build/index';
import { buildQed } from '../../fixtures/build/qed';
import type { BuiltTables } from '../../fixtures/build/twoLevels';
import { type FormatRecipe, handMap, KIB, MIB } from './recipe';

const CLUSTER = 4096;

/** A small image of clusters of 4 KiB, and tables of two of them. @param spoil makes of it what the fixture is about */
function small(spoil: (built: BuiltTables) => SparseImage = ({ image }) => image): SparseImage {
  const clusters = new Map<number, Uint8Array | 'zero'>([
    [0, noise(1, CLUSTER)],
    [9, noise(2, CLUSTER)],
    [10, 'zero'],
    [1030, noise(3, CLUSTER)],
    [1029, noise(4, CLUSTER)],
  ]);
  return spoil(buildQed({ size: 1100 * CLUSTER, clusters }));
}

const u64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
};

const plain: FormatRecipe = {
  name: 'plain',
  branch: 'clusters of the default size, allocated here and there, some of zeros',
  leaf: 'plain.qed',
  make(shop) {
    shop.create('plain.qed', 'qed', 8 * MIB);
    shop.io('plain.qed', 'qed', 'write -P 1 0 64k', 'write -P 2 3M 200k', 'write -z 5M 128k');
  },
};

const smallClusters: FormatRecipe = {
  name: 'small-clusters',
  branch: 'the smallest clusters, two L2 tables, clusters out of order',
  leaf: 'small.qed',
  make(shop) {
    shop.put('small.qed', small());
  },
};

const largeTables: FormatRecipe = {
  name: 'large-tables',
  branch: 'tables of 1 MiB, which are read in pieces',
  leaf: 'large.qed',
  make(shop) {
    shop.create('large.qed', 'qed', 9000 * 64 * KIB, { table_size: 16 });
    shop.io('large.qed', 'qed', 'write -P 1 511M 2M', 'write -P 2 20M 64k', 'write -P 3 560M 10k');
  },
};

const backing: FormatRecipe = {
  name: 'backing',
  branch: 'a parent whose format is probed, on one that must be taken as raw, though it looks like qcow2',
  leaf: 'top.qed',
  chain: ['top.qed', 'middle.qed', 'base.raw'],
  make(shop) {
    shop.put('base.raw', new SparseImage(MIB).poke(0, Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3)));
    shop.io('base.raw', 'raw', 'write -P 1 100k 300k');
    shop.create('middle.qed', 'qed', 3 * MIB, { backing_file: 'base.raw', backing_fmt: 'raw', cluster_size: 4096 });
    shop.io('middle.qed', 'qed', 'write -P 2 120k 3k', 'write -z 200k 64k', 'write -P 3 2M 1k');
    shop.create('top.qed', 'qed', 4 * MIB, { backing_file: 'middle.qed', backing_fmt: 'qed', cluster_size: 4096 });
    shop.io('top.qed', 'qed', 'write -P 4 130k 512', 'write -P 5 3M 2k');
    return { findings: ['backing-format-absent'] };
  },
};

const needCheck: FormatRecipe = {
  name: 'need-check',
  branch: 'marked as not closed properly, with two clusters that nothing refers to',
  leaf: 'dirty.qed',
  make(shop) {
    shop.put(
      'dirty.qed',
      small(({ image }) => image.poke(16, u64(2)).truncate(image.size + 2 * CLUSTER)),
    );
    return { findings: ['need-check'], problems: ['leak'] };
  },
};

const twice: FormatRecipe = {
  name: 'claimed-twice',
  branch: 'a cluster, and a table, that two entries name',
  leaf: 'twice.qed',
  make(shop) {
    shop.put(
      'twice.qed',
      small(({ image, l1At, tableAt, entryAt, dataAt }) =>
        image.poke(entryAt(9), u64(dataAt(0))).poke(l1At(1), u64(tableAt(0))),
      ),
    );
    return { problems: ['claimed-twice', 'leak'] };
  },
};

const broken: FormatRecipe = {
  name: 'broken-entries',
  branch: 'entries that can not be true: unaligned, past the end, a table past the end',
  leaf: 'broken.qed',
  qemu: ['info', 'check'],
  because: 'qemu-img gives up reading and mapping at the first broken entry',
  make(shop) {
    const image = small(({ image: sound, entryAt, l1At, dataAt }) => {
      sound.poke(entryAt(9), u64(dataAt(0) + 512)).poke(entryAt(20), u64(sound.size));
      return sound.poke(l1At(1), u64(sound.size - CLUSTER));
    });
    shop.put('broken.qed', image);
    return {
      unreadable: true,
      map: handMap(1100 * CLUSTER, [
        [0, CLUSTER, 'data', 0, 5 * CLUSTER],
        [9 * CLUSTER, CLUSTER, 'data'],
        [10 * CLUSTER, CLUSTER, 'zero'],
        [20 * CLUSTER, CLUSTER, 'data'],
        [1024 * CLUSTER, 76 * CLUSTER, 'data'],
      ]),
      findings: ['entry', 'l2-offset'],
      problems: ['entry', 'l2-offset', 'leak', 'past-end'],
    };
  },
};

const oneClusterTables: FormatRecipe = {
  name: 'one-cluster-tables',
  branch: 'tables of one cluster',
  leaf: 'tables.qed',
  qemu: [],
  because: 'QEMU takes an offset of a table of one cluster for one that overflows, and opens no such image',
  make(shop) {
    const clusters = new Map([0, 3, 600].map((at) => [at, noise(at, CLUSTER)] as const));
    const { image, dataAt } = buildQed({ size: MIB * 4, tableSize: 1, clusters });
    shop.put('tables.qed', image);
    const disk = new SparseImage(4 * MIB);
    for (const [at, bytes] of clusters) disk.poke(at * CLUSTER, bytes);
    const pieces = [0, 3, 600].map((at) => [at * CLUSTER, CLUSTER, 'data', 0, dataAt(at)] as const);
    return { disk, map: handMap(4 * MIB, pieces) };
  },
};

const manyClusters: FormatRecipe = {
  name: 'many-clusters',
  branch: 'a file of more clusters than a cluster has bytes',
  leaf: 'many.qed',
  qemu: ['content', 'map', 'info'],
  because:
    'qemu-img check numbers clusters by dividing by their size less one (block/qed.h, qed_bytes_to_clusters), so past that many it tells of leaks where there are none',
  make(shop) {
    shop.create('many.qed', 'qed', 20 * MIB, { cluster_size: 4096 });
    shop.io('many.qed', 'qed', 'write -P 1 1M 17M');
  },
};

export const RECIPES: readonly FormatRecipe[] = [
  plain,
  smallClusters,
  largeTables,
  backing,
  needCheck,
  twice,
  broken,
  oneClusterTables,
  manyClusters,
];
