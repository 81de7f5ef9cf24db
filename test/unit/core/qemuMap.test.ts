import assert from 'node:assert/strict';
import type { QemuMapEntry } from '../../../src/core';
import { Session } from '../../../src/core';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../../fixtures/build/index';
import { buildQcow2, data, subclusters, zero, zeroAllocated, compressed } from '../../fixtures/build/index';
import { mapEntries } from '../../support/map';
import { extentsOf, MemoryDisk } from '../../support/memory';
import type { ChainSpec } from '../../support/open';
import { openBuilt } from '../../support/open';

const CLUSTER = 65536;
const FULL = new Uint8Array(CLUSTER).fill(7);

/** An entry as one line: `start+length depth flags @offset`, P present, Z zero, D data, C compressed, ? unknown. */
function told({
  start,
  length,
  depth,
  present,
  zero: zeros,
  data: isData,
  compressed: packed,
  offset,
  unknown,
}: QemuMapEntry): string {
  const flags = `${present ? 'P' : ''}${zeros ? 'Z' : ''}${isData ? 'D' : ''}${packed ? 'C' : ''}${unknown ? '?' : ''}`;
  return `${start / CLUSTER}+${length / CLUSTER} ${depth} ${flags || '-'}${offset === undefined ? '' : ` @${offset}`}`;
}

function mapOf(spec: ChainSpec): { lines: string[]; place: (layer: number, cluster: number) => number } {
  const { session, built } = openBuilt(spec);
  const place = (layer: number, cluster: number): number => {
    const image = built[layer];
    const which = image?.spec.clusters?.get(cluster);
    return (which && image?.layout.places.get(which)?.offset) ?? NaN;
  };
  return { lines: mapEntries(session).map(told), place };
}

describe('the words of qemu-img map', () => {
  it('for each kind of cluster', () => {
    const clusters = new Map([
      [0, data(FULL)],
      [1, zero()],
      [2, zeroAllocated(FULL)],
      [3, compressed(FULL)],
      [5, data(FULL)],
    ]);
    const { lines, place } = mapOf({ layers: [{ size: 6 * CLUSTER, clusters }] });
    assert.deepEqual(lines, [
      `0+1 0 PD @${place(0, 0)}`,
      '1+1 0 PZ',
      `2+1 0 PZ @${place(0, 2)}`,
      '3+1 0 PDC',
      '4+1 0 Z',
      `5+1 0 PD @${place(0, 5)}`,
    ]);
  });

  it("for raw data and holes: both have a place, which is the guest's own offset", () => {
    const base = { bytes: new Uint8Array(4 * CLUSTER), extents: extentsOf(4 * CLUSTER, [[CLUSTER, 3 * CLUSTER]]) };
    const { lines } = mapOf({ layers: [{ size: 4 * CLUSTER }], base });
    assert.deepEqual(lines, ['0+1 1 PZ @0', `1+2 1 PD @${CLUSTER}`, `3+1 1 PZ @${3 * CLUSTER}`]);
  });

  it('for the last sector of a raw file that is no whole one', () => {
    const { lines } = mapOf({ layers: [{ size: CLUSTER }], base: new Uint8Array(1000) });
    assert.deepEqual(lines, [
      `0+${1000 / CLUSTER} 1 PD @0`,
      `${1000 / CLUSTER}+${24 / CLUSTER} 1 PZ @1000`,
      `${1024 / CLUSTER}+${(CLUSTER - 1024) / CLUSTER} 0 Z`,
    ]);
  });

  it('for what nobody has: the deepest layer that a read gets to, each a range of its own', () => {
    const layers = [
      { size: 6 * CLUSTER },
      { size: 4 * CLUSTER },
      { size: 2 * CLUSTER },
      { size: 6 * CLUSTER, clusters: new Map([[5, data(FULL)]]) },
    ];
    const { lines } = mapOf({ layers });
    assert.deepEqual(lines, ['0+2 3 Z', '2+2 1 Z', '4+2 0 Z']);
  });

  it('joins neighbours that go on in the file, and compressed ones always', () => {
    const clusters = new Map([
      [0, data(FULL)],
      [1, data(FULL)],
      [2, compressed(FULL)],
      [3, compressed(FULL)],
      [4, zero()],
      [5, zero()],
    ]);
    const { lines, place } = mapOf({ layers: [{ size: 6 * CLUSTER, clusters }] });
    assert.equal(place(0, 1), place(0, 0) + CLUSTER, 'the builder puts them one after the other');
    assert.deepEqual(lines, [`0+2 0 PD @${place(0, 0)}`, '2+2 0 PDC', '4+2 0 PZ']);
  });

  it('parts neighbours of one layer that lie elsewhere in its file', () => {
    const clusters = new Map([
      [0, data(FULL)],
      [1, data(FULL)],
    ]);
    const { lines, place } = mapOf({ layers: [{ size: 2 * CLUSTER, clusters, placement: 'descending' }] });
    assert.deepEqual(lines, [`0+1 0 PD @${place(0, 0)}`, `1+1 0 PD @${place(0, 1)}`]);
    assert(place(0, 0) > place(0, 1));
  });

  it('for unused parts of an allocated cluster: they keep their place where nothing is below', () => {
    const cluster = subclusters(`${'d'.repeat(16)}${'.'.repeat(8)}${'z'.repeat(8)}`, FULL);
    const spec = { size: CLUSTER, extendedL2: true, clusters: new Map([[0, cluster]]) };
    const alone = mapOf({ layers: [spec] });
    const host = alone.place(0, 0);
    assert.deepEqual(alone.lines, [
      `0+0.5 0 PD @${host}`,
      `0.5+0.25 0 Z @${host + CLUSTER / 2}`,
      `0.75+0.25 0 PZ @${host + (CLUSTER / 4) * 3}`,
    ]);
    const over = mapOf({ layers: [spec], base: new Uint8Array(CLUSTER) });
    const above = over.place(0, 0);
    assert.deepEqual(over.lines, [
      `0+0.5 0 PD @${above}`,
      `0.5+0.25 1 PD @${CLUSTER / 2}`,
      `0.75+0.25 0 PZ @${above + (CLUSTER / 4) * 3}`,
    ]);
  });

  it('for a missing parent: unknown, and neither zero nor data', () => {
    const spec = { size: 3 * CLUSTER, clusters: new Map([[1, data(FULL)]]), backing: 'gone', backingFormat: 'raw' };
    const { lines, place } = mapOf({ layers: [spec] });
    assert.deepEqual(lines, ['0+1 0 ?', `1+1 0 PD @${place(0, 1)}`, '2+1 0 ?']);
  });

  it('for a disk of no bytes: one entry of no length', () => {
    const { session } = openBuilt({ layers: [{ size: 0 }] });
    assert.deepEqual(mapEntries(session), [
      { start: 0, length: 0, depth: 0, present: false, zero: false, data: false, compressed: false },
    ]);
  });

  it('tells no place of encrypted content', () => {
    const clusters = new Map([
      [0, data(FULL)],
      [1, zeroAllocated()],
      [2, zero()],
    ]);
    const { lines } = mapOf({
      layers: [{ size: 3 * CLUSTER, clusters }],
      damage: ([leaf]) => leaf?.image.pokeU32(32, 1),
    });
    assert.deepEqual(lines, ['0+1 0 PD', '1+2 0 PZ']);
  });

  describe('for space that was promised and never written', () => {
    const promised = (
      spec: Partial<Qcow2Spec> = {},
    ): { built: BuiltQcow2; host: number; lines: (file: object) => string[] } => {
      const clusters = new Map<number, Cluster>([0, 1, 2, 3].map((i) => [i, data(FULL)]));
      const built = buildQcow2({ size: 5 * CLUSTER, clusters: new Map([...clusters, [4, zeroAllocated()]]), ...spec });
      const host = built.layout.places.get(clusters.get(0) ?? zero())?.offset ?? NaN;
      const lines = (file: object): string[] => {
        const disk = new MemoryDisk().put('/leaf', { bytes: built.image, ...file });
        const session = new Session(disk.environment, disk.leaf('/leaf'));
        return mapEntries(session).map(told);
      };
      return { built, host, lines };
    };

    it('data that lies in a hole of its file is zero as well, to the byte', () => {
      const { built, host, lines } = promised();
      const { size } = built.image;
      const written = host + CLUSTER + 4096;
      const extents = extentsOf(size, [
        [0, host + 4096],
        [host + CLUSTER, written],
      ]);
      const kept = host + 4 * CLUSTER;
      assert.deepEqual(lines({ extents, diskUsage: CLUSTER }), [
        `0+0.0625 0 PD @${host}`,
        `0.0625+0.9375 0 PZD @${host + 4096}`,
        `1+0.0625 0 PD @${host + CLUSTER}`,
        `1.0625+2.9375 0 PZD @${written}`,
        `4+1 0 PZ @${kept}`,
      ]);
    });

    it('is not looked for where the file has all the space that it uses', () => {
      const { built, host, lines } = promised();
      const extents = extentsOf(built.image.size, [[0, host]]);
      assert.deepEqual(lines({ extents, diskUsage: built.image.size }), [
        `0+4 0 PD @${host}`,
        `4+1 0 PZ @${host + 4 * CLUSTER}`,
      ]);
      assert.deepEqual(lines({ extents }), [`0+4 0 PD @${host}`, `4+1 0 PZ @${host + 4 * CLUSTER}`]);
    });
  });

  it('counts depth from the layer that is looked at', () => {
    const { session } = openBuilt({ layers: [{ size: CLUSTER }, { size: CLUSTER }], base: new Uint8Array(CLUSTER) });
    session.stand({ depth: 1, view: '' });
    assert.deepEqual(mapEntries(session).map(told), ['0+1 1 PD @0']);
  });
});
