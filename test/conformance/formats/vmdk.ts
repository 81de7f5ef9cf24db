import type { VmdkGrain } from '../../fixtures/build/vmdk';
import { buildHosted, descriptor, extentLine, GRAIN, padded, vmdkDisk } from '../../fixtures/build/vmdk';
import type { SeGrain } from '../../fixtures/build/vmdkEsx';
import { buildCowd, buildSeSparse } from '../../fixtures/build/vmdkEsx';
import { noise, prose, SparseImage } from '../../fixtures/build/index';
import { type FormatRecipe, GIB, handMap, KIB, MIB } from './recipe';

const SECTOR = 512;

/** One extent in a file of its own, of a descriptor apart. */
const oneExtent = (createType: string, size: number, type: string, name: string, offset?: number): string =>
  descriptor({ createType, extents: [extentLine(size, type, name, offset)] });

/** What makes an image a child. */
const on = (parent: string): Record<string, string> => ({ backing_file: parent, backing_fmt: 'vmdk' });

const monolithicSparse: FormatRecipe = {
  name: 'monolithic-sparse',
  branch: 'one sparse file with its descriptor inside, grains allocated here and there',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    shop.create('disk.vmdk', 'vmdk', 40 * MIB, { subformat: 'monolithicSparse' });
    shop.io('disk.vmdk', 'vmdk', 'write -P 1 0 64k', 'write -P 2 33M 200k');
  },
};

const zeroedGrains: FormatRecipe = {
  name: 'zeroed-grains',
  branch: 'grains that say that they are zeros (version 2), above a parent that has data there',
  leaf: 'delta.vmdk',
  chain: ['delta.vmdk', 'base.vmdk'],
  make(shop) {
    shop.create('base.vmdk', 'vmdk', 34 * MIB + 512);
    shop.io('base.vmdk', 'vmdk', 'write -P 1 1M 3M', 'write -P 2 34M 512');
    shop.create('delta.vmdk', 'vmdk', 34 * MIB + 512, { ...on('base.vmdk'), zeroed_grain: 'on' });
    shop.io('delta.vmdk', 'vmdk', 'write -z 2M 128k', 'write -P 3 3M 1k', 'write -z 20M 64k', 'write -P 4 2M 64k');
  },
};

const adapter: FormatRecipe = {
  name: 'adapter',
  branch: 'another adapter and version of the virtual hardware: its geometry has 255 heads',
  leaf: 'disk.vmdk',
  others: ['libvmdk', '7-Zip'],
  make(shop) {
    shop.create('disk.vmdk', 'vmdk', 9 * MIB, { adapter_type: 'lsilogic', hwversion: 9, toolsversion: 10000 });
    shop.io('disk.vmdk', 'vmdk', 'write -P 7 5M 1M');
  },
};

const streamOptimized: FormatRecipe = {
  name: 'stream-optimized',
  branch: 'compressed grains behind markers, their directory in front of them; the last one is short',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    const source = new SparseImage(3 * MIB + 1024)
      .poke(0, noise(1, 30 * KIB))
      .poke(MIB, prose(2, 300 * KIB))
      .poke(3 * MIB, noise(3, 1024));
    const file = shop.scratchFile(source);
    shop.qemuImg('convert', '-q', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', file, 'disk.vmdk');
  },
};

const STREAM = {
  size: 36 * MIB,
  grains: new Map<number, VmdkGrain>([
    [0, prose(1, GRAIN)],
    [1, prose(2, GRAIN)],
    [40, prose(3, GRAIN)],
    [513, padded(noise(4, 20 * KIB), GRAIN)],
    [575, prose(5, GRAIN)],
  ]),
  order: [0, 1, 513, 40, 575],
};

const streamFooter: FormatRecipe = {
  name: 'stream-footer',
  branch: 'a stream as VMware writes it: the header does not know where the directory is, the footer does',
  leaf: 'disk.vmdk',
  others: ['libvmdk', '7-Zip'],
  make(shop) {
    const text = oneExtent('streamOptimized', STREAM.size, 'SPARSE', 'disk.vmdk');
    shop.put('disk.vmdk', buildHosted({ ...STREAM, descriptor: text, compressed: 'footer' }).image);
    return { disk: vmdkDisk([STREAM]) };
  },
};

const streamBare: FormatRecipe = {
  name: 'stream-without-markers',
  branch: 'compressed grains without markers: each is a stream that ends somewhere',
  leaf: 'disk.vmdk',
  make(shop) {
    const text = oneExtent('streamOptimized', STREAM.size, 'SPARSE', 'disk.vmdk');
    // Of a grain without a marker QEMU reads as much as a grain has: noise grows when it is compressed.
    const grains = new Map([...STREAM.grains].map(([grain]) => [grain, prose(grain, GRAIN)]));
    const spec = { ...STREAM, grains };
    shop.put('disk.vmdk', buildHosted({ ...spec, descriptor: text, compressed: 'bare' }).image);
    return { disk: vmdkDisk([spec]) };
  },
};

const smallGrains: FormatRecipe = {
  name: 'small-grains',
  branch: 'grains of 8 KiB in no order, tables of 64 entries, no redundant directory',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    const size = 4 * MIB - 3 * SECTOR;
    const numbers = [511, 3, 4, 5, 64, 63, 200, 128, 129, 0];
    const spec = {
      size,
      grainSize: 8192,
      grains: new Map(numbers.map((grain) => [grain, prose(grain + 1, 8192)])),
      order: numbers,
    };
    const text = oneExtent('monolithicSparse', size, 'SPARSE', 'disk.vmdk');
    const built = buildHosted({ ...spec, descriptor: text, entriesPerTable: 64, redundant: false });
    shop.put('disk.vmdk', built.image);
    return { disk: vmdkDisk([spec]) };
  },
};

const oddGrains: FormatRecipe = {
  name: 'odd-grains',
  branch: 'grains of 12 KiB, which are no power of two',
  leaf: 'disk.vmdk',
  make(shop) {
    const grainSize = 24 * SECTOR;
    const size = 300 * grainSize - 5 * SECTOR;
    const numbers = [0, 1, 2, 17, 298, 299, 100];
    const spec = {
      size,
      grainSize,
      grains: new Map(numbers.map((grain) => [grain, prose(grain + 1, grainSize)])),
    };
    const text = oneExtent('monolithicSparse', size, 'SPARSE', 'disk.vmdk');
    shop.put('disk.vmdk', buildHosted({ ...spec, descriptor: text }).image);
    return { disk: vmdkDisk([spec]) };
  },
};

const splitSparse: FormatRecipe = {
  name: 'split-sparse',
  branch: 'two sparse extents of at most 2 GiB, data on both sides of where they meet',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    shop.create('disk.vmdk', 'vmdk', 2 * GIB + 40 * MIB, { subformat: 'twoGbMaxExtentSparse' });
    shop.io('disk.vmdk', 'vmdk', 'write -P 1 10M 64k', 'write -P 2 2047M 2M', 'write -P 3 2080M 512');
  },
};

const monolithicFlat: FormatRecipe = {
  name: 'monolithic-flat',
  branch: 'one flat extent, with holes on the host',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    shop.create('disk.vmdk', 'vmdk', 4 * MIB, { subformat: 'monolithicFlat' });
    shop.io('disk.vmdk', 'vmdk', 'write -P 1 64k 64k', 'write -P 2 3M 4k');
  },
};

const splitFlat: FormatRecipe = {
  name: 'split-flat',
  branch: 'two flat extents, the second shorter than it should be, with a hole; data on both sides of where they meet',
  leaf: 'disk.vmdk',
  make(shop) {
    shop.put('disk-f001.vmdk', new SparseImage(MIB).poke(0, prose(1, 65536)).poke(MIB - 4096, prose(2, 4096)));
    shop.put('disk-f002.vmdk', new SparseImage(512 * KIB).poke(0, prose(3, 4096)).poke(256 * KIB, prose(4, 4096)));
    const extents = [extentLine(MIB, 'FLAT', 'disk-f001.vmdk', 0), extentLine(MIB, 'FLAT', 'disk-f002.vmdk', 0)];
    shop.put('disk.vmdk', descriptor({ createType: 'twoGbMaxExtentFlat', extents }));
    return { findings: ['extent-short'] };
  },
};

const vmfs: FormatRecipe = {
  name: 'vmfs',
  branch: 'a flat extent of an ESX host, by its descriptor',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    shop.put('disk-flat.vmdk', new SparseImage(MIB).poke(65536, noise(1, 4096)));
    shop.put('disk.vmdk', oneExtent('vmfs', MIB, 'VMFS', 'disk-flat.vmdk'));
  },
};

const COWD = {
  size: 9 * MIB,
  grainSize: SECTOR,
  grains: new Map<number, VmdkGrain>([
    [0, noise(1, SECTOR)],
    [1, noise(2, SECTOR)],
    [100, noise(3, SECTOR)],
    [4095, noise(4, SECTOR)],
    [17000, noise(5, SECTOR)],
  ]),
  order: [100, 0, 1, 17000, 4095],
};

const vmfsSparse: FormatRecipe = {
  name: 'vmfs-sparse',
  branch: 'a copy-on-write extent (COWD) with grains of a sector, tables for some of the disk alone',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    shop.put('disk-delta.vmdk', buildCowd(COWD).image);
    shop.put('disk.vmdk', oneExtent('vmfsSparse', COWD.size, 'VMFSSPARSE', 'disk-delta.vmdk'));
    return { disk: vmdkDisk([COWD]) };
  },
};

const esxDelta: FormatRecipe = {
  name: 'esx-delta',
  branch: 'a snapshot of ESX: a copy-on-write extent on a flat base',
  leaf: 'disk-000001.vmdk',
  chain: ['disk-000001.vmdk', 'disk.vmdk'],
  others: ['libvmdk'],
  make(shop) {
    shop.put('disk-flat.vmdk', new SparseImage(COWD.size).poke(0, prose(8, MIB)).poke(8 * MIB, prose(9, MIB)));
    shop.put('disk.vmdk', oneExtent('vmfs', COWD.size, 'VMFS', 'disk-flat.vmdk'));
    shop.put('disk-000001-delta.vmdk', buildCowd(COWD).image);
    shop.put(
      'disk-000001.vmdk',
      descriptor({
        createType: 'vmfsSparse',
        extents: [extentLine(COWD.size, 'VMFSSPARSE', 'disk-000001-delta.vmdk')],
        cid: '11112222',
        parentCid: '0a1b2c3d',
        more: ['parentFileNameHint="disk.vmdk"'],
      }),
    );
  },
};

const SE = {
  size: 20 * MIB,
  grains: new Map<number, SeGrain>([
    [0, noise(1, 4096)],
    [1, 'zero'],
    [2, 'unmapped'],
    [3, noise(2, 4096)],
    [4097, noise(3, 4096)],
    [5119, noise(4, 4096)],
  ]),
  order: [4097, 0, 5119, 3],
};

/** What reads as zeros to a guest. */
const seDisk = (): SparseImage => {
  const grains = [...SE.grains].map(([grain, is]) => [grain, is === 'unmapped' ? 'zero' : is] as const);
  return vmdkDisk([{ size: SE.size, grainSize: 4096, grains: new Map(grains) }]);
};

const seSparse: FormatRecipe = {
  name: 'se-sparse',
  branch: 'a space-efficient extent: data, zeros, grains that the guest gave back, and none',
  leaf: 'disk.vmdk',
  make(shop) {
    shop.put('disk-sesparse.vmdk', buildSeSparse(SE).image);
    shop.put('disk.vmdk', oneExtent('seSparse', SE.size, 'SESPARSE', 'disk-sesparse.vmdk'));
    return { disk: seDisk() };
  },
};

const bareSeSparse: FormatRecipe = {
  name: 'bare-se-sparse',
  branch: 'a space-efficient extent without its descriptor',
  leaf: 'disk-sesparse.vmdk',
  qemu: [],
  because: 'it takes the file for a raw disk, or as VMDK for no image at all',
  make(shop) {
    const { image, grainAt } = buildSeSparse(SE);
    shop.put('disk-sesparse.vmdk', image);
    const data = (grain: number): readonly [number, number, 'data', number, number | undefined] => [
      grain * 4096,
      4096,
      'data',
      0,
      grainAt(grain),
    ];
    return {
      disk: seDisk(),
      map: handMap(SE.size, [data(0), [4096, 8192, 'zero'], data(3), data(4097), data(5119)]),
      findings: ['bare-extent'],
    };
  },
};

const bareExtent: FormatRecipe = {
  name: 'bare-extent',
  branch: 'one extent of a split disk, opened by itself',
  leaf: 'disk-s001.vmdk',
  qemu: [],
  because: 'it refuses an extent without a descriptor',
  make(shop) {
    const spec = { size: 3 * MIB, grains: new Map([[5, prose(1, GRAIN)]]) };
    const { image, grainAt } = buildHosted({ ...spec, descriptor: new Uint8Array() });
    shop.put('disk-s001.vmdk', image);
    return {
      disk: vmdkDisk([spec]),
      map: handMap(spec.size, [[5 * GRAIN, GRAIN, 'data', 0, grainAt(5)]]),
      findings: ['bare-extent'],
    };
  },
};

const deltaChain: FormatRecipe = {
  name: 'delta-chain',
  branch: 'three images in a row, each known to its child by its CID',
  leaf: 'top.vmdk',
  chain: ['top.vmdk', 'middle.vmdk', 'base.vmdk'],
  others: ['libvmdk'],
  make(shop) {
    const size = 8 * MIB;
    shop.create('base.vmdk', 'vmdk', size);
    shop.io('base.vmdk', 'vmdk', 'write -P 1 0 3M');
    shop.create('middle.vmdk', 'vmdk', size, on('base.vmdk'));
    shop.io('middle.vmdk', 'vmdk', 'write -P 2 1M 1M', 'write -P 3 5M 64k');
    shop.create('top.vmdk', 'vmdk', size, on('middle.vmdk'));
    shop.io('top.vmdk', 'vmdk', 'write -P 4 1536k 64k', 'write -P 5 7M 512');
  },
};

const otherParent: FormatRecipe = {
  name: 'parent-changed',
  branch: 'a parent that was written to after its child was made: its CID is another',
  leaf: 'delta.vmdk',
  chain: ['delta.vmdk', 'base.vmdk'],
  qemu: ['map', 'info'],
  because: 'it fails to read where the child has nothing',
  make(shop) {
    const base = { size: 2 * MIB, grains: new Map([[1, prose(1, GRAIN)]]) };
    const delta = { size: 2 * MIB, grains: new Map([[2, prose(2, GRAIN)]]) };
    const text = (parentCid: string, more: readonly string[]): string =>
      descriptor({
        createType: 'monolithicSparse',
        extents: [extentLine(2 * MIB, 'SPARSE', 'any.vmdk')],
        parentCid,
        more,
      });
    shop.put('base.vmdk', buildHosted({ ...base, descriptor: text('ffffffff', []) }).image);
    const link = text('deadbeef', ['parentFileNameHint="base.vmdk"']);
    shop.put('delta.vmdk', buildHosted({ ...delta, descriptor: link }).image);
    return { disk: vmdkDisk([delta, base]), findings: ['parent-changed'] };
  },
};

const mixedExtents: FormatRecipe = {
  name: 'mixed-extents',
  branch:
    'extents of all kinds in a row: flat from the middle of a file, zeros, sparse, read-only; grains cut at their ends',
  leaf: 'disk.vmdk',
  qemu: [],
  because: 'it leaves out extents of zeros and read-only ones, so that all that follows stands elsewhere',
  make(shop) {
    const sparse = {
      size: 3 * GRAIN - SECTOR,
      grains: new Map([
        [0, prose(3, GRAIN)],
        [2, prose(4, GRAIN)],
      ]),
    };
    const { image, grainAt } = buildHosted(sparse);
    const flat = prose(1, 64 * KIB);
    const last = prose(2, 8 * SECTOR);
    shop.put('a.dat', flat);
    shop.put('b.vmdk', image);
    shop.put('c.dat', last);
    shop.put(
      'disk.vmdk',
      descriptor({
        createType: 'custom',
        extents: [
          extentLine(32 * KIB, 'FLAT', 'a.dat', 16),
          extentLine(3 * SECTOR, 'ZERO'),
          extentLine(sparse.size, 'SPARSE', 'b.vmdk'),
          extentLine(4 * SECTOR, 'FLAT', 'c.dat', 4, 'RDONLY'),
        ],
      }),
    );
    const [zeros, at, end] = [32 * KIB, 32 * KIB + 3 * SECTOR, 32 * KIB + 3 * SECTOR + sparse.size];
    const disk = new SparseImage(end + 4 * SECTOR)
      .poke(0, flat.subarray(16 * SECTOR, 16 * SECTOR + 32 * KIB))
      .poke(at, vmdkDisk([sparse]).toBytes())
      .poke(end, last.subarray(4 * SECTOR));
    return {
      disk,
      map: handMap(disk.size, [
        [0, 32 * KIB, 'data', 0, 16 * SECTOR],
        [zeros, 3 * SECTOR, 'zero'],
        [at, GRAIN, 'data', 0, grainAt(0)],
        [at + 2 * GRAIN, GRAIN - SECTOR, 'data', 0, grainAt(2)],
        [end, 4 * SECTOR, 'data', 0, 4 * SECTOR],
      ]),
    };
  },
};

const namedInWindows: FormatRecipe = {
  name: 'windows-1252',
  branch: 'a descriptor in an encoding of Windows, lines ended as there, a name with letters beyond ASCII',
  leaf: 'disk.vmdk',
  qemu: [],
  because: 'it takes the bytes of a name as they are, whatever the encoding',
  make(shop) {
    const flat = prose(1, 64 * KIB);
    shop.put('grün.dat', flat);
    const text = descriptor({
      createType: 'monolithicFlat',
      extents: [extentLine(64 * KIB, 'FLAT', 'gr\xfcn.dat', 0)],
      more: ['encoding="windows-1252"'],
    });
    shop.put(
      'disk.vmdk',
      Uint8Array.from(text.replaceAll('\n', '\r\n'), (letter) => letter.charCodeAt(0)),
    );
    return { disk: new SparseImage(64 * KIB).poke(0, flat), map: handMap(64 * KIB, [[0, 64 * KIB, 'data', 0, 0]]) };
  },
};

const redundantDirectory: FormatRecipe = {
  name: 'redundant-directory',
  branch: 'the grain directory is said to be past the end of the file: the redundant one is used',
  leaf: 'disk.vmdk',
  qemu: [],
  because: 'it reads zeros past the end of the file, so that the disk is empty to it',
  make(shop) {
    const spec = { size: 3 * MIB, grains: new Map([[7, prose(1, GRAIN)]]) };
    const text = oneExtent('monolithicSparse', spec.size, 'SPARSE', 'disk.vmdk');
    const { image, grainAt } = buildHosted({ ...spec, descriptor: text });
    image.poke(56, [0, 0, 1, 0, 0, 0, 0, 0]);
    shop.put('disk.vmdk', image);
    return {
      disk: vmdkDisk([spec]),
      map: handMap(spec.size, [[7 * GRAIN, GRAIN, 'data', 0, grainAt(7)]]),
      findings: ['redundant-directory'],
    };
  },
};

const cutShort: FormatRecipe = {
  name: 'cut-short',
  branch: 'a file that ends before a grain of it: zeros are read there',
  leaf: 'disk.vmdk',
  qemu: ['content', 'map', 'info'],
  because: 'its check ends at the first fault and counts nothing',
  make(shop) {
    const spec = {
      size: 3 * MIB,
      grains: new Map([
        [0, prose(1, GRAIN)],
        [9, prose(2, GRAIN)],
        [4, prose(3, GRAIN)],
      ]),
      order: [0, 9, 4],
    };
    const text = oneExtent('monolithicSparse', spec.size, 'SPARSE', 'disk.vmdk');
    const { image, grainAt } = buildHosted({ ...spec, descriptor: text });
    image.truncate(grainAt(4) ?? 0);
    shop.put('disk.vmdk', image);
    return { findings: ['data-past-end'], problems: ['past-end'] };
  },
};

const cutTables: FormatRecipe = {
  name: 'tables-cut',
  branch: 'a directory that leads past the end of the file: what it maps there reads as empty',
  leaf: 'disk.vmdk',
  qemu: ['content', 'map', 'info'],
  because: 'its check does not look at tables',
  make(shop) {
    const spec = {
      size: 40 * MIB,
      grains: new Map([
        [0, prose(1, GRAIN)],
        [600, prose(2, GRAIN)],
      ]),
    };
    const text = oneExtent('monolithicSparse', spec.size, 'SPARSE', 'disk.vmdk');
    const { image, directoryAt } = buildHosted({ ...spec, descriptor: text, redundant: false });
    image.poke(directoryAt + 4, [0, 0, 1, 0]);
    shop.put('disk.vmdk', image);
    return { findings: ['tables-past-end'], problems: ['past-end'] };
  },
};

const damagedCopy: FormatRecipe = {
  name: 'copies-differ',
  branch: 'the redundant grain table says something else than the first',
  leaf: 'disk.vmdk',
  qemu: ['content', 'map', 'info'],
  because: 'its check does not look at copies',
  make(shop) {
    const spec = { size: 3 * MIB, grains: new Map([[7, prose(1, GRAIN)]]) };
    const text = oneExtent('monolithicSparse', spec.size, 'SPARSE', 'disk.vmdk');
    const { image, redundantAt = 0 } = buildHosted({ ...spec, descriptor: text });
    image.poke(redundantAt + SECTOR + 7 * 4, padded(new Uint8Array(), 4));
    shop.put('disk.vmdk', image);
    return { problems: ['copies-differ'] };
  },
};

const describedInside: FormatRecipe = {
  name: 'described-inside',
  branch: 'a sparse file without a disk of its own, whose descriptor names flat extents',
  leaf: 'disk.vmdk',
  make(shop) {
    shop.put('a.dat', prose(1, 64 * KIB));
    const text = oneExtent('monolithicFlat', 64 * KIB, 'FLAT', 'a.dat', 0);
    shop.put('disk.vmdk', buildHosted({ size: 0, grains: new Map(), descriptor: text }).image);
    return {};
  },
};

export const RECIPES: readonly FormatRecipe[] = [
  monolithicSparse,
  zeroedGrains,
  adapter,
  streamOptimized,
  streamFooter,
  streamBare,
  smallGrains,
  oddGrains,
  splitSparse,
  monolithicFlat,
  splitFlat,
  vmfs,
  vmfsSparse,
  esxDelta,
  seSparse,
  bareSeSparse,
  bareExtent,
  deltaChain,
  otherParent,
  mixedExtents,
  namedInWindows,
  redundantDirectory,
  cutShort,
  cutTables,
  damagedCopy,
  describedInside,
];
