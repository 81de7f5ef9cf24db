import assert from 'node:assert/strict';
import type { ChainLayer } from '../../../../../src/core';
import { guestOffset, openChain } from '../../../../../src/core';
import { walkLayer } from '../../../../../src/core/walk';
import { noise } from '../../../../fixtures/build/index';
import { buildVdi, vdiDisk } from '../../../../fixtures/build/vdi';
import type { VdiBlock, VdiSpec } from '../../../../fixtures/build/vdi';
import { extentsOf, MemoryDisk } from '../../../../support/memory';
import { joined, told } from '../../../../support/runs';
import { findingsOf, openOne } from './open';

const MIB = 2 ** 20;
const KIB4 = 4096;

function runsOf(of: ChainLayer): unknown {
  const [view] = of.layer.views;
  assert(view);
  return told(joined(walkLayer(of, view)));
}

/** What the layer holds, read as a whole. */
function bytesOf({ layer }: ChainLayer): Uint8Array {
  const [view] = layer.views;
  assert(view);
  const target = new Uint8Array(layer.guestSize).fill(0x55);
  layer.read(view, guestOffset(0), target);
  return target;
}

const u32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

/** Small blocks, so that whole disks can be compared. */
const SMALL: VdiSpec = {
  size: 7 * KIB4,
  blockSize: KIB4,
  blocks: new Map<number, VdiBlock>([
    [1, noise(1, KIB4)],
    [2, noise(2, KIB4)],
    [3, 'discarded'],
    [5, noise(5, KIB4)],
    [6, noise(6, KIB4)],
  ]),
  order: [5, 1, 2, 6],
};

describe('a VDI', () => {
  it('is data where its map names a block of the file, zeros elsewhere', () => {
    const { image, dataAt } = buildVdi(SMALL);
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, KIB4, 'z', -1],
      [KIB4, 3 * KIB4, 'd', dataAt(1)],
      [3 * KIB4, 5 * KIB4, 'z', -1],
      [5 * KIB4, 6 * KIB4, 'd', dataAt(5)],
      [6 * KIB4, 7 * KIB4, 'd', dataAt(6)],
    ]);
    assert.equal(dataAt(5), 1024);
    assert.equal(dataAt(1), 1024 + KIB4);
    assert.deepEqual(bytesOf(layer), vdiDisk([SMALL]).toBytes());
    assert.deepEqual(findingsOf(layer), []);
  });

  it('tells what it is, in its own words and in those of qemu-img', () => {
    const { layer } = openOne(buildVdi({ ...SMALL, blockExtra: 512, comment: 'a comment' }).image);
    assert.deepEqual(layer.info, { 'cluster-size': KIB4, 'dirty-flag': false });
    const facts = Object.fromEntries(layer.facts.map(({ label, value }) => [label, value]));
    assert.deepEqual(
      [facts['Type'], facts['Made by'], facts['Comment'], facts['Extra bytes of each block']],
      ['dynamic', 'Oracle VM VirtualBox Disk Image', 'a comment', 512],
    );
    assert.deepEqual([layer.grain, layer.parent, layer.readable], [KIB4, undefined, true]);
  });

  it('has its blocks behind what VirtualBox keeps of its own for each', () => {
    const { image, dataAt } = buildVdi({ ...SMALL, blockExtra: 512 });
    assert.equal(dataAt(1), 1024 + (KIB4 + 512) + 512);
    const layer = openOne(image);
    assert.deepEqual(bytesOf(layer), vdiDisk([SMALL]).toBytes());
    assert.deepEqual((runsOf(layer) as unknown[])[1], [KIB4, 2 * KIB4, 'd', dataAt(1)], 'no two blocks touch');
  });

  it('has its map and its data wherever it says, aligned or not', () => {
    for (const places of [
      { mapOffset: 473, dataOffset: 473 + 28 },
      { mapOffset: 4 * MIB, dataOffset: 5 * MIB },
    ]) {
      const spec = { ...SMALL, ...places };
      assert.deepEqual(bytesOf(openOne(buildVdi(spec).image)), vdiDisk([spec]).toBytes());
    }
  });

  it('of the oldest kind reads the same', () => {
    const spec: VdiSpec = { ...SMALL, version: 'first' };
    assert.deepEqual(bytesOf(openOne(buildVdi(spec).image)), vdiDisk([spec]).toBytes());
  });

  it('may have blocks of any power of two, and a disk that ends inside the last one', () => {
    for (const [blockSize, size] of [
      [512, 1536],
      [KIB4, 3 * KIB4 - 512],
      [2 * MIB, 5 * MIB],
    ] as const) {
      const last = Math.ceil(size / blockSize) - 1;
      const spec: VdiSpec = { size, blockSize, blocks: new Map([[last, noise(9, blockSize)]]) };
      const built = buildVdi(spec);
      const layer = openOne(built.image);
      assert.deepEqual(runsOf(layer), [
        [0, last * blockSize, 'z', -1],
        [last * blockSize, size, 'd', built.dataAt(last)],
      ]);
      assert.deepEqual(bytesOf(layer), vdiDisk([spec]).toBytes());
    }
  });

  it('has no more blocks than its disk, though its map may be longer', () => {
    const { image } = buildVdi({ ...SMALL, dataOffset: KIB4 });
    image.poke(384, u32(100));
    assert.deepEqual(bytesOf(openOne(image)), vdiDisk([SMALL]).toBytes());
  });

  it('names the entry that it found a block by', () => {
    const { image, entryAt, dataAt } = buildVdi(SMALL);
    const { layer } = openOne(image);
    const [view] = layer.views;
    assert(view);
    const trace = (block: number): ReturnType<typeof layer.trace> => layer.trace(view, guestOffset(block * KIB4 + 100));
    assert.deepEqual(trace(1), {
      kind: 1,
      lookups: [{ table: 'Block map', index: 1, entryOffset: entryAt(1), entry: '0x00000001', flags: [] }],
      hostOffset: (dataAt(1) ?? 0) + 100,
      holder: undefined,
      unitStart: KIB4,
      unitEnd: 2 * KIB4,
      compressedLength: undefined,
      write: { effect: 'in-place', bytes: 0 },
    });
    assert.deepEqual(
      [trace(3).lookups[0]?.flags, trace(3).lookups[0]?.entry, trace(3).write.effect],
      [['discarded'], '0xfffffffe', 'allocate'],
    );
    assert.deepEqual([trace(0).lookups[0]?.flags, trace(0).write.effect], [['unallocated'], 'allocate']);
  });

  it('reads zeros where the file ends before its data, and tells so', () => {
    const { image, dataAt } = buildVdi(SMALL);
    const end = (dataAt(2) ?? 0) + 100;
    const layer = openOne(image.truncate(end));
    const bytes = bytesOf(layer);
    const [view] = layer.layer.views;
    assert(view);
    const expected = vdiDisk([SMALL])
      .poke(2 * KIB4 + 100, new Uint8Array(KIB4 - 100))
      .poke(6 * KIB4, new Uint8Array(KIB4));
    assert.deepEqual(bytes, expected.toBytes());
    assert.deepEqual(
      layer.layer.firstPastEnd?.(view, { start: 6 * KIB4, end: 7 * KIB4, kind: 1, host: dataAt(6) ?? -1 }),
      6 * KIB4,
    );
  });

  it('is not known where the file ends before its map', () => {
    const { image, entryAt } = buildVdi({ ...SMALL, dataOffset: KIB4 });
    const layer = openOne(image.truncate(entryAt(2)));
    assert.deepEqual(runsOf(layer), [
      [0, KIB4, 'z', -1],
      [KIB4, 2 * KIB4, 'd', KIB4 * 2],
      [2 * KIB4, 7 * KIB4, 'u', -1],
    ]);
    assert.deepEqual(findingsOf(layer), ['map-past-end error']);
    const [view] = layer.layer.views;
    assert(view);
    assert.deepEqual(layer.layer.trace(view, guestOffset(3 * KIB4)).lookups, []);
  });

  it('takes no entry for a place that no file could have', () => {
    const spec: VdiSpec = { size: 2 ** 32, blockSize: 2 ** 31 };
    const { image, entryAt } = buildVdi(spec);
    image.poke(entryAt(0), u32(0xfffffffd)).poke(entryAt(1), u32(1000));
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, 2 ** 31, 'i', -1],
      [2 ** 31, 2 ** 32, 'd', 1024 + 1000 * 2 ** 31],
    ]);
  });

  it('of the largest size is told at once where its map is not there', () => {
    const { image, entryAt } = buildVdi({ size: MIB });
    image.poke(384, u32(0x1fffff80)).poke(368, [0, 0, 0, 0xf8, 0xff, 0xff, 1, 0]).truncate(entryAt(1));
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, MIB, 'z', -1],
      [MIB, 0x1fffff80 * MIB, 'u', -1],
    ]);
  });

  it('that is static has unwritten space where its file has holes; another has none', () => {
    const holesOf = (type: number): unknown => {
      const bytes = buildVdi({ ...SMALL, type }).image.toBytes();
      const disk = new MemoryDisk().put('/a.vdi', { bytes, extents: extentsOf(bytes.length, [[0, 2048]]) });
      const [leaf] = openChain(disk.environment, disk.leaf('/a.vdi')).layers;
      return leaf?.layer.unwritten?.()?.bounds.length;
    };
    assert.deepEqual([1, 2, 3].map(holesOf), [undefined, 3, undefined]);
  });

  it('of no bytes has nothing to tell', () => {
    assert.equal(openOne(buildVdi({ size: 0 }).image).layer.guestSize, 0);
  });
});
