import assert from 'node:assert/strict';
import type { SparseImage } from '../../../../fixtures/build/index';
import { noise } from '../../../../fixtures/build/index';
import type { HostedSpec, VmdkGrain } from '../../../../fixtures/build/vmdk';
import { buildHosted, descriptor, extentLine, GRAIN, le32, le64, vmdkDisk } from '../../../../fixtures/build/vmdk';
import { bytesOf, findingsOf, kindsOf, kindsOfReadable, openOne, read, runsOf } from './open';

const MIB = 2 ** 20;
const SECTOR = 512;
const GRAINS = new Map<number, VmdkGrain>([
  [0, noise(1, GRAIN)],
  [1, 'zero'],
  [3, noise(2, GRAIN)],
  [15, noise(3, GRAIN)],
]);
const text = (size: number, more: readonly string[] = []): string =>
  descriptor({ createType: 'monolithicSparse', extents: [extentLine(size, 'SPARSE', 'a.vmdk')], more });
const SPEC: HostedSpec = { size: MIB, grains: GRAINS, descriptor: text(MIB) };
const build = (more: Partial<HostedSpec> = {}): ReturnType<typeof buildHosted> => buildHosted({ ...SPEC, ...more });
const broken = (at: number, bytes: Uint8Array | readonly number[], more: Partial<HostedSpec> = {}): SparseImage =>
  build(more).image.poke(at, bytes);
const ALL_ONES = new Uint8Array(8).fill(0xff);

describe('a hosted sparse extent', () => {
  it('has its grains where its tables say, zeros where they say so, and nothing elsewhere', () => {
    const { image, grainAt } = build();
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, GRAIN, 'd', grainAt(0)],
      [GRAIN, 2 * GRAIN, 'z', -1],
      [2 * GRAIN, 3 * GRAIN, '.', -1],
      [3 * GRAIN, 4 * GRAIN, 'd', grainAt(3)],
      [4 * GRAIN, 15 * GRAIN, '.', -1],
      [15 * GRAIN, 16 * GRAIN, 'd', grainAt(15)],
    ]);
    assert.deepEqual(bytesOf(layer), vmdkDisk([SPEC]).toBytes());
    assert.deepEqual(findingsOf(layer), []);
  });

  it('takes entry 1 for zeros only where its flags say so', () => {
    const { image } = build();
    image.poke(8, le32(3));
    assert.deepEqual(runsOf(openOne(image))[1], [GRAIN, 2 * GRAIN, 'd', SECTOR]);
  });

  it('may end inside of a grain', () => {
    const size = MIB - 3 * SECTOR;
    const layer = openOne(build({ size, descriptor: text(size) }).image);
    assert.equal(layer.layer.guestSize, size);
    assert.deepEqual(bytesOf(layer), vmdkDisk([{ ...SPEC, size }]).toBytes());
  });

  it('is compressed grain by grain, the last one as long as the disk', () => {
    const size = MIB - 3 * SECTOR;
    const grains = new Map([...GRAINS, [15, noise(3, GRAIN - 3 * SECTOR)] as const]);
    for (const compressed of ['markers', 'footer', 'bare'] as const) {
      const spec = {
        ...SPEC,
        size,
        grains: compressed === 'bare' ? new Map([[2, new Uint8Array(GRAIN).fill(7)]]) : grains,
      };
      const layer = openOne(build({ ...spec, compressed, descriptor: text(size) }).image);
      assert.deepEqual(bytesOf(layer), vmdkDisk([spec]).toBytes(), compressed);
      assert.deepEqual(findingsOf(layer), [], compressed);
      assert.deepEqual(read(layer, 2 * GRAIN + 100, 50), vmdkDisk([spec]).peek(2 * GRAIN + 100, 50));
    }
  });

  describe('is refused', () => {
    const cases: readonly (readonly [string, SparseImage | Uint8Array, string, RegExp])[] = [
      // iotest 059: granularity, grain table size and capacity, each as there
      ['with grains of 2^64 sectors', broken(20, ALL_ONES), 'limit', /grain size is 0xffffffffffffffff/],
      ['with tables of 2^32 entries', broken(44, le32(0xffffffff)), 'limit', /grain tables of 4294967295 entries/],
      [
        'with more tables than a directory leads to',
        broken(16, le32(0xffffffff)).poke(44, le32(1)),
        'limit',
        /capacity|grain tables/,
      ],
      [
        'with 2^25 + 1 tables',
        broken(12, le64(2n ** 32n + 128n)).poke(44, le32(1)),
        'limit',
        /takes 33554433 grain tables/,
      ],
      ['with grains of more than 1 GiB', broken(20, le64(0x200001n)), 'limit', /grains of 1073742336 bytes/],
      ['with grains of nothing', broken(20, le64(0n)), 'corrupt', /grains of 0 bytes/],
      ['with tables of no entries', broken(44, le32(0)), 'corrupt', /grain tables of 0 entries/],
      ['with a capacity past 2^53 bytes', broken(12, le64(2n ** 44n)), 'limit', /capacity is 17592186044416 sectors/],
      ['of version 0', broken(4, le32(0)), 'unsupported', /version 0/],
      ['of version 4', broken(4, le32(4)), 'unsupported', /version 4/],
      ['with another compression', broken(77, [2, 0]), 'unsupported', /compression method 2/],
      [
        'with compressed grains too large to unpack',
        broken(20, le64(32769n), { compressed: 'markers' }),
        'limit',
        /grains of 16777728 bytes/,
      ],
      ['that ends inside its header', build().image.toBytes().subarray(0, 78), 'short-read', /after 78 bytes/],
      ['without the footer that it names', broken(56, ALL_ONES), 'corrupt', /no footer is there/],
      [
        'with a footer that names another',
        (() => {
          const { image } = build({ compressed: 'footer' });
          return image.poke(image.size - 1024 + 56, ALL_ONES);
        })(),
        'corrupt',
        /no footer is there/,
      ],
    ];
    for (const [name, image, code, message] of cases) {
      it(name, () => {
        assert.throws(() => openOne(image), { name: 'DiskError', code, message });
      });
    }
  });

  describe('is read, with a finding,', () => {
    const noMarkers = build({ compressed: 'footer' }).image;
    const cases: readonly (readonly [string, SparseImage, string])[] = [
      ['when it was transferred as text', broken(74, [0x0d]), 'newlines error'],
      ['when it was not closed', broken(72, [1]), 'unclean warning'],
      ['when it has flags that nobody knows', broken(11, [0x80]), 'unknown-flags warning'],
      ['when its first grain would begin past the end', broken(64, le64(2n ** 30n)), 'truncated error'],
      ['when its footer stands alone', noMarkers.poke(noMarkers.size - 1536 + 12, le32(7)), 'footer-markers warning'],
      ['when its descriptor says another size', build({ descriptor: text(2 * MIB) }).image, 'extent-size warning'],
      [
        'when it has room for a descriptor, and none',
        build({ descriptor: new Uint8Array() }).image,
        'bare-extent warning',
      ],
    ];
    for (const [name, image, finding] of cases) {
      it(name, () => {
        const layer = openOne(image);
        assert.deepEqual(findingsOf(layer), [finding]);
        assert.equal(kindsOf(layer).length, 6);
      });
    }
  });

  it('whose flags say nothing of line ends need not have any', () => {
    assert.deepEqual(findingsOf(openOne(broken(8, le32(6)).poke(73, le32(0)))), []);
  });
});

describe('the grain directory', () => {
  const LONG = 40 * 2 ** 21;
  const long: HostedSpec = {
    size: LONG,
    grains: new Map([0, 513, 1279].map((grain) => [grain, noise(grain + 1, GRAIN)])),
    descriptor: text(LONG),
  };

  it("that can't be where it is said to be gives way to the redundant one", () => {
    for (const offset of [0n, 2n ** 20n, 2n ** 43n]) {
      const { image } = buildHosted(long);
      const layer = openOne(image.poke(56, le64(offset)));
      assert.deepEqual(findingsOf(layer), ['redundant-directory error'], String(offset));
      assert.deepEqual(read(layer, 513 * GRAIN, 100), noise(514, GRAIN).subarray(0, 100));
    }
  });

  it("that can't be read gives way to the redundant one", () => {
    const { image, directoryAt, grainAt } = buildHosted(long);
    // All behind the directory fails too: what the redundant one maps is asked for, not read.
    const layer = openOne({ bytes: image, failsFrom: directoryAt });
    assert.deepEqual(findingsOf(layer), ['redundant-directory error']);
    assert.match(layer.layer.findings[0]?.message ?? '', /can't be read .* the redundant one is used/);
    assert.deepEqual(
      runsOf(layer).filter(([, , kind]) => kind === 'd'),
      [0, 513, 1279].map((grain) => [grain * GRAIN, (grain + 1) * GRAIN, 'd', grainAt(grain)]),
    );
  });

  it('is unknown where neither can be read', () => {
    const { image, redundantAt = 0 } = buildHosted(long);
    const file = { bytes: image, failsFrom: redundantAt };
    assert.deepEqual(findingsOf(openOne(file)), ['grain-directory error']);
    assert.deepEqual(kindsOfReadable(file), [[0, LONG, 'u']]);
  });

  it('reads as empty where the file ends before it, and tells how much is lost', () => {
    const { image } = buildHosted({ ...long, redundant: false });
    const layer = openOne(image.poke(56, le64(2n ** 20n)));
    assert.deepEqual(findingsOf(layer), ['grain-directory error', 'tables-past-end error']);
    assert.deepEqual(
      layer.layer.findings.map(({ lost }) => lost),
      [undefined, LONG],
    );
    assert.deepEqual(kindsOf(layer), [[0, LONG, '.']]);
    const [view] = layer.layer.views;
    assert(view);
    assert.deepEqual([...(layer.layer.lostTables?.(view) ?? [])], [{ start: 0, end: LONG }]);
  });

  it('reads as empty where a table is past the end, or cut by it', () => {
    const { image, directoryAt } = buildHosted({ ...long, redundant: false });
    image.poke(directoryAt + 4, le32(0x7fffffff));
    image.poke(directoryAt + 8, le32(image.size / SECTOR - 1));
    const layer = openOne(image);
    assert.deepEqual(findingsOf(layer), ['tables-past-end error']);
    assert.equal(layer.layer.findings[0]?.lost, (512 + 128) * GRAIN);
    const [view] = layer.layer.views;
    assert(view);
    // The last sector of the file has 128 entries, noise of a grain.
    assert.deepEqual(
      [...(layer.layer.lostTables?.(view) ?? [])],
      [
        { start: 512 * GRAIN, end: 1024 * GRAIN },
        { start: (1024 + 128) * GRAIN, end: LONG },
      ],
    );
    assert.deepEqual(kindsOf(layer).slice(0, 2), [
      [0, GRAIN, 'd'],
      [GRAIN, 1024 * GRAIN, '.'],
    ]);
  });

  it('tells of tables in a row that are lost as of one part', () => {
    const { image, directoryAt } = buildHosted({ ...long, redundant: false });
    image.poke(directoryAt, le32(0x7fffffff)).poke(directoryAt + 4, le32(0x7ffffffe));
    const { layer } = openOne(image);
    assert.match(layer.findings[0]?.message ?? '', /the file ends before 2 grain tables/);
    const [view] = layer.views;
    assert(view);
    assert.deepEqual([...(layer.lostTables?.(view) ?? [])], [{ start: 0, end: 1024 * GRAIN }]);
  });

  it('is asked for anew by each look, which fails where it can not be read', () => {
    const { image, directoryAt } = buildHosted({ ...long, redundant: false });
    const layer = openOne({ bytes: image, failsFrom: directoryAt });
    assert.deepEqual(findingsOf(layer), ['grain-directory error']);
    assert.throws(() => read(layer, 0, 10), { name: 'DiskError', code: 'io' });
  });

  it('is not said to be damaged where the fault is ours', () => {
    const { image, directoryAt } = buildHosted(long);
    const faulty = {
      size: image.size,
      peek: (offset: number, length: number) => {
        if (offset + length > directoryAt) throw new TypeError('a fault of the program');
        return image.peek(offset, length);
      },
    };
    assert.throws(() => openOne({ bytes: faulty }), TypeError);
  });

  it('tells of one unreadable table no more than what that maps', () => {
    const { image, tableAt } = buildHosted({ ...long, redundant: false });
    assert.deepEqual(kindsOfReadable({ bytes: image, failsFrom: tableAt(1) }), [
      [0, GRAIN, 'd'],
      [GRAIN, 512 * GRAIN, '.'],
      [512 * GRAIN, LONG, 'u'],
    ]);
  });

  it('of more tables than the file has room for is believed up to there', () => {
    // All entries lead to the same table: so a file of some KiB can claim as many tables as it likes.
    const { image, tableAt } = buildHosted({ size: MIB, grains: GRAINS, redundant: false });
    const tables = 4096;
    const entries = new Uint8Array(tables * 4);
    for (let i = 0; i < tables; i += 1) entries.set(le32(tableAt(0) / SECTOR), i * 4);
    const at = image.size;
    const size = tables * 512 * SECTOR;
    image.poke(at, entries).poke(56, le64(BigInt(at / SECTOR)));
    image.poke(20, le64(1n)).poke(12, le64(BigInt(size / SECTOR)));
    const layer = openOne(image);
    assert(findingsOf(layer).includes('tables-exceed-file error'));
    const first = Math.floor(image.size / (512 * 4)) * 512 * SECTOR;
    assert.deepEqual(kindsOf(layer).at(-1), [first, size, 'u']);
  });
});

describe('a compressed grain', () => {
  const stream = (): ReturnType<typeof buildHosted> => build({ compressed: 'markers' });

  it('is refused where its marker says a length that it can not have', () => {
    for (const length of [0, 2 * GRAIN - 11, 0xffffffff]) {
      const { image, grainAt } = stream();
      const at = grainAt(3) ?? 0;
      const layer = openOne(image.poke(at + 8, le32(length)));
      assert.throws(() => read(layer, 3 * GRAIN, 10), { code: 'corrupt', offset: at + 8 }, String(length));
      assert.deepEqual(read(layer, 0, 10), noise(1, GRAIN).subarray(0, 10));
    }
  });

  it('is refused where its stream is broken, or another', () => {
    const { image, grainAt } = stream();
    const at = grainAt(3) ?? 0;
    const layer = openOne(image.poke(at + 12, [0, 0]));
    assert.throws(() => read(layer, 3 * GRAIN, GRAIN), { code: 'corrupt', message: /can't be decompressed \(zlib\)/ });
  });

  it('is refused where it holds less than the disk has there', () => {
    const grains = new Map([[3, noise(1, GRAIN - SECTOR)]]);
    const layer = openOne(build({ compressed: 'markers', grains }).image);
    assert.throws(() => read(layer, 3 * GRAIN, 10), { code: 'corrupt', message: /holds 65024 bytes instead of 65536/ });
  });

  it('can not begin past the end of the file', () => {
    const { image, tableAt } = stream();
    const layer = openOne(image.poke(tableAt(0) + 3 * 4, le32(0x00ffffff)));
    assert.deepEqual(kindsOf(layer)[3], [3 * GRAIN, 4 * GRAIN, 'i']);
  });
});
