import { SparseImage } from '../../fixtures/build/index';
import { buildVdi, vdiDisk } from '../../fixtures/build/vdi';
import type { VdiBlock, VdiSpec } from '../../fixtures/build/vdi';
import { uuidOf, vboxXml } from '../../fixtures/platforms/virtualbox';
import type { Facts } from '../info';
import { type FormatRecipe, type FormatShop, handMap, KIB, type Known, MIB } from './recipe';

/** Bytes that tell which block they are of, and where in it. */
const block = (number: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => number * 16 + (Math.floor(at / 512) % 16));

const dynamic: FormatRecipe = {
  name: 'dynamic',
  branch: 'a dynamic disk, blocks in another order in the file than on the disk',
  leaf: 'disk.vdi',
  others: ['7-Zip'],
  make(shop) {
    shop.create('disk.vdi', 'vdi', 8 * MIB);
    shop.io('disk.vdi', 'vdi', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
    return undefined;
  },
};

const fixed: FormatRecipe = {
  name: 'static',
  branch: 'a static disk, whose file has holes where nothing was written',
  leaf: 'disk.vdi',
  others: ['7-Zip'],
  make(shop) {
    shop.create('disk.vdi', 'vdi', 5 * MIB, { static: 'on' });
    shop.io('disk.vdi', 'vdi', 'write -P 1 1M 64k', 'write -P 2 4M 1M');
    return undefined;
  },
};

const partial: FormatRecipe = {
  name: 'partial-block',
  branch: 'a disk that ends inside its last block',
  leaf: 'disk.vdi',
  others: ['7-Zip'],
  make(shop) {
    shop.create('disk.vdi', 'vdi', 3 * MIB + 512 * KIB + 512);
    shop.io('disk.vdi', 'vdi', 'write -P 1 0 64k', `write -P 2 ${3 * MIB + 512 * KIB} 512`);
    return undefined;
  },
};

const empty: FormatRecipe = {
  name: 'empty',
  branch: 'a disk that nothing was written to',
  leaf: 'disk.vdi',
  others: ['7-Zip'],
  make(shop) {
    shop.create('disk.vdi', 'vdi', 3 * MIB);
    return undefined;
  },
};

const discarded: FormatRecipe = {
  name: 'discarded',
  branch: 'discarded blocks, a map and data where no tool puts them, and a header without the second geometry',
  leaf: 'disk.vdi',
  others: ['7-Zip'],
  make(shop) {
    const spec: VdiSpec = {
      size: 6 * MIB,
      headerSize: 384,
      mapOffset: 4096,
      dataOffset: 16 * KIB,
      blocks: new Map<number, VdiBlock>([
        [0, block(1, MIB)],
        [2, 'discarded'],
        [3, block(3, MIB)],
        [4, 'discarded'],
      ]),
      order: [3, 0],
    };
    shop.put('disk.vdi', buildVdi(spec).image);
    return { disk: vdiDisk([spec]) };
  },
};

const NO_QEMU = {
  qemu: [],
  because: 'QEMU and 7-Zip read neither other sizes of blocks than 1 MiB nor what VirtualBox keeps before each of them',
} as const;

const SMALL_BLOCKS: VdiSpec = {
  size: 20 * KIB,
  blockSize: 4 * KIB,
  blocks: new Map<number, VdiBlock>([
    [1, block(1, 4 * KIB)],
    [2, block(2, 4 * KIB)],
    [3, 'discarded'],
    [4, block(4, 4 * KIB)],
  ]),
};

const smallBlocks: FormatRecipe = {
  name: 'blocks-4k',
  branch: 'blocks of 4 KiB, as VirtualBox may be told to make them',
  leaf: 'disk.vdi',
  ...NO_QEMU,
  make: (shop) => putOne(shop, SMALL_BLOCKS, 4 * KIB),
};

const blockExtra: FormatRecipe = {
  name: 'block-extra',
  branch: 'bytes before each block that are no part of the disk',
  leaf: 'disk.vdi',
  ...NO_QEMU,
  make: (shop) => putOne(shop, { ...SMALL_BLOCKS, blockExtra: 512 }, 4 * KIB),
};

const largeBlocks: FormatRecipe = {
  name: 'blocks-2m',
  branch: 'blocks of 2 MiB, the last one half on the disk',
  leaf: 'disk.vdi',
  ...NO_QEMU,
  make: (shop) =>
    putOne(shop, { size: 5 * MIB, blockSize: 2 * MIB, blocks: new Map([[2, block(2, 2 * MIB)]]) }, 2 * MIB),
};

const oldest: FormatRecipe = {
  name: 'version-0',
  branch: 'the oldest kind of header',
  leaf: 'disk.vdi',
  qemu: [],
  because: 'QEMU and 7-Zip read version 1.1 only',
  make: (shop) => putOne(shop, { ...SMALL_BLOCKS, version: 'first' }, 4 * KIB),
};

/** One image without a parent, and the map that it has. */
function putOne(shop: FormatShop, spec: VdiSpec, blockSize: number): Known {
  const { image, dataAt } = buildVdi(spec);
  shop.put('disk.vdi', image);
  const pieces = Array.from({ length: Math.ceil(spec.size / blockSize) }, (_, index) => {
    const start = index * blockSize;
    const at = dataAt(index);
    const length = Math.min(blockSize, spec.size - start);
    return at === undefined ? ([start, length, 'zero'] as const) : ([start, length, 'data', 0, at] as const);
  });
  return { disk: vdiDisk([spec]), map: merged(handMap(spec.size, pieces)), info: infoOf(spec.size, blockSize) };
}

const infoOf = (size: number, blockSize: number): Facts => ({
  'virtual-size': size,
  'cluster-size': blockSize,
  format: 'vdi',
  'dirty-flag': false,
});

/** Entries that qemu-img would have joined. */
function merged(entries: ReturnType<typeof handMap>): ReturnType<typeof handMap> {
  const joined: ReturnType<typeof handMap> = [];
  for (const entry of entries) {
    const last = joined.at(-1);
    const goesOn =
      last?.zero === entry.zero &&
      last.depth === entry.depth &&
      last.present === entry.present &&
      (last.offset === undefined ? entry.offset === undefined : last.offset + last.length === entry.offset);
    if (last && goesOn) joined[joined.length - 1] = { ...last, length: last.length + entry.length };
    else joined.push(entry);
  }
  return joined;
}

/** What VirtualBox leaves of a VM with two snapshots. */
const differencing: FormatRecipe = {
  name: 'differencing',
  branch:
    'two images on a base that are found by their UUIDs; unallocated blocks are the parent’s, discarded ones are zeros',
  leaf: `vm/Snapshots/{${uuidOf('3')}}.vdi`,
  chain: [`vm/Snapshots/{${uuidOf('3')}}.vdi`, `vm/Snapshots/{${uuidOf('2')}}.vdi`, 'vm/vm.vdi'],
  qemu: [],
  because: 'QEMU refuses images that stand on a parent, and so do 7-Zip and all other readers that are at hand',
  make(shop) {
    const base: VdiSpec = {
      size: 6 * MIB,
      uuid: uuidOf('1'),
      modification: uuidOf('a'),
      blocks: new Map<number, VdiBlock>([
        [0, block(10, MIB)],
        [1, block(11, MIB)],
        [2, block(12, MIB)],
        [4, block(14, MIB)],
        [5, block(15, MIB)],
      ]),
    };
    const middle: VdiSpec = {
      size: 6 * MIB,
      uuid: uuidOf('2'),
      modification: uuidOf('b'),
      parent: uuidOf('1'),
      parentModification: uuidOf('a'),
      blocks: new Map<number, VdiBlock>([
        [1, block(21, MIB)],
        [2, 'discarded'],
        [3, block(23, MIB)],
      ]),
      order: [3, 1],
    };
    const leaf: VdiSpec = {
      size: 6 * MIB,
      uuid: uuidOf('3'),
      modification: uuidOf('c'),
      parent: uuidOf('2'),
      parentModification: uuidOf('b'),
      blocks: new Map<number, VdiBlock>([
        [3, block(33, MIB)],
        [4, 'discarded'],
      ]),
    };
    const specs = [leaf, middle, base] as const;
    const built = specs.map(buildVdi);
    [this.leaf, ...(this.chain ?? []).slice(1)].forEach((file, depth) => {
      shop.put(file, built[depth]?.image ?? new SparseImage(0));
    });
    const disks = [
      {
        uuid: uuidOf('1'),
        location: 'vm.vdi',
        children: [
          {
            uuid: uuidOf('2'),
            location: `Snapshots/{${uuidOf('2')}}.vdi`,
            children: [{ uuid: uuidOf('3'), location: `Snapshots/{${uuidOf('3')}}.vdi` }],
          },
        ],
      },
    ];
    shop.put('vm/vm.vbox', vboxXml({ name: 'vm', disks, has: uuidOf('3') }));
    const at = (depth: number, index: number): number => built[depth]?.dataAt(index) ?? -1;
    const map = handMap(6 * MIB, [
      [0, MIB, 'data', 2, at(2, 0)],
      [MIB, MIB, 'data', 1, at(1, 1)],
      [2 * MIB, MIB, 'zero', 1],
      [3 * MIB, MIB, 'data', 0, at(0, 3)],
      [4 * MIB, MIB, 'zero', 0],
      [5 * MIB, MIB, 'data', 2, at(2, 5)],
    ]);
    return { disk: vdiDisk(specs), map };
  },
};

/** A child of an image that was written to since. */
const changedParent: FormatRecipe = {
  name: 'parent-changed',
  branch: 'the parent has another modification UUID than the image was made on',
  leaf: 'child.vdi',
  chain: ['child.vdi', 'base.vdi'],
  qemu: [],
  because: 'QEMU refuses images that stand on a parent',
  make(shop) {
    const base: VdiSpec = {
      size: 2 * MIB,
      uuid: uuidOf('1'),
      modification: uuidOf('f'),
      blocks: new Map([[0, block(1, MIB)]]),
    };
    const child: VdiSpec = {
      size: 2 * MIB,
      uuid: uuidOf('2'),
      parent: uuidOf('1'),
      parentModification: uuidOf('a'),
      type: 3,
    };
    const [lower, upper] = [buildVdi(base), buildVdi(child)];
    shop.put('base.vdi', lower.image);
    shop.put('child.vdi', upper.image);
    return {
      disk: vdiDisk([child, base]),
      map: handMap(2 * MIB, [
        [0, MIB, 'data', 1, lower.dataAt(0)],
        [MIB, MIB, 'zero', 1],
      ]),
      findings: ['parent-changed'],
    };
  },
};

/** Blocks that no honest image has. */
const broken: FormatRecipe = {
  name: 'broken-map',
  branch:
    'blocks claimed twice, an entry for more blocks than there are, a wrong count in the header, data past the end',
  leaf: 'disk.vdi',
  make(shop) {
    const { image, entryAt } = buildVdi({
      size: 8 * MIB,
      blocks: new Map([
        [0, block(1, MIB)],
        [1, block(2, MIB)],
      ]),
    });
    const poke = (at: number, value: number): void => {
      image.poke(at, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24));
    };
    for (const [index, entry] of [
      [3, 1],
      [4, 9],
      [6, 5],
      [7, 5],
    ] as const) {
      poke(entryAt(index), entry);
    }
    poke(388, 7);
    shop.put('disk.vdi', image);
    return {
      findings: ['data-past-end'],
      problems: ['allocated-count', 'claimed-twice', 'entry', 'past-end'],
    };
  },
};

export const RECIPES: readonly FormatRecipe[] = [
  dynamic,
  fixed,
  partial,
  empty,
  discarded,
  smallBlocks,
  largeBlocks,
  blockExtra,
  oldest,
  differencing,
  changedParent,
  broken,
];
