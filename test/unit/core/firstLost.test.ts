import assert from 'node:assert/strict';
import { finish, firstLost } from '../../../src/core';
import type { Cluster, Qcow2Spec } from '../../fixtures/build/index';
import { buildQcow2, compressed, data, noise, prose, zero } from '../../fixtures/build/index';
import type { ChainSpec } from '../../support/open';
import { openBuilt } from '../../support/open';

const CLUSTER = 4096;
/** What one L2 table maps. */
const SPAN = 512 * CLUSTER;

const lostOf = (spec: ChainSpec): unknown => finish(firstLost(openBuilt(spec).session));
const at = (...places: readonly number[]): ReadonlyMap<number, Cluster> =>
  new Map(places.map((i) => [i, data(noise(i, 8))] as const));
const disk = (clusters: ReadonlyMap<number, Cluster>, more: Partial<Qcow2Spec> = {}): Qcow2Spec => ({
  size: 4 * SPAN,
  clusterBits: 12,
  clusters,
  ...more,
});
const full = (first: number, count: number): ReadonlyMap<number, Cluster> =>
  at(...Array.from({ length: count }, (_, i) => first + i));

describe('the first byte that is lost of a disk', () => {
  it('is none of a disk that is whole', () => {
    assert.equal(lostOf({ layers: [disk(at(0)), disk(at(0, 600))] }), undefined);
  });

  it('is the first that a table maps which is gone, unless a newer layer holds all of that', () => {
    for (const [covered, offset] of [
      [0, SPAN],
      [511, 2 * SPAN - CLUSTER],
      [512, undefined],
    ] as const) {
      const lost = lostOf({
        layers: [disk(full(512, covered)), disk(at(0, 600))],
        damage: ([, base]) => base?.image.pokeU64(base.layout.l1.offset + 8, (1n << 63n) | (1n << 40n)),
      });
      assert.deepEqual(lost, offset === undefined ? undefined : { offset, depth: 1, isTable: true });
    }
  });

  it('is where a table that is cut breaks off', () => {
    const lost = lostOf({
      layers: [disk(new Map([[3, zero()]]))],
      damage: ([leaf]) => leaf?.image.truncate((leaf.layout.l2Table(0) ?? NaN) + 5 * 8 + 7),
    });
    assert.deepEqual(lost, { offset: 5 * CLUSTER, depth: 0, isTable: true });
  });

  it('is where the entries of an L1 table end that is cut', () => {
    const lost = lostOf({
      layers: [disk(new Map())],
      damage: ([leaf]) => leaf?.image.truncate(leaf.layout.l1.offset + 2 * 8),
    });
    assert.deepEqual(lost, { offset: 2 * SPAN, depth: 0, isTable: true });
  });

  it('is where the first whole cluster of a data file is missing', () => {
    const run = full(1, 6);
    const of = (fileEnd: number): unknown =>
      lostOf({
        layers: [disk(run, { dataFile: { name: 'd' } })],
        damage: ([leaf]) => leaf?.dataFile?.truncate(fileEnd),
      });
    assert.equal(of(6 * CLUSTER + 1), undefined, 'the last cluster begins before the end');
    const lostAt = (offset: number): unknown => ({ offset, depth: 0, isTable: false, holder: '/d' });
    assert.deepEqual(of(6 * CLUSTER), lostAt(6 * CLUSTER));
    assert.deepEqual(of(3 * CLUSTER + 1), lostAt(4 * CLUSTER));
    assert.deepEqual(of(0), lostAt(CLUSTER));
  });

  it('is where compressed data begins of which a part is missing, but not for its last sector', () => {
    const cluster = compressed(prose(1, CLUSTER));
    const { layout } = buildQcow2(disk(new Map([[2, cluster]])));
    const { offset = NaN, length = NaN } = layout.places.get(cluster) ?? {};
    const of = (end: number): unknown =>
      lostOf({ layers: [disk(new Map([[2, cluster]]))], damage: ([leaf]) => leaf?.image.truncate(end) });
    const lastSector = offset + length - 1 - ((offset + length - 1) % 512);
    assert.equal(of(offset + length), undefined);
    assert.equal(of(lastSector + 1), undefined);
    assert.deepEqual(of(lastSector), { offset: 2 * CLUSTER, depth: 0, isTable: false });
    assert.deepEqual(of(offset), { offset: 2 * CLUSTER, depth: 0, isTable: false });
  });

  it('is nothing of a table that can not be read: that is unknown', () => {
    const { session } = openBuilt({
      layers: [disk(at(0), { snapshots: [{ id: '1', name: 'one', clusters: at(0) }] })],
      // Its L1 table begins in the middle of a cluster.
      damage: ([leaf]) => leaf?.image.pokeU64(leaf.layout.snapshots[0]?.entry ?? 0, 0x1200n),
    });
    session.stand({ depth: 0, view: '1' });
    assert.equal(finish(firstLost(session)), undefined);
  });
});
