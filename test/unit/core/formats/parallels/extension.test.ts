import assert from 'node:assert/strict';
import type { Codecs, Layer } from '../../../../../src/core';
import { guestOffset, openChain } from '../../../../../src/core';
import { noise } from '../../../../fixtures/build/index';
import type { ParallelsFeature, ParallelsSpec } from '../../../../fixtures/build/parallels';
import { buildParallels } from '../../../../fixtures/build/parallels';
import type { SparseImage } from '../../../../fixtures/build/sparse';
import { MemoryDisk } from '../../../../support/memory';

const ID = Uint8Array.from({ length: 16 }, (_, i) => i * 17);
/** 4 MiB and a bit to each sector: 8192 bits, 1024 bytes, two clusters of one sector. */
const BITMAP: ParallelsFeature = { kind: 'bitmap', id: ID, granularity: 1, table: [noise(1, 512), 1] };
const DISK: ParallelsSpec = { sectors: 8192, clusterSectors: 1, clusters: new Map([[2, noise(2, 512)]]) };
const unknownFeature = (flags: bigint): ParallelsFeature => ({
  kind: 'raw',
  magic: 0x1234n,
  flags,
  data: new Uint8Array(5),
});

function open(image: SparseImage, md5?: Codecs['md5']): Layer {
  const disk = new MemoryDisk().put('/disk.hds', image);
  const { environment } = disk;
  const codecs = { ...environment.codecs, ...(md5 && { md5 }) };
  const [leaf] = openChain({ ...environment, codecs }, disk.leaf('/disk.hds')).layers;
  assert(leaf);
  // Whatever the extension is, the disk is there.
  const [view] = leaf.layer.views;
  assert(view);
  const bytes = new Uint8Array(512);
  leaf.layer.read(view, guestOffset(1024), bytes);
  assert.deepEqual(bytes, noise(2, 512));
  return leaf.layer;
}

const codesOf = ({ findings }: Layer): readonly string[] => findings.map(({ code, severity }) => `${code} ${severity}`);
const built = (...features: readonly ParallelsFeature[]): SparseImage => buildParallels({ ...DISK, features }).image;

describe('the format extension of a Parallels image', () => {
  it('lists the dirty bitmaps', () => {
    const layer = open(built(BITMAP, { ...BITMAP, id: new Uint8Array(16), granularity: 128, table: [0] }));
    assert.deepEqual(
      layer.bitmaps.map(({ name, granularity, flags }) => ({ name, granularity, flags })),
      [
        { name: '00112233-4455-6677-8899-aabbccddeeff', granularity: 512, flags: [] },
        { name: '00000000-0000-0000-0000-000000000000', granularity: 65536, flags: [] },
      ],
    );
    assert.deepEqual(codesOf(layer), []);
  });

  it('is left out where its checksum is another', () => {
    const { image, layout } = buildParallels({ ...DISK, features: [BITMAP] });
    const layer = open(image.poke(layout.extension + 511, [1]));
    assert.deepEqual(codesOf(layer), ['extension-checksum error']);
    assert.deepEqual(layer.bitmaps, []);
  });

  it('is believed where the system has no MD5, and that is said', () => {
    const layer = open(built(BITMAP), () => undefined);
    assert.deepEqual(codesOf(layer), ['extension-unverified info']);
    assert.equal(layer.bitmaps.length, 1);
  });

  it('is left out where it does not begin as one, or is not there', () => {
    const { image, layout } = buildParallels({ ...DISK, features: [BITMAP] });
    assert.deepEqual(codesOf(open(image.poke(layout.extension, [0]))), ['extension-magic error']);
    for (const place of [[0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0x80], new Array<number>(8).fill(255)]) {
      assert.deepEqual(codesOf(open(image.poke(56, place))), ['extension-past-end error']);
    }
  });

  it('is not read where a cluster has more than 16 MiB', () => {
    const clusterSectors = 32769;
    const disk = { ...DISK, clusterSectors, clusters: new Map([[0, noise(2, 512)]]) };
    const { image } = buildParallels({ ...disk, features: [] });
    const memory = new MemoryDisk().put('/disk.hds', image);
    const [leaf] = openChain(memory.environment, memory.leaf('/disk.hds')).layers;
    assert(leaf);
    assert.deepEqual(codesOf(leaf.layer), ['extension-size error']);
    assert(memory.reads.every(({ length }) => length <= 4096 * 4));
  });

  it('says what is not known in it, and goes on', () => {
    const layer = open(built(unknownFeature(0n), unknownFeature(1n), BITMAP));
    assert.deepEqual(codesOf(layer), ['extension-feature warning', 'extension-feature warning']);
    assert.match(layer.findings[1]?.message ?? '', /0x0000000000001234 .* must be known to write/);
    assert.equal(layer.bitmaps.length, 1);
  });

  it('ends where its features do, or the cluster', () => {
    // 488 bytes of features, and no end.
    const filling: ParallelsFeature = { kind: 'raw', magic: 1n, flags: 0n, data: new Uint8Array(464) };
    assert.deepEqual(codesOf(open(built(filling))), ['extension-feature warning', 'extension-feature warning']);
  });

  it('ends where a feature is longer than the cluster', () => {
    const { image, layout } = buildParallels({ ...DISK, features: [unknownFeature(0n)] });
    // Its length, 16 bytes into the feature that begins 24 bytes into the cluster; the checksum is not looked at.
    const layer = open(image.poke(layout.extension + 24 + 16, [0xff, 0xff]), () => undefined);
    assert.deepEqual(codesOf(layer), ['extension-unverified info', 'extension-feature warning']);
    assert.match(layer.findings[1]?.message ?? '', /65535 bytes/);
  });

  const broken: readonly (readonly [string, ParallelsFeature, RegExp])[] = [
    ['of another disk', { ...BITMAP, sectors: 8191 }, /disk of 8191 sectors/],
    ['of no granularity', { ...BITMAP, granularity: 0 }, /power of two/],
    ['of a granularity that is no power of two', { ...BITMAP, granularity: 3 }, /power of two/],
    ['with too short a table', { ...BITMAP, table: [1] }, /1 entries, where 2/],
    [
      'with less than its own header',
      { kind: 'raw', magic: 0x20385fae252cb34an, flags: 0n, data: new Uint8Array(31) },
      /31 bytes/,
    ],
  ];
  for (const [what, feature, why] of broken) {
    it(`lists no bitmap ${what}`, () => {
      const layer = open(built(feature));
      assert.deepEqual(codesOf(layer), ['bitmap warning']);
      assert.match(layer.findings[0]?.message ?? '', why);
      assert.deepEqual(layer.bitmaps, []);
    });
  }

  it('lists no bitmap whose table is more than the feature has', () => {
    const data = new Uint8Array(40);
    const words = new DataView(data.buffer);
    words.setUint32(0, 8192, true);
    words.setUint32(24, 1, true);
    words.setUint32(28, 2, true);
    const layer = open(built({ kind: 'raw', magic: 0x20385fae252cb34an, flags: 0n, data }));
    assert.match(layer.findings[0]?.message ?? '', /2 entries is more than the feature holds/);
  });

  it('lists a bitmap of which clusters are gone, and says so', () => {
    const { image } = buildParallels({ ...DISK, features: [BITMAP] });
    // Its bits lie in the last cluster.
    const layer = open(image.truncate(image.size - 512));
    assert.deepEqual(codesOf(layer), ['bitmap warning']);
    assert.equal(layer.bitmaps.length, 1);
  });

  it('is gone through up to a limit', () => {
    const disk = {
      ...DISK,
      clusterSectors: 16,
      clusters: new Map([[0, new Uint8Array([...Array<number>(1024), ...noise(2, 512)])]]),
    };
    const { image } = buildParallels({ ...disk, features: Array.from({ length: 120 }, () => unknownFeature(0n)) });
    const { findings } = open(image);
    assert.equal(findings.length, 101);
    assert.match(findings.at(-1)?.message ?? '', /only the first 100/);
  });
});
