import assert from 'node:assert/strict';
import type { Side } from '../../../../src/core';
import { DiskError, Session } from '../../../../src/core';
import { guestChunks } from '../../../../src/core/convert/guestChunks';
import { CHUNK } from '../../../../src/core/convert/imageWriter';
import type { Qcow2Spec } from '../../../fixtures/build/index';
import {
  buildQcow2,
  compressed,
  data,
  guestBytes,
  noise,
  prose,
  subclusters,
  zero,
} from '../../../fixtures/build/index';
import type { BuiltChain, ChainSpec } from '../../../support/open';
import { extentsOf, MemoryDisk } from '../../../support/memory';
import { openBuilt } from '../../../support/open';

const CLUSTER = 65536;

const diskOf = ({ session }: BuiltChain, depth = 0): Side => {
  const view = session.chain.layers[depth]?.layer.views[0] ?? assert.fail('no such layer');
  return { chain: session.chain, from: { depth, view } };
};

interface Read {
  readonly bytes: Uint8Array;
  /** Ranges of the disk that chunks told to be other than zero, perhaps. */
  readonly told: (readonly [number, number])[];
}

function readAll(disk: Side): Read {
  const bytes = new Uint8Array(disk.from.view.guestSize);
  const told: (readonly [number, number])[] = [];
  for (const chunk of guestChunks(disk)) {
    if (!chunk) continue;
    bytes.set(chunk.bytes, chunk.offset);
    assert.equal(chunk.bytes.length, Math.min(CHUNK, bytes.length - chunk.offset));
    told.push([chunk.offset + chunk.start, chunk.offset + chunk.end]);
  }
  return { bytes, told };
}

function failure(disk: Side): DiskError {
  try {
    readAll(disk);
  } catch (error) {
    assert(error instanceof DiskError, String(error));
    return error;
  }
  return assert.fail('all of it was read');
}

describe('the disk in chunks', () => {
  const size = 2 * CHUNK + 3 * CLUSTER + 512;
  const layers: readonly Qcow2Spec[] = [
    {
      size,
      extendedL2: true,
      clusters: new Map([
        [1, subclusters('d.z.'.repeat(8), noise(1, CLUSTER))],
        [2, zero()],
        [31, data(noise(2, CLUSTER))],
        [32, compressed(prose(2, CLUSTER))],
      ]),
    },
    {
      size: size - CLUSTER,
      clusterBits: 12,
      clusters: new Map(Array.from({ length: 90 }, (_, i) => [i * 3, data(noise(i, 4096))] as const)),
    },
  ];
  const chains: Readonly<Record<string, ChainSpec>> = {
    'of one layer': { layers: layers.slice(0, 1) },
    'of two layers': { layers },
    'over a raw base': { layers, base: noise(7, CHUNK + 700) },
  };
  for (const [name, spec] of Object.entries(chains)) {
    it(`is what the guest reads: ${name}`, () => {
      const base = spec.base instanceof Uint8Array ? spec.base : new Uint8Array();
      const expected = spec.layers.reduceRight((below, layer) => guestBytes(layer, below), base);
      const { bytes, told } = readAll(diskOf(openBuilt(spec)));
      assert.deepEqual(Buffer.compare(bytes, expected), 0);
      for (let at = 0; at < size; at += 512) {
        const inside = told.some(([start, end]) => start <= at && at < end);
        assert(inside || expected.subarray(at, at + 512).every((byte) => byte === 0), `${at} is not told of`);
      }
    });
  }

  it('is read from any layer', () => {
    const built = openBuilt({ layers });
    assert.equal(Buffer.compare(readAll(diskOf(built, 1)).bytes, guestBytes(layers[1] ?? assert.fail())), 0);
  });

  it('reads what lies together at once, and nothing of what is zero', () => {
    const clusters = new Map(Array.from({ length: 48 }, (_, i) => [i, data(noise(i, CLUSTER))] as const));
    clusters.set(32 * 1000, data(noise(99, CLUSTER)));
    const built = openBuilt({ layers: [{ size: 2 ** 31, clusters }] });
    const disk = diskOf(built);
    readAll(disk);
    const large = built.disk.reads.filter(({ length }) => length > CLUSTER);
    assert.deepEqual(
      large.map(({ length }) => length),
      [CHUNK, 16 * CLUSTER],
    );
    const bytesRead = built.disk.reads.reduce((sum, { length }) => sum + length, 0);
    assert(bytesRead < 49 * CLUSTER + 6 * CLUSTER, `${bytesRead} bytes are more than the data and the tables`);
  });

  it('reads no table again to read the data that it tells of', () => {
    // Of every second cluster: no two lie together on the disk.
    const clusters = new Map(Array.from({ length: 40 }, (_, i) => [i * 2, data(noise(i, CLUSTER))] as const));
    const built = openBuilt({ layers: [{ size: 80 * CLUSTER, clusters }] });
    const before = built.disk.reads.length;
    readAll(diskOf(built));
    const [layer] = built.built;
    const first = layer?.layout.places.get(clusters.get(0) ?? assert.fail())?.offset ?? assert.fail();
    const reads = built.disk.reads.slice(before);
    assert.equal(reads.filter(({ position }) => position >= first).length, 40, 'each cluster is one read');
    assert(reads.length <= 40 + 3, `${reads.length} reads are more than the data, an L1 table and an L2 table`);
  });

  it('reads nothing of space that was promised and never written', () => {
    const clusters = new Map([0, 1, 2, 3].map((i) => [i, data(noise(i, CLUSTER))] as const));
    const { image, layout } = buildQcow2({ size: 4 * CLUSTER, clusters });
    const host = layout.places.get(clusters.get(0) ?? assert.fail())?.offset ?? assert.fail();
    const expected = noise(1, CLUSTER).subarray(0, 8192);
    image.poke(host, new Uint8Array(4 * CLUSTER)).poke(host + CLUSTER, expected);
    const extents = extentsOf(image.size, [
      [0, host],
      [host + CLUSTER, host + CLUSTER + 8192],
      [host + 4 * CLUSTER, image.size],
    ]);
    const disk = new MemoryDisk().put('/a', { bytes: image, extents, diskUsage: host });
    const session = new Session(disk.environment, disk.leaf('/a'));
    const { bytes, told } = readAll(session);
    assert.deepEqual(told, [[CLUSTER, 2 * CLUSTER]]);
    assert.equal(Buffer.compare(bytes, image.peek(host, 4 * CLUSTER)), 0);
    const dataReads = disk.reads.filter(({ position }) => position >= host && position < host + 4 * CLUSTER);
    assert.deepEqual(
      dataReads.map(({ position, length }) => [position - host, length]),
      [[CLUSTER, 8192]],
    );
  });

  it('tells the first byte that lies below a missing parent, and what is missing', () => {
    const built = openBuilt({
      layers: [
        { size: 4 * CLUSTER, backing: 'gone', backingFormat: 'raw', clusters: new Map([[0, data(noise(1, CLUSTER))]]) },
      ],
    });
    const { message, file, advice } = failure(diskOf(built));
    assert.match(message, /^guest byte 65536 can't be read: .*gone/);
    assert.equal(file, '/0');
    assert.match(advice ?? '', /vmdisk map/);
  });

  it('tells the first byte of a broken entry among good ones, the file and where in it', () => {
    const clusters = new Map(Array.from({ length: 8 }, (_, i) => [i, data(noise(i, CLUSTER))] as const));
    const built = openBuilt({
      layers: [{ size: 8 * CLUSTER }, { size: 8 * CLUSTER, clusters }],
      damage: ([, { image, layout } = assert.fail()]) => {
        image.pokeU64(layout.l2Entry(5) ?? 0, 0x8000_0000_0000_1200n);
      },
    });
    const { code, message, file, offset } = failure(diskOf(built));
    assert.equal(code, 'corrupt');
    assert.match(message, /^guest byte 327680 can't be read: the L2 entry/);
    assert.deepEqual([file, offset], ['/1', built.built[1]?.layout.l2Entry(5)]);
  });

  it('tells the first byte of a compressed cluster that is broken', () => {
    const clusters = new Map([0, 1, 2].map((i) => [i, compressed(prose(i, CLUSTER))] as const));
    clusters.set(1, compressed(prose(1, CLUSTER), new Uint8Array(300).fill(0xff)));
    const built = openBuilt({ layers: [{ size: 3 * CLUSTER, clusters }] });
    assert.match(failure(diskOf(built)).message, /^guest byte 65536 can't be read: the compressed cluster/);
  });

  it('tells the first byte that the host can’t read', () => {
    const built = openBuilt({
      layers: [{ size: 4 * CLUSTER }],
      base: { bytes: noise(1, 4 * CLUSTER), failsFrom: 100_000 },
    });
    const { code, message, file } = failure(diskOf(built));
    assert.deepEqual([code, file], ['io', '/base']);
    assert.match(message, /^guest byte 100000 can't be read/);
  });

  it('never gives zeros, or anything, for what is encrypted', () => {
    const built = openBuilt({
      layers: [{ size: 4 * CLUSTER, clusters: new Map([[1, data(noise(1, CLUSTER))]]) }],
      damage: ([{ image } = assert.fail()]) => {
        image.poke(32, Uint8Array.of(0, 0, 0, 1));
      },
    });
    const { code, message } = failure(diskOf(built));
    assert.equal(code, 'encrypted');
    assert.match(message, /^guest byte 65536 can't be read: .*encrypted/);
  });
});
