import assert from 'node:assert/strict';
import type { Comparison, Side } from '../../../src/core';
import { closeChain, compare, finish, openChain } from '../../../src/core';
import { currentView } from '../../../src/core/views';
import {
  buildQcow2,
  compressed,
  data,
  noise,
  prose,
  subclusters,
  zero,
  zeroAllocated,
} from '../../fixtures/build/index';
import { extentsOf, MemoryDisk } from '../../support/memory';

const CLUSTER = 65536;

/** A chain in memory, looked at as it is now or as one of its internal snapshots. */
function side(disk: MemoryDisk, name: string, view = '', format?: string): Side {
  const chain = openChain(disk.environment, disk.leaf(name), { format });
  const leaf = chain.layers[0] ?? assert.fail();
  return { chain, from: { depth: 0, view: leaf.layer.views.find(({ id }) => id === view) ?? currentView(leaf) } };
}

const pairs = ({ different }: Comparison): [number, number][] =>
  Array.from(different.start, (start, i) => [start, different.end[i] ?? NaN]);
const unknowns = ({ unknown }: Comparison): [number, number][] =>
  Array.from(unknown.start, (start, i) => [start, unknown.end[i] ?? NaN]);

function compared(a: Side, b: Side): Comparison {
  try {
    return finish(compare(a, b));
  } finally {
    closeChain(a.chain);
    closeChain(b.chain);
  }
}

/** The bytes, changed at some places. */
function changed(bytes: Uint8Array, ...places: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  for (const place of places) copy[place] = (copy[place] ?? 0) ^ 1;
  return copy;
}

describe('comparing two disks', () => {
  it('lists each sector that differs, joined where they touch, also across the pieces that are read', () => {
    const bytes = noise(1, 3 << 20);
    const other = changed(bytes, 0, 1023, 5000, (1 << 20) - 1, 1 << 20, (3 << 20) - 1);
    const disk = new MemoryDisk().put('/a', bytes).put('/b', other);
    const result = compared(side(disk, '/a', '', 'raw'), side(disk, '/b', '', 'raw'));
    const MIB = 1 << 20;
    assert.deepEqual(pairs(result), [
      [0, 1024],
      [4608, 5120],
      [MIB - 512, MIB + 512],
      [3 * MIB - 512, 3 * MIB],
    ]);
    assert.deepEqual([result.ranges, result.bytes, result.unknownBytes, result.skipped], [4, 3072, 0, 0]);
  });

  it('of different size: what the longer one has past the end must read as zero', () => {
    const bytes = noise(2, CLUSTER);
    const longer = new Uint8Array(3 * CLUSTER);
    longer.set(bytes);
    longer[2 * CLUSTER + 700] = 1;
    const disk = new MemoryDisk().put('/a', bytes).put('/b', longer);
    const result = compared(side(disk, '/a', '', 'raw'), side(disk, '/b', '', 'raw'));
    assert.deepEqual(pairs(result), [[2 * CLUSTER + 512, 2 * CLUSTER + 1024]]);
    disk.put('/b', changed(longer, 2 * CLUSTER + 700));
    assert.deepEqual(pairs(compared(side(disk, '/b', '', 'raw'), side(disk, '/a', '', 'raw'))), []);
  });

  it('reads nothing in the holes of a file, where QEMU would not look for any', () => {
    const size = 40 << 21;
    const clusters = new Map(Array.from({ length: 40 }, (_, i) => [i, data(noise(i, 512))] as const));
    const { image, layout, spec } = buildQcow2({ size, clusterBits: 21, clusters });
    // No count tells that anything is in use: QEMU then takes no data for unwritten.
    image.pokeU64(48, 0n).pokeU32(56, 0);
    const places = [...(spec.clusters ?? [])].map(([, cluster]) => layout.places.get(cluster)?.offset ?? NaN);
    const first = Math.min(...places);
    const extents = extentsOf(image.size, [[0, first + (2 << 20)]]);
    const holes = { bytes: image, extents, diskUsage: first + (2 << 20) };
    const disk = new MemoryDisk().put('/holes', holes).put('/empty', buildQcow2({ size, clusterBits: 21 }).image);
    const [a, b] = [side(disk, '/holes'), side(disk, '/empty')];
    disk.reads.length = 0;
    const result = compared(a, b);
    assert.deepEqual(pairs(result), [[0, 512]]);
    assert.equal(result.skipped, 39 << 21);
    const read = disk.readsOf('/holes').filter(({ position }) => position >= first);
    assert.equal(
      read.reduce((sum, { length }) => sum + length, 0),
      2 << 20,
    );
  });

  it('takes the last sector of a raw disk as filled up with zeros', () => {
    const disk = new MemoryDisk().put('/a', Uint8Array.of(1, 2, 3)).put('/b', Uint8Array.of(1, 2, 3, 0, 0));
    assert.equal(compared(side(disk, '/a', '', 'raw'), side(disk, '/b', '', 'raw')).ranges, 0);
    disk.put('/b', Uint8Array.of(1, 2, 3, 0, 9));
    assert.deepEqual(pairs(compared(side(disk, '/a', '', 'raw'), side(disk, '/b', '', 'raw'))), [[0, 512]]);
  });

  it('reads nothing where two overlays answer from one base, and only what they have themselves', () => {
    const size = 8 * CLUSTER;
    const own = noise(4, CLUSTER);
    const overlay = (cluster: number, bytes: Uint8Array): ReturnType<typeof buildQcow2>['image'] =>
      buildQcow2({ size, backing: 'base', backingFormat: 'raw', clusters: new Map([[cluster, data(bytes)]]) }).image;
    const base = noise(3, size);
    const disk = new MemoryDisk().put('/base', base).put('/a', overlay(2, own)).put('/b', overlay(2, own));
    const [a, b] = [side(disk, '/a'), side(disk, '/b')];
    disk.reads.length = 0;
    const result = compared(a, b);
    assert.equal(result.ranges, 0);
    assert.equal(result.skipped, 7 * CLUSTER);
    assert.deepEqual(disk.readsOf('/base'), []);
    // Against the base itself, one cluster has to be read of both.
    const [one, two] = [side(disk, '/a'), side(disk, '/base', '', 'raw')];
    disk.reads.length = 0;
    const against = compared(one, two);
    assert.deepEqual(pairs(against), [[2 * CLUSTER, 3 * CLUSTER]]);
    assert.deepEqual(
      disk.readsOf('/base').map(({ position, length }) => [position, length]),
      [[2 * CLUSTER, CLUSTER]],
    );
  });

  it('compares two snapshots of one image by where their clusters lie, compressed ones too', () => {
    const shared = data(noise(5, CLUSTER));
    const packed = compressed(prose(5, CLUSTER));
    const kept = [
      [0, shared],
      [1, packed],
    ] as const;
    const snapshots = [
      { id: '1', name: 'one', clusters: new Map([...kept, [3, data(noise(6, CLUSTER))]]) },
      { id: '2', name: 'two', clusters: new Map([...kept, [2, zero()], [3, data(noise(7, CLUSTER))]]) },
    ];
    const { image } = buildQcow2({ size: 5 * CLUSTER, snapshots, clusters: new Map(), unsharedTables: true });
    const disk = new MemoryDisk().put('/a', image);
    const [one, two] = [side(disk, '/a', '1'), side(disk, '/a', '2')];
    const result = compared(one, two);
    assert.deepEqual(pairs(result), [[3 * CLUSTER, 4 * CLUSTER]]);
    assert.equal(result.skipped, 4 * CLUSTER);
  });

  it('counts as zero what is nobody’s, zero and kept zero, and reads data against it without the other side', () => {
    const zeros = new Uint8Array(CLUSTER);
    const spec = { size: 4 * CLUSTER };
    const a = buildQcow2({
      ...spec,
      clusters: new Map([
        [0, zero()],
        [1, zeroAllocated(noise(1, CLUSTER))],
        [3, data(zeros)],
      ]),
    });
    const b = buildQcow2({ ...spec, clusters: new Map([[2, zero()]]) });
    const disk = new MemoryDisk().put('/a', a.image).put('/b', b.image);
    const result = compared(side(disk, '/a'), side(disk, '/b'));
    assert.deepEqual([result.ranges, result.unknownBytes, result.skipped], [0, 0, 3 * CLUSTER]);
  });

  it('compares subclusters, and holes of a raw disk', () => {
    const bytes = noise(8, 16384);
    const a = buildQcow2({
      size: 16384,
      clusterBits: 14,
      extendedL2: true,
      clusters: new Map([[0, subclusters(`dz${'d'.repeat(14)}${'.'.repeat(16)}`, bytes)]]),
    });
    const raw = new Uint8Array(16384);
    raw.set(bytes.subarray(0, 512));
    raw.set(bytes.subarray(1024, 8192), 1024);
    raw[9000] = 1;
    const extents = extentsOf(16384, [
      [0, 8192],
      [8704, 9216],
    ]);
    const disk = new MemoryDisk().put('/a', a.image).put('/b', { bytes: raw, extents });
    const result = compared(side(disk, '/a'), side(disk, '/b', '', 'raw'));
    assert.deepEqual(pairs(result), [[8704, 9216]]);
    assert.equal(result.skipped, 16384 - 8192 - 512);
  });

  describe('of which one was promised space that it never wrote', () => {
    const clusters = new Map([0, 1, 2, 3].map((i) => [i, data(i === 2 ? noise(1, CLUSTER) : new Uint8Array(CLUSTER))]));
    const { image, layout } = buildQcow2({ size: 4 * CLUSTER, clusters });
    const host = layout.places.get(clusters.get(0) ?? assert.fail())?.offset ?? assert.fail();
    const written = [host + 2 * CLUSTER + 4096, host + 3 * CLUSTER] as const;
    image.poke(host + 2 * CLUSTER, new Uint8Array(4096));
    const extents = extentsOf(image.size, [[0, host], written, [host + 4 * CLUSTER, image.size]]);
    const dataReads = (disk: MemoryDisk): [number, number][] =>
      disk
        .readsOf('/a')
        .flatMap(({ position, length }) =>
          position >= host && position < host + 4 * CLUSTER ? [[position - host, length]] : [],
        );

    it('reads nothing of it where the other one is zero too', () => {
      const other = buildQcow2({ size: 4 * CLUSTER, clusters: new Map() }).image;
      const disk = new MemoryDisk().put('/a', { bytes: image, extents, diskUsage: host }).put('/b', other);
      const result = compared(side(disk, '/a'), side(disk, '/b'));
      assert.deepEqual(pairs(result), [[2 * CLUSTER + 4096, 3 * CLUSTER]]);
      assert.equal(result.skipped, 3 * CLUSTER + 4096);
      assert.deepEqual(dataReads(disk), [[2 * CLUSTER + 4096, CLUSTER - 4096]]);
    });

    it('takes it for the zeros that it is where the other one has data', () => {
      const disk = new MemoryDisk().put('/a', { bytes: image, extents, diskUsage: host });
      const raw = image.peek(host, 4 * CLUSTER);
      disk.put('/b', changed(raw, CLUSTER + 5));
      assert.deepEqual(pairs(compared(side(disk, '/a'), side(disk, '/b', '', 'raw'))), [[CLUSTER, CLUSTER + 512]]);
    });
  });

  it('compares an external data file with itself by its places', () => {
    const clusters = new Map([
      [0, data(noise(1, CLUSTER))],
      [2, data(noise(2, CLUSTER))],
    ]);
    const { image, dataFile } = buildQcow2({ size: 3 * CLUSTER, clusters, dataFile: { name: 'data', raw: true } });
    const disk = new MemoryDisk().put('/a', image).put('/data', dataFile ?? assert.fail());
    const [a, b] = [side(disk, '/a'), side(disk, '/data', '', 'raw')];
    disk.reads.length = 0;
    const result = compared(a, b);
    assert.equal(result.ranges, 0);
    assert.equal(result.skipped, 2 * CLUSTER);
    assert.deepEqual(
      disk.readsOf('/data').map(({ position, length }) => [position, length]),
      [[CLUSTER, CLUSTER]],
    );
  });

  describe('where one can’t be read', () => {
    const clusters = new Map([[1, data(noise(1, CLUSTER))]]);
    const orphan = buildQcow2({ size: 3 * CLUSTER, clusters, backing: 'gone', backingFormat: 'raw' }).image;

    it('says so, and compares the rest', () => {
      const raw = new Uint8Array(3 * CLUSTER);
      const disk = new MemoryDisk().put('/a', orphan).put('/b', raw);
      const result = compared(side(disk, '/a'), side(disk, '/b', '', 'raw'));
      assert.deepEqual(unknowns(result), [
        [0, CLUSTER],
        [2 * CLUSTER, 3 * CLUSTER],
      ]);
      assert.deepEqual(pairs(result), [[CLUSTER, 2 * CLUSTER]]);
    });

    it('knows a disk to be the same as itself', () => {
      const disk = new MemoryDisk().put('/a', orphan);
      const result = compared(side(disk, '/a'), side(disk, '/a'));
      assert.deepEqual([result.ranges, result.unknownBytes, result.skipped], [0, 0, 3 * CLUSTER]);
    });

    it('leaves out one bad cluster of many', () => {
      const bytes = prose(3, 4096);
      const packed = [0, 1, 2].map(() => compressed(bytes));
      const broken = buildQcow2({
        size: 3 * 4096,
        clusterBits: 12,
        clusters: new Map(packed.map((each, i) => [i, each] as const)),
      });
      const bad = packed[1];
      broken.image.poke((bad && broken.layout.places.get(bad)?.offset) ?? 0, new Uint8Array(16).fill(0xff));
      const raw = new Uint8Array(3 * 4096);
      for (const i of [0, 1, 2]) raw.set(bytes, i * 4096);
      const disk = new MemoryDisk().put('/a', broken.image).put('/b', raw);
      const result = compared(side(disk, '/a'), side(disk, '/b', '', 'raw'));
      assert.deepEqual(unknowns(result), [[4096, 8192]]);
      assert.equal(result.ranges, 0);
    });

    it('never takes encrypted bytes for the same bytes read plainly', () => {
      const { image, layout } = buildQcow2({ size: CLUSTER, clusters: new Map([[0, data(noise(1, CLUSTER))]]) });
      image.pokeU32(32, 1);
      const disk = new MemoryDisk().put('/a', image);
      const result = compared(side(disk, '/a'), side(disk, '/a', '', 'raw'));
      assert.deepEqual(unknowns(result), [[0, CLUSTER]]);
      assert(layout.l1.offset > 0);
    });
  });
});
