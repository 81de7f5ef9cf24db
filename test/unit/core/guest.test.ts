import assert from 'node:assert/strict';
import type { Qcow2Spec } from '../../fixtures/build/index';
import {
  compressed,
  data,
  deflateFixed,
  guestBytes,
  noise,
  prose,
  subclusters,
  zero,
  zeroAllocated,
} from '../../fixtures/build/index';
import type { BuiltChain, ChainSpec } from '../../support/open';
import { openBuilt } from '../../support/open';

const CLUSTER = 4096;

/** What a guest reads of a whole disk, in pieces of an awkward size; gaps as they come. */
function readAll({ session, picture }: BuiltChain, piece = 1777): { bytes: Uint8Array; gaps: string[] } {
  const now = picture();
  const bytes = new Uint8Array(session.view.guestSize).fill(0xee);
  const gaps: string[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    const target = bytes.subarray(at, at + piece);
    for (const { start, end, why } of session.read(now, at, target)) gaps.push(`${at + start}-${at + end} ${why}`);
  }
  return { bytes, gaps };
}

/** What the spec says: built from the lowest layer up. */
function expected({ layers, base }: ChainSpec): Uint8Array {
  const raw = base instanceof Uint8Array ? base : new Uint8Array();
  return layers.reduceRight((below, spec) => guestBytes(spec, below), raw);
}

const mixed: Qcow2Spec = {
  size: 10 * CLUSTER + 1024,
  clusterBits: 12,
  clusters: new Map([
    [0, data(noise(1, CLUSTER))],
    [2, zero()],
    [3, zeroAllocated(noise(2, CLUSTER))],
    [4, compressed(prose(3, CLUSTER))],
    [5, compressed(prose(4, CLUSTER))],
    [10, data(noise(5, CLUSTER))],
  ]),
};

describe('reading as a guest', () => {
  const chains: Readonly<Record<string, ChainSpec>> = {
    'one image': { layers: [mixed] },
    'over a raw base': { layers: [mixed], base: noise(9, 12 * CLUSTER) },
    'over a raw base that ends in the middle of a sector': { layers: [mixed], base: noise(9, 8 * CLUSTER + 700) },
    'through layers of other sizes and clusters': {
      layers: [
        {
          size: 9 * CLUSTER,
          clusterBits: 9,
          clusters: new Map([
            [3, data(noise(11, 512))],
            [9, zero()],
          ]),
        },
        { size: 5 * CLUSTER, clusterBits: 13, clusters: new Map([[1, data(noise(12, 2 * CLUSTER))]]) },
        mixed,
      ],
      base: noise(9, 12 * CLUSTER),
    },
    'of subclusters': {
      layers: [
        {
          size: 65536,
          clusterBits: 14,
          extendedL2: true,
          clusters: new Map([
            [0, subclusters('d.z'.repeat(10) + 'dd', noise(20, 16384))],
            [2, compressed(prose(21, 16384))],
          ]),
        },
      ],
      base: noise(22, 65536),
    },
  };
  for (const [name, chain] of Object.entries(chains)) {
    it(`${name} gives the bytes that were written`, () => {
      const { bytes, gaps } = readAll(openBuilt(chain));
      assert.deepEqual(gaps, []);
      assert(Buffer.from(bytes).equals(Buffer.from(expected(chain))), 'other bytes');
    });
  }

  it('of an external data file reads there', () => {
    const spec = {
      size: 4 * CLUSTER,
      clusterBits: 12,
      dataFile: { name: 'data' },
      clusters: new Map([
        [0, data(noise(1, CLUSTER))],
        [2, data(noise(2, CLUSTER))],
      ]),
    };
    const chain = openBuilt({ layers: [spec] });
    const { bytes, gaps } = readAll(chain);
    assert.deepEqual(gaps, []);
    assert.deepEqual(bytes, guestBytes(spec));
    assert(chain.disk.readsOf('/data').length > 0);
  });

  it('leaves a gap, and says why, below a missing parent', () => {
    const spec = {
      size: 3 * CLUSTER,
      clusterBits: 12,
      clusters: new Map([[1, data(noise(1, CLUSTER))]]),
      backing: 'gone',
    };
    const { bytes, gaps } = readAll(openBuilt({ layers: [spec] }), 3 * CLUSTER);
    assert.deepEqual(gaps, ['0-4096 /gone is not opened: missing', '8192-12288 /gone is not opened: missing']);
    assert.deepEqual(bytes, guestBytes(spec), 'zeros in the gaps');
  });

  it('leaves a gap where content is encrypted, and reads the rest', () => {
    const spec = { size: 2 * CLUSTER, clusterBits: 12, clusters: new Map([[0, data(noise(1, CLUSTER))]]) };
    const { bytes, gaps } = readAll(
      openBuilt({ layers: [spec], base: noise(2, 2 * CLUSTER), damage: ([leaf]) => leaf?.image.pokeU32(32, 1) }),
      2 * CLUSTER,
    );
    assert.deepEqual(gaps, ['0-4096 the content is encrypted (aes)']);
    assert.deepEqual(bytes.subarray(CLUSTER), noise(2, 2 * CLUSTER).subarray(CLUSTER));
  });

  it('leaves a gap where a compressed cluster is damaged', () => {
    const broken = compressed(prose(3, CLUSTER));
    const spec = {
      size: 2 * CLUSTER,
      clusterBits: 12,
      clusters: new Map([
        [0, broken],
        [1, data(noise(1, CLUSTER))],
      ]),
    };
    const damage: ChainSpec['damage'] = ([leaf]) => {
      leaf?.image.poke(leaf.layout.places.get(broken)?.offset ?? 0, new Uint8Array(16).fill(0xff));
    };
    const { bytes, gaps } = readAll(openBuilt({ layers: [spec], damage }), 2 * CLUSTER);
    assert.equal(gaps.length, 1);
    assert.match(gaps[0] ?? '', /^0-4096 .*can't be decompressed \(zlib\)/);
    assert.deepEqual(bytes.subarray(CLUSTER), noise(1, CLUSTER));
  });

  it('leaves a gap where a compressed stream gives too few bytes', () => {
    const short = compressed(prose(3, CLUSTER), deflateFixed(prose(3, 512)));
    const spec = { size: CLUSTER, clusterBits: 12, clusters: new Map([[0, short]]) };
    const { gaps } = readAll(openBuilt({ layers: [spec] }), CLUSTER);
    assert.deepEqual(gaps, ['0-4096 the compressed cluster holds 512 bytes instead of 4096']);
  });

  it('leaves a gap where the table entry can not be true', () => {
    const spec = {
      size: 2 * CLUSTER,
      clusterBits: 12,
      clusters: new Map([
        [0, data(noise(1, CLUSTER))],
        [1, data(noise(2, CLUSTER))],
      ]),
    };
    const damage: ChainSpec['damage'] = ([leaf]) =>
      leaf?.image.pokeU64(leaf.layout.l2Entry(0) ?? 0, (1n << 63n) | 0x200n);
    const { gaps } = readAll(openBuilt({ layers: [spec], damage }), 2 * CLUSTER);
    assert.equal(gaps.length, 1);
    assert.match(gaps[0] ?? '', /^0-4096 the L2 entry for guest byte 0x0 can't be true/);
  });

  it('reads zeros where a cluster lies past the end of the file, as QEMU does', () => {
    const lost = data(noise(2, CLUSTER));
    const spec = {
      size: 2 * CLUSTER,
      clusterBits: 12,
      clusters: new Map([
        [0, data(noise(1, CLUSTER))],
        [1, lost],
      ]),
    };
    const damage: ChainSpec['damage'] = ([leaf]) =>
      leaf?.image.truncate((leaf.layout.places.get(lost)?.offset ?? 0) + 1000);
    const { bytes, gaps } = readAll(openBuilt({ layers: [spec], damage }), 2 * CLUSTER);
    assert.deepEqual(gaps, []);
    assert.deepEqual(bytes.subarray(CLUSTER, CLUSTER + 1000), noise(2, CLUSTER).subarray(0, 1000));
    assert.deepEqual(bytes.subarray(CLUSTER + 1000), new Uint8Array(CLUSTER - 1000));
  });

  it('past the end of the disk is refused', () => {
    const { session, picture } = openBuilt({ layers: [mixed] });
    const now = picture();
    assert.throws(() => session.read(now, mixed.size - 1, new Uint8Array(2)), { code: 'out-of-range' });
    assert.throws(() => session.read(now, -1, new Uint8Array(1)), { code: 'out-of-range' });
    assert.deepEqual(session.read(now, mixed.size, new Uint8Array()), []);
  });
});
