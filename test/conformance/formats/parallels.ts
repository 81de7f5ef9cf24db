import { noise, SparseImage } from '../../fixtures/build/index';
import type { BuiltParallels, BundleSpec, ParallelsSpec } from '../../fixtures/build/parallels';
import { buildParallels, CURRENT, descriptorXml, OPENED } from '../../fixtures/build/parallels';
import { type FormatRecipe, type FormatShop, handMap, KIB, type Known, MIB, type Piece } from './recipe';

const SECTOR = 512;
const IMAGE = 'disk.hds';
const FAILS = 'its check fails (an assertion of block/parallels.c) where an entry leads past the end of the file';

/** Four clusters that are there, strewn over a disk of 3 MiB and a bit, in clusters of 64 KiB. */
const STREWN: ParallelsSpec = {
  sectors: (3 * MIB) / SECTOR + 5,
  clusterSectors: 128,
  clusters: new Map([7, 3, 4, 0].map((cluster) => [cluster, noise(cluster + 1, KIB)])),
};

/** An image that the builder makes, changed as a recipe needs it, with qemu-img as the judge of all. */
function built(
  name: string,
  branch: string,
  spec: Partial<ParallelsSpec>,
  change: (built: BuiltParallels) => Known | undefined = () => undefined,
  judged: Pick<FormatRecipe, 'qemu' | 'because'> = {},
): FormatRecipe {
  return {
    name,
    branch,
    leaf: IMAGE,
    ...judged,
    make(shop) {
      const made = buildParallels({ ...STREWN, ...spec });
      const known = change(made);
      shop.put(IMAGE, made.image);
      return known;
    },
  };
}

const findings =
  (...codes: readonly string[]) =>
  (): Known => ({ findings: codes });

/** What a disk reads as whose clusters are at these places. */
function diskOf(size: number, pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]): SparseImage {
  return new SparseImage(
    size,
    pieces.map(([offset, bytes]) => ({ offset, bytes: bytes.subarray(0, size - offset) })),
  );
}

const plain: FormatRecipe = {
  name: 'plain',
  branch: 'the extended magic, clusters allocated here and there',
  leaf: IMAGE,
  make(shop) {
    shop.create(IMAGE, 'parallels', 8 * MIB);
    shop.io(IMAGE, 'parallels', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
    return undefined;
  },
};

const ID = Uint8Array.from({ length: 16 }, (_, i) => i + 1);

const images: readonly FormatRecipe[] = [
  plain,
  built('strewn', 'clusters in no order, a disk that ends inside its last', {}),
  built('sectors', 'a table that counts in sectors', { counts: 'sectors' }),
  built('cluster-63', 'clusters of 63 sectors, data that begins where the table ends', {
    counts: 'sectors',
    sectors: 63 * 20 - 8,
    clusterSectors: 63,
    dataOffset: 0,
  }),
  built('gaps', 'free clusters between those that are there', { gap: 2 }),
  built('opened', 'an image that was not closed', { inUse: OPENED }, findings('dirty')),
  built('closed-by-old', 'an image that an old version closed', { inUse: 0 }),
  built('marked-empty', 'marked as empty, though clusters are there', { flags: 1 }),
  built('data-offset', 'data that is said to begin inside the table', { dataOffset: 1 }, findings('data-offset')),
  built('claimed-twice', 'two entries that lead to one cluster', {}, ({ image, layout }) => {
    // Not the last that is there: it fails where that is the second to claim a cluster.
    image.poke(layout.entry(5), image.peek(layout.entry(3), 4));
    return undefined;
  }),
  built('leaked', 'clusters behind the last that is there', {}, ({ image }) => {
    image.truncate(image.size + 100 * KIB);
    return undefined;
  }),
  built(
    'data-past-end',
    'a file that ends before its last clusters',
    {},
    ({ image, layout }) => {
      image.truncate(layout.cluster(4) ?? 0);
      return { findings: ['data-past-end'], problems: ['past-end'] };
    },
    { qemu: ['content', 'map', 'info'], because: FAILS },
  ),
  built(
    'table-past-end',
    'a file that ends inside its table',
    { clusterSectors: 1, clusters: new Map([[900, noise(1, SECTOR)]]) },
    ({ image, layout }) => {
      image.truncate(layout.entry(800) + 2);
      return { findings: ['data-offset', 'table-past-end'], problems: ['data-offset', 'past-end'] };
    },
    { qemu: ['content', 'map', 'info'], because: 'to its check a table that is not there is no problem' },
  ),
  built('table-too-small', 'a table that ends before the disk does', { batEntries: 30 }, () => ({
    findings: ['table-too-small'],
  })),
  built(
    'bitmaps',
    'a format extension with dirty bitmaps',
    {
      features: [
        { kind: 'bitmap', id: ID, granularity: 1, table: [noise(5, 1 * KIB)] },
        { kind: 'bitmap', id: ID.toReversed(), granularity: 128, table: [1] },
        { kind: 'bitmap', id: new Uint8Array(16), granularity: 8, table: [0] },
      ],
    },
    () => undefined,
    { qemu: ['content', 'map', 'info'], because: 'its check takes the format extension for leaked' },
  ),
  built(
    'extension-checksum',
    'a format extension whose checksum is another',
    { features: [{ kind: 'bitmap', id: ID, granularity: 1, table: [1] }] },
    ({ image, layout }) => {
      image.poke(layout.extension + 8, [0]);
      return {
        disk: diskOf(
          STREWN.sectors * SECTOR,
          [7, 3, 4, 0].map((cluster) => [cluster * 64 * KIB, noise(cluster + 1, KIB)]),
        ),
        map: handMap(STREWN.sectors * SECTOR, [
          [0, 64 * KIB, 'data', 0, layout.cluster(0)],
          [192 * KIB, 128 * KIB, 'data', 0, layout.cluster(3)],
          [448 * KIB, 64 * KIB, 'data', 0, layout.cluster(7)],
        ]),
        findings: ['extension-checksum'],
        problems: ['extension-checksum'],
      };
    },
    { qemu: [], because: 'it refuses the image, though nothing in the extension is needed to read the disk' },
  ),
];

// ---------------------------------------------------------------------------------------------
// Bundles
// ---------------------------------------------------------------------------------------------

const DESCRIPTOR = 'disk.hdd/DiskDescriptor.xml';
const BASE = '{0f6e2d1c-0000-4000-8000-00000000000a}';
const MIDDLE = '{0f6e2d1c-0000-4000-8000-00000000000b}';
const UNREAD = 'it reads no bundles';
const CLUSTER = 64 * KIB;
const DISK = 2 * MIB;

const bundleFile = (name: string): string => `disk.hdd/${name}`;
const fill = (value: number): Uint8Array => new Uint8Array(CLUSTER).fill(value);

/** An expanding image of whole clusters of one value each; those lie in a row from the first cluster on. */
function image(size: number, clusters: Readonly<Record<number, number>>): SparseImage {
  const entries = Object.entries(clusters).map(([cluster, value]) => [Number(cluster), fill(value)] as const);
  return buildParallels({ sectors: size / SECTOR, clusterSectors: CLUSTER / SECTOR, clusters: new Map(entries) }).image;
}

const storage = (
  start: number,
  end: number,
  files: readonly (readonly [guid: string, type: 'Plain' | 'Compressed', file: string])[],
): BundleSpec['storages'][number] => ({
  start: start / SECTOR,
  end: end / SECTOR,
  clusterSectors: CLUSTER / SECTOR,
  images: files.map(([guid, type, file]) => ({ guid, type, file })),
});

/** A disk of whole clusters, each of one value. */
const disk = (clusters: Readonly<Record<number, number>>): SparseImage =>
  diskOf(
    DISK,
    Object.entries(clusters).map(([cluster, value]) => [Number(cluster) * CLUSTER, fill(value)]),
  );

const pieces = (list: readonly (readonly [cluster: number, count: number, depth: number, offset: number])[]): Piece[] =>
  list.map(([cluster, count, depth, offset]) => [cluster * CLUSTER, count * CLUSTER, 'data', depth, offset]);

/** qemu-img does not know the bundle, but can be told of its images one on the other: it reads the same. */
function confirm(
  shop: FormatShop,
  expected: SparseImage,
  chain: readonly (readonly [driver: string, file: string])[],
): void {
  const node = chain.reduceRight<object | undefined>(
    (backing, [driver, file]) => ({
      driver,
      file: { driver: 'file', filename: bundleFile(file) },
      ...(backing && { backing }),
    }),
    undefined,
  );
  shop.qemuImg('compare', '-q', '-f', 'raw', shop.scratchFile(expected), `json:${JSON.stringify(node)}`);
}

const expanding: FormatRecipe = {
  name: 'bundle',
  branch: 'a bundle of one expanding image, known by the GUID of the current state',
  leaf: DESCRIPTOR,
  qemu: [],
  because: UNREAD,
  make(shop) {
    const files = [[CURRENT, 'Compressed', 'top.hds']] as const;
    shop.put(
      DESCRIPTOR,
      descriptorXml({ sectors: DISK / SECTOR, storages: [storage(0, DISK, files)], shots: [{ guid: CURRENT }] }),
    );
    shop.put(bundleFile('top.hds'), image(DISK, { 5: 1, 6: 2 }));
    const content = disk({ 5: 1, 6: 2 });
    confirm(shop, content, [['parallels', 'top.hds']]);
    return { disk: content, map: handMap(DISK, pieces([[5, 2, 0, CLUSTER]])) };
  },
};

const snapshots: FormatRecipe = {
  name: 'bundle-snapshots',
  branch: 'a bundle whose snapshots stand on a plain image, the current one told by its descriptor',
  leaf: DESCRIPTOR,
  chain: [DESCRIPTOR, bundleFile('middle.hds'), bundleFile('base.hds')],
  qemu: [],
  because: UNREAD,
  make(shop) {
    const files = [
      [BASE, 'Plain', 'base.hds'],
      [MIDDLE, 'Compressed', 'middle.hds'],
      ['{0f6e2d1c-0000-4000-8000-00000000000c}', 'Compressed', 'top.hds'],
    ] as const;
    const [, , [top]] = files;
    const shots = [{ guid: BASE }, { guid: MIDDLE, parent: BASE }, { guid: top, parent: MIDDLE }];
    shop.put(DESCRIPTOR, descriptorXml({ sectors: DISK / SECTOR, storages: [storage(0, DISK, files)], shots, top }));
    shop.put(bundleFile('top.hds'), image(DISK, { 5: 1 }));
    shop.put(bundleFile('middle.hds'), image(DISK, { 5: 2, 6: 3 }));
    shop.put(bundleFile('base.hds'), disk({ 0: 4, 6: 5 }));
    const content = disk({ 0: 4, 5: 1, 6: 3 });
    confirm(shop, content, [
      ['parallels', 'top.hds'],
      ['parallels', 'middle.hds'],
      ['raw', 'base.hds'],
    ]);
    const above = pieces([
      [5, 1, 0, CLUSTER],
      [6, 1, 1, 2 * CLUSTER],
    ]);
    const base = (cluster: number, count: number, kind: 'data' | 'zero'): Piece => [
      cluster * CLUSTER,
      count * CLUSTER,
      kind,
      2,
      cluster * CLUSTER,
    ];
    return {
      disk: content,
      map: handMap(DISK, [base(0, 1, 'data'), base(1, 4, 'zero'), ...above, base(7, 25, 'zero')]),
      dense: handMap(DISK, [base(0, 5, 'data'), ...above, base(7, 25, 'data')]),
    };
  },
};

const split: FormatRecipe = {
  name: 'bundle-split',
  branch: 'a disk split into two expanding images, with a snapshot of both',
  leaf: DESCRIPTOR,
  chain: [DESCRIPTOR, bundleFile('base.0.hds')],
  qemu: [],
  because: UNREAD,
  make(shop) {
    const half = DISK / 2;
    const parts = [0, 1].map((part) =>
      storage(part * half, (part + 1) * half, [
        [CURRENT, 'Compressed', `top.${part}.hds`],
        [BASE, 'Compressed', `base.${part}.hds`],
      ]),
    );
    const shots = [{ guid: BASE }, { guid: CURRENT, parent: BASE }];
    shop.put(DESCRIPTOR, descriptorXml({ sectors: DISK / SECTOR, storages: parts, shots }));
    shop.put(bundleFile('top.0.hds'), image(half, { 15: 1 }));
    shop.put(bundleFile('top.1.hds'), image(half, { 0: 2 }));
    shop.put(bundleFile('base.0.hds'), image(half, { 3: 3 }));
    shop.put(bundleFile('base.1.hds'), image(half, { 0: 4, 5: 5 }));
    return {
      disk: disk({ 3: 3, 15: 1, 16: 2, 21: 5 }),
      // Both have their cluster at the same place, in files of their own.
      map: handMap(
        DISK,
        pieces([
          [3, 1, 1, CLUSTER],
          [15, 1, 0, CLUSTER],
          [16, 1, 0, CLUSTER],
          [21, 1, 1, 2 * CLUSTER],
        ]),
        1,
      ),
    };
  },
};

const missing: FormatRecipe = {
  name: 'bundle-missing-parent',
  branch: 'a bundle in which the file of a snapshot is missing',
  leaf: DESCRIPTOR,
  end: 'missing',
  qemu: [],
  because: UNREAD,
  make(shop) {
    const files = [
      [CURRENT, 'Compressed', 'top.hds'],
      [BASE, 'Compressed', 'gone.hds'],
    ] as const;
    const shots = [{ guid: BASE }, { guid: CURRENT, parent: BASE }];
    shop.put(DESCRIPTOR, descriptorXml({ sectors: DISK / SECTOR, storages: [storage(0, DISK, files)], shots }));
    shop.put(bundleFile('top.hds'), image(DISK, { 0: 1 }));
    const unknown = { zero: false, unknown: true };
    const map = handMap(DISK, pieces([[0, 1, 0, CLUSTER]])).map((entry) =>
      entry.present ? entry : { ...entry, ...unknown },
    );
    return { map, findings: ['parent-missing'] };
  },
};

const alone: FormatRecipe = {
  name: 'bundle-image-alone',
  branch: 'an image of a bundle by itself, which is not all of its disk',
  leaf: bundleFile('top.hds'),
  make(shop) {
    const files = [
      [CURRENT, 'Compressed', 'top.hds'],
      [BASE, 'Plain', 'base.hds'],
    ] as const;
    const shots = [{ guid: BASE }, { guid: CURRENT, parent: BASE }];
    shop.put(DESCRIPTOR, descriptorXml({ sectors: DISK / SECTOR, storages: [storage(0, DISK, files)], shots }));
    shop.put(bundleFile('top.hds'), image(DISK, { 3: 7 }));
    shop.put(bundleFile('base.hds'), disk({ 0: 4 }));
    return undefined;
  },
};

export const RECIPES: readonly FormatRecipe[] = [...images, expanding, snapshots, split, missing, alone];
