import { statSync } from 'node:fs';
import { noise } from '../../fixtures/build/index';
import type { BuiltVhdx, VhdxBlock, VhdxLogEntry, VhdxSpec } from '../../fixtures/build/vhdx';
import { buildVhdx, logEntryBytes, VHDX_DATA_WRITE, VHDX_PLACES, vhdxDisk } from '../../fixtures/build/vhdx';
import type { FormatShop, Known, Piece } from './recipe';
import { type FormatRecipe, GIB, handMap, KIB, MIB } from './recipe';

const NO_MAP = 'qemu-img map tells one range of data for a whole VHDX';
const NO_PARENTS = 'qemu-img opens no differencing VHDX';
const PARENT = `{${VHDX_DATA_WRITE}}`;
const OTHER_GUID = '11111111-2222-3333-4444-555555555555';

const present = (seed: number, length = 4 * KIB): VhdxBlock => ({ is: 'present', bytes: noise(seed, length) });
const state = (value: number, offset = 0): VhdxBlock => ({ is: 'state', state: value, offset });
const partial = (sectors: readonly number[], sectorSize = 512): VhdxBlock => ({
  is: 'partial',
  sectors: new Map(sectors.map((sector) => [sector, noise(1000 + sector, sectorSize)])),
});

interface Image {
  readonly file: string;
  readonly spec: VhdxSpec;
  readonly damage?: (built: BuiltVhdx) => unknown;
}

/** Puts a chain of images, newest first, and says what is known of it by the specification. */
function put(shop: FormatShop, images: readonly Image[], more: Known = {}): Known {
  const built = images.map(({ spec, file, damage }) => {
    const each = buildVhdx(spec);
    damage?.(each);
    shop.put(file, each.image);
    return each;
  });
  const specs = images.map(({ spec }) => spec);
  return {
    disk: vhdxDisk(specs),
    map: handMap(specs[0]?.size ?? 0, piecesOf(specs, built), specs.length - 1),
    ...more,
  };
}

/** Who has each block, or each sector where one is there in part. */
function piecesOf(specs: readonly VhdxSpec[], built: readonly BuiltVhdx[]): readonly Piece[] {
  const [{ size, blockSize = MIB, logicalSector = 512 } = { size: 0 }] = specs;
  const pieces: Piece[] = [];
  for (let block = 0; block * blockSize < size; block += 1) {
    const isPartial = specs.some(({ blocks }) => blocks?.get(block)?.is === 'partial');
    const unit = isPartial ? logicalSector : blockSize;
    for (let within = 0; within < blockSize && block * blockSize + within < size; within += unit) {
      const at = block * blockSize + within;
      const piece = pieceAt(specs, built, { block, within, sector: within / logicalSector });
      if (piece) add(pieces, [at, Math.min(unit, size - at), ...piece]);
    }
  }
  return pieces;
}

interface Place {
  readonly block: number;
  readonly within: number;
  readonly sector: number;
}

function pieceAt(
  specs: readonly VhdxSpec[],
  built: readonly BuiltVhdx[],
  { block, within, sector }: Place,
): readonly ['data' | 'zero', number, number?] | undefined {
  for (const [depth, { blocks }] of specs.entries()) {
    const what = blocks?.get(block);
    if (!what || (what.is === 'state' && what.state === 0)) continue;
    if (what.is === 'state') {
      const hasSpace = what.state !== 2 && what.offset !== undefined && what.offset > 0;
      return hasSpace ? ['zero', depth, (what.offset ?? 0) * MIB + within] : ['zero', depth];
    }
    if (what.is === 'present' || what.sectors.has(sector)) {
      return ['data', depth, (built[depth]?.dataAt(block) ?? NaN) + within];
    }
  }
  return undefined;
}

function add(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  const [start, length, kind, depth, offset] = piece;
  if (last?.[0] !== undefined && last[0] + last[1] === start && last[2] === kind && last[3] === depth) {
    const [first, before, , , place] = last;
    if (place === undefined ? offset === undefined : offset === place + before) {
      pieces[pieces.length - 1] = [first, before + length, kind, depth ?? 0, place];
      return;
    }
  }
  pieces.push(piece);
}

const dynamic: FormatRecipe = {
  name: 'dynamic',
  branch: 'a dynamic disk, blocks in another order in the file than on the disk',
  leaf: 'disk.vhdx',
  qemu: ['content', 'info', 'check'],
  others: ['libvhdi'],
  because: NO_MAP,
  make(shop) {
    shop.create('disk.vhdx', 'vhdx', 8 * MIB, { subformat: 'dynamic', block_size: MIB });
    // Blocks are put at the end of the file as they are written to.
    const first = statSync(shop.path('disk.vhdx')).size;
    shop.io('disk.vhdx', 'vhdx', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
    // QEMU makes the other blocks PAYLOAD_BLOCK_ZERO.
    const map = handMap(8 * MIB, [
      [0, MIB, 'zero'],
      [MIB, MIB, 'data', 0, first + MIB],
      [2 * MIB, 3 * MIB, 'zero'],
      [5 * MIB, MIB, 'data', 0, first],
      [6 * MIB, 2 * MIB, 'zero'],
    ]);
    return { map };
  },
};

const fixed: FormatRecipe = {
  name: 'fixed',
  branch: 'a fixed disk with a larger log, whose last block is there in part',
  leaf: 'disk.vhdx',
  qemu: ['content', 'info', 'check'],
  others: ['libvhdi'],
  because: NO_MAP,
  make(shop) {
    const size = 5 * MIB + 512;
    shop.create('disk.vhdx', 'vhdx', size, { subformat: 'fixed', block_size: 2 * MIB, log_size: 3 * MIB });
    shop.io('disk.vhdx', 'vhdx', 'write -P 7 0 512', 'write -P 8 3M 1k', 'write -P 9 5M 512');
    // The blocks end the file, all in a row.
    const first = statSync(shop.path('disk.vhdx')).size - 6 * MIB;
    return { map: handMap(size, [[0, size, 'data', 0, first]]) };
  },
};

const large: FormatRecipe = {
  name: 'large-blocks',
  branch: 'blocks of 256 MiB, sixteen to a sector bitmap, and two bitmap entries between them',
  leaf: 'disk.vhdx',
  qemu: ['content', 'info', 'check'],
  others: ['libvhdi'],
  because: NO_MAP,
  make: (shop) =>
    put(shop, [
      {
        file: 'disk.vhdx',
        spec: {
          size: 9 * GIB,
          blockSize: 256 * MIB,
          blocks: new Map([35, 32, 31, 17, 16, 15, 1].map((block) => [block, present(block)])),
        },
      },
    ]),
};

const states: FormatRecipe = {
  name: 'states',
  branch: 'all states that a block of a disk without a parent may be in, with places beside them and without',
  leaf: 'disk.vhdx',
  qemu: ['content', 'info', 'check'],
  others: ['libvhdi'],
  because: NO_MAP,
  make: (shop) =>
    put(shop, [
      {
        file: 'disk.vhdx',
        spec: {
          size: 10 * MIB,
          blocks: new Map([
            [0, present(1)],
            [1, state(1)],
            [2, state(2)],
            [3, state(3)],
            [4, state(0)],
            [5, state(1, 40)],
            [6, state(3, 41)],
            [7, state(5)],
            [9, present(2)],
          ]),
        },
        damage: ({ image }) => image.truncate(42 * MIB),
      },
    ]),
};

const impossible: FormatRecipe = {
  name: 'impossible-entries',
  branch:
    'entries of a reserved state, of a part without a parent, of data that is nowhere and past the end of the file',
  leaf: 'disk.vhdx',
  qemu: ['check'],
  because: 'qemu-img opens no VHDX of which a block is past the end of the file, but to check it',
  make(shop) {
    const spec = {
      size: 6 * MIB,
      blocks: new Map([
        [0, present(1)],
        [1, state(4)],
        [2, state(7, 4)],
        [3, state(6)],
        [5, state(6, 100)],
      ]),
    };
    const { image } = buildVhdx(spec);
    shop.put('disk.vhdx', image);
    const invalid = { depth: 0, present: true, zero: false, data: true, compressed: false, unknown: true } as const;
    return {
      // What an entry that can't be true stands for is not known.
      unreadable: true,
      map: [
        { start: 0, length: MIB, depth: 0, present: true, zero: false, data: true, compressed: false, offset: 4 * MIB },
        { start: MIB, length: 3 * MIB, ...invalid },
        { start: 4 * MIB, length: MIB, depth: 0, present: false, zero: true, data: false, compressed: false },
        {
          start: 5 * MIB,
          length: MIB,
          depth: 0,
          present: true,
          zero: false,
          data: true,
          compressed: false,
          offset: 100 * MIB,
        },
      ],
      findings: ['data-past-end', 'entry'],
      problems: ['entry', 'past-end'],
    };
  },
};

const claimed: FormatRecipe = {
  name: 'claimed-twice',
  branch: 'a block over the table of blocks, one over the log, and two in one place',
  leaf: 'disk.vhdx',
  qemu: ['check'],
  because: 'qemu-img opens no VHDX of which a block is over the log or a region, but to check it',
  make(shop) {
    const spec = {
      size: 4 * MIB,
      blocks: new Map([
        [0, present(1)],
        [1, state(6, 3)],
        [2, state(6, 1)],
        [3, state(6, 4)],
      ]),
    };
    const { image } = buildVhdx(spec);
    shop.put('disk.vhdx', image);
    const map = handMap(4 * MIB, [
      [0, MIB, 'data', 0, 4 * MIB],
      [MIB, MIB, 'data', 0, 3 * MIB],
      [2 * MIB, MIB, 'data', 0, MIB],
      [3 * MIB, MIB, 'data', 0, 4 * MIB],
    ]);
    return { map, disk: diskOf(image, [4, 3, 1, 4]), problems: ['claimed-twice'] };
  },
};

/** A disk whose blocks are those of a file, told in MiB. */
function diskOf(image: BuiltVhdx['image'], blocks: readonly number[]): BuiltVhdx['image'] {
  const disk = vhdxDisk([{ size: blocks.length * MIB }]);
  blocks.forEach((block, index) => disk.poke(index * MIB, image.peek(block * MIB, MIB)));
  return disk;
}

const headerCopy: FormatRecipe = {
  name: 'header-copy',
  branch: 'the current header is damaged: the other one is used',
  leaf: 'disk.vhdx',
  qemu: ['content', 'info'],
  others: ['libvhdi'],
  because: `${NO_MAP}, and its check says nothing of a damaged copy`,
  make: (shop) =>
    put(
      shop,
      [
        {
          file: 'disk.vhdx',
          spec: { size: 4 * MIB, blocks: new Map([[1, present(1)]]) },
          damage: ({ image }) => image.poke(VHDX_PLACES.headers[1] + 200, [1]),
        },
      ],
      { findings: ['header-copy'], problems: ['header-copy'] },
    ),
};

const regionTableCopy: FormatRecipe = {
  name: 'region-table-copy',
  branch: 'the first region table is damaged: the second one is used',
  leaf: 'disk.vhdx',
  qemu: [],
  because: 'qemu-img and libvhdi look at the first region table only',
  make: (shop) =>
    put(
      shop,
      [
        {
          file: 'disk.vhdx',
          spec: { size: 4 * MIB, blocks: new Map([[1, present(1)]]) },
          damage: ({ image }) => image.poke(VHDX_PLACES.regionTables[0] + 999, [1]),
        },
      ],
      { findings: ['region-table-copy'], problems: ['region-table-copy'] },
    ),
};

const sectors4k: FormatRecipe = {
  name: 'sectors-4k',
  branch: 'sectors of 4096 bytes: of a dynamic disk, and of one that has them in part',
  leaf: 'child.avhdx',
  chain: ['child.avhdx', 'base.vhdx'],
  qemu: [],
  others: ['libvhdi'],
  because: 'qemu-img opens no VHDX with sectors of 4096 bytes, nor one with a parent',
  make: (shop) =>
    put(shop, [
      {
        file: 'child.avhdx',
        spec: {
          size: 4 * MIB,
          logicalSector: 4096,
          parent: { parent_linkage: PARENT, relative_path: 'base.vhdx' },
          blocks: new Map([[1, partial([0, 3, 4, 255], 4096)]]),
        },
      },
      {
        file: 'base.vhdx',
        spec: {
          size: 4 * MIB,
          logicalSector: 4096,
          blocks: new Map([
            [1, present(1)],
            [3, present(2)],
          ]),
        },
      },
    ]),
};

const BASE: VhdxSpec = {
  size: 6 * MIB,
  blocks: new Map([0, 1, 2, 3, 4].map((block) => [block, present(100 + block, 8 * KIB)])),
};

const differencing: FormatRecipe = {
  name: 'differencing',
  branch: 'three disks, each of which has some sectors of its own; the parent in another folder, by its relative path',
  leaf: 'vm/two.avhdx',
  chain: ['vm/two.avhdx', 'vm/one.avhdx', 'base/base.vhdx'],
  qemu: [],
  others: ['libvhdi'],
  because: NO_PARENTS,
  make: (shop) =>
    put(shop, [
      {
        file: 'vm/two.avhdx',
        spec: {
          size: 6 * MIB,
          parent: { parent_linkage: PARENT, relative_path: '.\\one.avhdx' },
          dataWriteGuid: OTHER_GUID,
          blocks: new Map([
            [0, partial([0, 7, 8, 9, 15, 2047])],
            [5, partial([1])],
          ]),
        },
      },
      {
        file: 'vm/one.avhdx',
        spec: {
          size: 6 * MIB,
          parent: {
            absolute_win32_path: '\\\\?\\C:\\base\\base.vhdx',
            parent_linkage: PARENT,
            relative_path: '..\\base\\base.vhdx',
          },
          blocks: new Map([
            [0, partial([1, 7, 16])],
            [2, present(3, 8 * KIB)],
          ]),
        },
      },
      { file: 'base/base.vhdx', spec: BASE },
    ]),
};

const masks: FormatRecipe = {
  name: 'states-over-parent',
  branch: 'zero, undefined and unmapped blocks hide the parent; those not present do not',
  leaf: 'child.avhdx',
  chain: ['child.avhdx', 'base.vhdx'],
  qemu: [],
  because: `${NO_PARENTS}; libvhdi asks the parent for what is undefined, zero or unmapped ([MS-VHDX] 2.5.1.1)`,
  make: (shop) =>
    put(shop, [
      {
        file: 'child.avhdx',
        spec: {
          size: 6 * MIB,
          parent: { parent_linkage: PARENT, relative_path: 'base.vhdx' },
          blocks: new Map([
            [1, state(1)],
            [2, state(2)],
            [3, state(3, 30)],
            [4, state(5)],
          ]),
        },
        damage: ({ image }) => image.truncate(31 * MIB),
      },
      { file: 'base.vhdx', spec: BASE },
    ]),
};

const linkage2: FormatRecipe = {
  name: 'second-linkage',
  branch: 'the parent has the second of two GUIDs, as while a merge goes on',
  leaf: 'child.avhdx',
  chain: ['child.avhdx', 'base.vhdx'],
  qemu: [],
  because: `${NO_PARENTS}; libvhdi knows the first GUID only`,
  make: (shop) =>
    put(shop, [
      {
        file: 'child.avhdx',
        spec: {
          size: 6 * MIB,
          parent: { parent_linkage: `{${OTHER_GUID}}`, parent_linkage2: PARENT, relative_path: 'base.vhdx' },
        },
      },
      { file: 'base.vhdx', spec: BASE },
    ]),
};

const changedParent: FormatRecipe = {
  name: 'parent-changed',
  branch: 'the parent has been written to since, which its DataWriteGuid tells',
  leaf: 'child.avhdx',
  chain: ['child.avhdx', 'base.vhdx'],
  qemu: [],
  because: NO_PARENTS,
  make: (shop) =>
    put(
      shop,
      [
        {
          file: 'child.avhdx',
          spec: { size: 6 * MIB, parent: { parent_linkage: `{${OTHER_GUID}}`, relative_path: 'base.vhdx' } },
        },
        { file: 'base.vhdx', spec: BASE },
      ],
      { findings: ['parent-changed'] },
    ),
};

const beside: FormatRecipe = {
  name: 'parent-beside',
  branch: 'the parent is not where its absolute path says, but beside the image',
  leaf: 'child.avhdx',
  chain: ['child.avhdx', 'base.vhdx'],
  qemu: [],
  others: ['libvhdi'],
  because: NO_PARENTS,
  make: (shop) =>
    put(
      shop,
      [
        {
          file: 'child.avhdx',
          spec: {
            size: 6 * MIB,
            parent: { parent_linkage: PARENT, absolute_win32_path: '\\\\?\\D:\\Disks\\base.vhdx' },
            blocks: new Map([[0, partial([4])]]),
          },
        },
        { file: 'base.vhdx', spec: BASE },
      ],
      { findings: ['parent-guessed'] },
    ),
};

/** The first sector of the table of blocks, with these blocks fully present at places in MiB. */
function tableSector(...places: readonly number[]): Uint8Array {
  const entries = new BigUint64Array(512);
  places.forEach((place, index) => {
    entries[index] = place === 0 ? 0n : (BigInt(place) << 20n) | 6n;
  });
  return new Uint8Array(entries.buffer);
}

const log: FormatRecipe = {
  name: 'log',
  branch:
    'a log with sectors of data and with zeros, over the end of its ring, of which only the last two entries count',
  leaf: 'disk.vhdx',
  qemu: [],
  because:
    'qemu-img opens no VHDX with a log that is to be replayed, unless it may write to it; libvhdi does not see logs',
  make(shop) {
    const first = 80_117_443_871_106_387n;
    const done: VhdxLogEntry = { sequence: first, writes: [{ at: VHDX_PLACES.bat, bytes: tableSector(9, 9, 9, 9) }] };
    const start = MIB - 3 * 4096;
    const tail = (start + logEntryBytes(done)) % MIB;
    const entries: readonly VhdxLogEntry[] = [
      done,
      {
        sequence: first + 1n,
        tail,
        writes: [
          { at: VHDX_PLACES.bat, bytes: tableSector(5, 4, 5, 4) },
          { at: VHDX_PLACES.bat + 4096, zeros: 8192 },
        ],
      },
      { sequence: first + 2n, tail, writes: [{ at: VHDX_PLACES.bat, bytes: tableSector(5, 4, 0, 6) }], last: 8 * MIB },
    ];
    const blocks = new Map([
      [0, present(1)],
      [1, present(2)],
    ]);
    const { image } = buildVhdx({ size: 4 * MIB, blocks, log: { guid: OTHER_GUID, entries, start } });
    shop.put('disk.vhdx', image);
    const disk = vhdxDisk([
      {
        size: 4 * MIB,
        blocks: new Map([
          [0, present(2)],
          [1, present(1)],
        ]),
      },
    ]);
    const map = handMap(4 * MIB, [
      [0, MIB, 'data', 0, 5 * MIB],
      [MIB, MIB, 'data', 0, 4 * MIB],
      [3 * MIB, MIB, 'data', 0, 6 * MIB],
    ]);
    return { disk, map, findings: ['log-replayed'], problems: ['log-replayed'] };
  },
};

export const RECIPES: readonly FormatRecipe[] = [
  dynamic,
  fixed,
  large,
  states,
  impossible,
  claimed,
  headerCopy,
  regionTableCopy,
  sectors4k,
  differencing,
  masks,
  linkage2,
  changedParent,
  beside,
  log,
];
