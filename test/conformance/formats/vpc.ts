import { noise } from '../../fixtures/build/index';
import {
  buildVhd,
  mendChecksum,
  utf16,
  uuidBytes,
  vhdDisk,
  type BuiltVhd,
  type VhdBlock,
  type VhdParent,
  type VhdSpec,
} from '../../fixtures/build/vhd';
import { type FormatRecipe, handMap, type Known, KIB, MIB } from './recipe';
import { vhdMap } from './vhdMap';

const SECTOR = 512;
const BLOCK = 512 * KIB;
/** Sectors in a block. */
const SECTORS = BLOCK / SECTOR;

const NO_PARENTS = 'qemu-img ignores the parent of a VHD, and its sector bitmaps';
const WRONG_BITS =
  'libvhdi 20210425 takes a sector for held whose bit is clear, where another bit before it in its byte is set';

const dynamic: FormatRecipe = {
  name: 'dynamic',
  branch: 'a dynamic disk as QEMU makes it, of the size that its footer tells',
  leaf: 'disk.vhd',
  others: ['libvhdi', '7-Zip'],
  make(shop) {
    shop.create('disk.vhd', 'vpc', 8 * MIB, { subformat: 'dynamic', force_size: 'on' });
    shop.io('disk.vhd', 'vpc', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
  },
};

const geometry: FormatRecipe = {
  name: 'dynamic-geometry',
  branch: 'a dynamic disk of the size of its geometry, which ends inside a block',
  leaf: 'disk.vhd',
  others: ['libvhdi', '7-Zip'],
  make(shop) {
    shop.create('disk.vhd', 'vpc', 10_000_000, { subformat: 'dynamic' });
    shop.io('disk.vhd', 'vpc', 'write -P 1 0 4k', 'write -P 2 9M 500k');
  },
};

const virtualPc: FormatRecipe = {
  name: 'creator-virtual-pc',
  branch: 'a disk of Virtual PC, smaller by its geometry than the footer says',
  leaf: 'disk.vhd',
  because: 'libvhdi and 7-Zip take the size that the footer says',
  qemu: ['content', 'map', 'info', 'check'],
  make(shop) {
    const built = buildVhd({ size: 4 * MIB, blockSize: BLOCK, creator: 'vpc ', blocks: blocks([[0], [7]]) });
    shop.put('disk.vhd', built.image);
    return undefined;
  },
};

const fixed: FormatRecipe = {
  name: 'fixed',
  branch: 'a fixed disk with holes, as QEMU makes it',
  leaf: 'disk.vhd',
  others: ['libvhdi', '7-Zip'],
  make(shop) {
    shop.create('disk.vhd', 'vpc', 8 * MIB, { subformat: 'fixed', force_size: 'on' });
    shop.io('disk.vhd', 'vpc', 'write -P 1 1M 64k', 'write -P 2 7M 1M');
  },
};

const fixedGeometry: FormatRecipe = {
  name: 'fixed-geometry',
  branch: 'a fixed disk of Virtual PC, which ends by its geometry before its data do',
  leaf: 'disk.vhd',
  make(shop) {
    const content = [
      { offset: 0, bytes: noise(1, 8 * KIB) },
      { offset: 4 * MIB - 4 * KIB, bytes: noise(2, 4 * KIB) },
    ];
    shop.put('disk.vhd', buildVhd({ size: 4 * MIB, type: 'fixed', creator: 'vpc ', content }).image);
  },
};

const shortFooter: FormatRecipe = {
  name: 'fixed-short-footer',
  branch: 'a fixed disk with a footer of 511 bytes, and a word at its start that looks like another footer',
  leaf: 'disk.vhd',
  qemu: [],
  because: 'qemu-img looks for footers of 512 bytes alone',
  make(shop) {
    const bytes = Uint8Array.from('conectix', (letter) => letter.charCodeAt(0));
    const built = buildVhd({ size: MIB, type: 'fixed', shortFooter: true, content: [{ offset: 0, bytes }] });
    shop.holes.set('disk.vhd', 'dense');
    shop.put('disk.vhd', built.image);
    return { disk: vhdDisk([built]), map: handMap(MIB, [[0, MIB, 'data', 0, 0]]) };
  },
};

const smallBlocks: FormatRecipe = {
  name: 'small-blocks',
  branch: 'blocks of one sector each, strewn over the file',
  leaf: 'disk.vhd',
  qemu: ['info', 'check'],
  because: 'qemu-img takes blocks of less than eight sectors to have no bitmap',
  others: ['7-Zip'],
  make(shop) {
    const size = 256 * SECTOR;
    const order = Array.from({ length: 100 }, (_, i) => [(i * 37) % 256] as const);
    const built = buildVhd({ size, blockSize: SECTOR, blocks: blocks(order, SECTOR) });
    shop.put('disk.vhd', built.image);
    return known([built]);
  },
};

const bitmaps: FormatRecipe = {
  name: 'dynamic-bitmaps',
  branch: 'a dynamic disk whose bitmaps say of bytes that are there that they are not',
  leaf: 'disk.vhd',
  qemu: ['info', 'check'],
  others: ['libvhdi'],
  because: 'qemu-img ignores sector bitmaps',
  make(shop) {
    const built = buildVhd({
      size: 4 * MIB - 100 * SECTOR,
      blockSize: BLOCK,
      blocks: blocks([[3, secondHalves], [0, none], [1], [7, secondHalves]]),
    });
    shop.put('disk.vhd', built.image);
    return known([built]);
  },
};

const differencing: FormatRecipe = {
  name: 'differencing',
  branch: 'two differencing disks on a dynamic one, by relative names; sectors of all three in a block',
  leaf: 'leaf.avhd',
  chain: ['leaf.avhd', 'middle.avhd', 'base.vhd'],
  qemu: [],
  others: ['7-Zip'],
  because: `${NO_PARENTS}; ${WRONG_BITS}`,
  make(shop) {
    const size = 4 * MIB - 40 * SECTOR;
    const base = buildVhd({ size, blockSize: BLOCK, uuid: uuidBytes(1), blocks: blocks([[0], [1], [2], [4]]) });
    const middle = buildVhd({
      size,
      blockSize: BLOCK,
      type: 'differencing',
      uuid: uuidBytes(2),
      parent: windows('base.vhd', 1),
      blocks: blocks([[4, odd], [1, odd], [0], [5, none]]),
    });
    const leaf = buildVhd({
      size,
      blockSize: BLOCK,
      type: 'differencing',
      uuid: uuidBytes(3),
      parent: windows('middle.avhd', 2),
      blocks: blocks([[7], [1, some], [4, some], [2, none]]),
    });
    shop.put('leaf.avhd', leaf.image);
    shop.put('middle.avhd', middle.image);
    shop.put('base.vhd', base.image);
    return known([leaf, middle, base]);
  },
};

const otherBlocks: FormatRecipe = {
  name: 'differencing-other-blocks',
  branch: 'a differencing disk with larger blocks than its parent has, and a name in its header alone',
  leaf: 'leaf.vhd',
  chain: ['leaf.vhd', 'base.vhd'],
  qemu: [],
  because: `${NO_PARENTS}; ${WRONG_BITS}`,
  others: ['7-Zip'],
  make(shop) {
    const size = 4 * MIB;
    const base = buildVhd({
      size,
      blockSize: 64 * KIB,
      uuid: uuidBytes(1),
      blocks: blocks([[0], [30], [9]], 64 * KIB),
    });
    const leaf = buildVhd({
      size,
      type: 'differencing',
      uuid: uuidBytes(3),
      parent: { uuid: uuidBytes(1), name: 'base.vhd' },
      blocks: blocks([[0, some]], 2 * MIB),
    });
    shop.put('leaf.vhd', leaf.image);
    shop.put('base.vhd', base.image);
    return known([leaf, base]);
  },
};

const guessed: FormatRecipe = {
  name: 'differencing-guessed',
  branch: 'a parent that is named by where it was on another machine, and lies beside the image',
  leaf: 'leaf.vhd',
  chain: ['leaf.vhd', 'base.vhd'],
  qemu: [],
  because: NO_PARENTS,
  make(shop) {
    const [leaf, base] = pair({
      uuid: uuidBytes(1),
      name: 'C:\\machines\\base.vhd',
      locators: [{ platform: 'W2ku', bytes: utf16('C:\\machines\\base.vhd', 'little') }],
    });
    shop.put('leaf.vhd', leaf.image);
    shop.put('base.vhd', base.image);
    return { ...known([leaf, base]), findings: ['parent-guessed'] };
  },
};

const changed: FormatRecipe = {
  name: 'differencing-changed',
  branch: 'a parent whose UUID and time stamp are others than its child has noted',
  leaf: 'leaf.vhd',
  chain: ['leaf.vhd', 'base.vhd'],
  qemu: [],
  because: NO_PARENTS,
  make(shop) {
    const [leaf, base] = pair({ ...windows('base.vhd', 9), timeStamp: 500_000_000 });
    shop.put('leaf.vhd', leaf.image);
    shop.put('base.vhd', base.image);
    return { ...known([leaf, base]), findings: ['parent-changed'] };
  },
};

const otherUuid: FormatRecipe = {
  name: 'differencing-other-file',
  branch: 'a file that is called as the parent and is not known by its UUID: nothing but a guess, and not taken',
  leaf: 'leaf.vhd',
  end: 'missing',
  qemu: [],
  because: NO_PARENTS,
  make(shop) {
    const [leaf, base] = pair({ uuid: uuidBytes(9), name: 'C:\\machines\\base.vhd' });
    shop.put('leaf.vhd', leaf.image);
    shop.put('base.vhd', base.image);
    return { map: unknownBelow(leaf), findings: ['parent-missing'] };
  },
};

const footerLost: FormatRecipe = {
  name: 'footer-lost',
  branch: 'a file without its last sector: the copy of the footer is used',
  leaf: 'disk.vhd',
  make(shop) {
    const { image, footer } = buildVhd({ size: 4 * MIB, blockSize: BLOCK, blocks: blocks([[2], [5]]) });
    shop.put('disk.vhd', image.truncate(footer));
    return { findings: ['footer'], problems: ['footer'] };
  },
};

const copyBroken: FormatRecipe = {
  name: 'footer-copy-broken',
  branch: 'a broken copy of the footer: that at the end is used',
  leaf: 'disk.vhd',
  qemu: [],
  because: 'qemu-img reads the copy alone, and refuses the image',
  others: ['libvhdi'],
  make(shop) {
    const built = buildVhd({ size: 4 * MIB, blockSize: BLOCK, blocks: blocks([[2], [5]]) });
    built.image.poke(300, [1]);
    shop.put('disk.vhd', built.image);
    return { ...known([built]), findings: ['footer-copy'], problems: ['footer-copy'] };
  },
};

const copiesDiffer: FormatRecipe = {
  name: 'footer-copies-differ',
  branch: 'a copy of the footer of another size: that at the end is used',
  leaf: 'disk.vhd',
  qemu: [],
  because: 'qemu-img reads the copy alone',
  others: ['libvhdi'],
  make(shop) {
    const built = buildVhd({ size: 4 * MIB, blockSize: BLOCK, blocks: blocks([[2], [5]]) });
    built.image.pokeU64(48, BigInt(2 * MIB));
    mendChecksum(built.image, 0, 512);
    shop.put('disk.vhd', built.image);
    return { ...known([built]), findings: ['footer-copies-differ'], problems: ['footer-copies-differ'] };
  },
};

const headerChecksum: FormatRecipe = {
  name: 'header-checksum',
  branch: 'a dynamic disk header whose checksum is wrong: used all the same',
  leaf: 'disk.vhd',
  make(shop) {
    const { image, header } = buildVhd({ size: 4 * MIB, blockSize: BLOCK, blocks: blocks([[2], [5]]) });
    image.poke(header + 900, [7]);
    shop.put('disk.vhd', image);
    return { findings: ['header-checksum'], problems: ['header-checksum'] };
  },
};

const cutShort: FormatRecipe = {
  name: 'cut-short',
  branch: 'a file that ends inside one block and before another, whose bitmap is gone with it',
  leaf: 'disk.vhd',
  qemu: [],
  because: 'qemu-img refuses an image whose blocks are not all there',
  make(shop) {
    const built = buildVhd({ size: 4 * MIB, blockSize: BLOCK, blocks: blocks([[2], [5], [1]]) });
    const end = built.place(5).data + 100 * SECTOR;
    const disk = vhdDisk([built]);
    shop.put('disk.vhd', built.image.truncate(end));
    disk.poke(BLOCK, new Uint8Array(BLOCK)).poke(5 * BLOCK + 100 * SECTOR, new Uint8Array(BLOCK - 100 * SECTOR));
    return { map: vhdMap([built]), disk, findings: ['data-past-end', 'footer'], problems: ['footer', 'past-end'] };
  },
};

const claimedTwice: FormatRecipe = {
  name: 'claimed-twice',
  branch: 'two blocks in one place',
  leaf: 'disk.vhd',
  others: ['libvhdi', '7-Zip'],
  make(shop) {
    const built = buildVhd({ size: 4 * MIB, blockSize: BLOCK, blocks: blocks([[2], [5]]) });
    built.image.pokeU32(built.table + 4 * 6, built.place(2).bitmap / SECTOR);
    shop.put('disk.vhd', built.image);
    return { problems: ['claimed-twice'] };
  },
};

/** A Windows name beside the image, with a parent of a number. */
function windows(name: string, parent: number): VhdParent {
  return {
    uuid: uuidBytes(parent),
    name,
    locators: [
      { platform: 'W2ku', bytes: utf16(`C:\\elsewhere\\${name}`, 'little') },
      { platform: 'W2ru', bytes: utf16(`.\\${name}`, 'little') },
    ],
  };
}

/** A differencing disk and its base, which has number 1. */
function pair(parent: VhdParent): readonly [leaf: BuiltVhd, base: BuiltVhd] {
  const common: VhdSpec = { size: 2 * MIB, blockSize: BLOCK };
  const leaf = buildVhd({
    ...common,
    type: 'differencing',
    uuid: uuidBytes(2),
    parent,
    blocks: blocks([[0, some], [2]]),
  });
  return [leaf, buildVhd({ ...common, uuid: uuidBytes(1), blocks: blocks([[0], [1]]) })];
}

const odd = (sector: number): boolean => sector % 2 === 1 || (sector > 200 && sector < 300);
const some = (sector: number): boolean => sector % 100 < 30 || sector === SECTORS - 1;
/** Of every sixteen sectors the second four: libvhdi reads bits right that are set behind those that are not. */
const secondHalves = (sector: number): boolean => sector % 16 >= 4 && sector % 16 < 8;
const none = (): boolean => false;

/** Blocks full of noise, of numbers and what they hold. */
function blocks(
  list: readonly (readonly [number: number, holds?: (sector: number) => boolean])[],
  blockSize = BLOCK,
): ReadonlyMap<number, VhdBlock> {
  return new Map(
    list.map(([number, holds]) => {
      const bytes = new Uint8Array(blockSize).fill(number + 1);
      // Few of them are noise: a pack is to stay small.
      bytes.set(noise(number + blockSize, Math.min(blockSize, 2 * KIB)), blockSize > 8 * KIB ? 3 * KIB : 0);
      return [number, holds ? { bytes, holds } : { bytes }];
    }),
  );
}

const known = (chain: readonly BuiltVhd[]): Known => ({ disk: vhdDisk(chain), map: vhdMap(chain) });

/** The map of an image whose parent is not there. */
function unknownBelow(leaf: BuiltVhd): NonNullable<Known['map']> {
  return vhdMap([leaf]).map((entry) => (entry.present ? entry : { ...entry, zero: false }));
}

export const RECIPES: readonly FormatRecipe[] = [
  dynamic,
  geometry,
  virtualPc,
  fixed,
  fixedGeometry,
  shortFooter,
  smallBlocks,
  bitmaps,
  differencing,
  otherBlocks,
  guessed,
  changed,
  otherUuid,
  footerLost,
  copyBroken,
  copiesDiffer,
  headerChecksum,
  cutShort,
  claimedTwice,
];
