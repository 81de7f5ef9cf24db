import assert from 'node:assert/strict';
import { Claim, HostClusters, PAGE } from '../../../../../../src/core/formats/qcow2/check/hostClusters';
import { Use } from '../../../../../../src/core/model';
import { Random } from '../../../../../fixtures/build/index';

/** Bytes of the counters of 64 pages, the least that there is room for, without and with guest clusters. */
const SLAB_BYTES = { alone: 64 * PAGE * 3, shared: 64 * PAGE * 9 };

type Reference = readonly [cluster: number, weight: number, use: Use, claim: Claim, guest: number];

interface Known {
  readonly references: number;
  readonly use: Use;
  readonly contested: boolean;
}

const stateOf = (clusters: HostClusters, cluster: number): Known => ({
  references: clusters.references(cluster),
  use: clusters.useOf(cluster),
  contested: clusters.isContested(cluster),
});

/** Everything that is known of all clusters, a window at a time. */
function byWindows(
  size: number,
  shared: boolean,
  room: number,
  references: readonly Reference[],
): { readonly windows: number; readonly known: Known[] } {
  const clusters = new HostClusters(size, shared, room);
  const known: Known[] = [];
  let windows = 0;
  while (clusters.start < size) {
    for (const reference of references) clusters.add(...reference);
    assert(clusters.end > clusters.start, 'a window is never empty');
    for (let cluster = clusters.start; cluster < clusters.end; cluster += 1) known.push(stateOf(clusters, cluster));
    clusters.begin(clusters.end);
    windows += 1;
  }
  return { windows, known };
}

const data = (cluster: number, guest: number, weight = 1, use: Use = Use.Data): Reference => [
  cluster,
  weight,
  use,
  Claim.Standard,
  guest,
];

describe('counters of a file’s clusters', () => {
  it('add up, and know a cluster that nothing refers to', () => {
    const clusters = new HostClusters(10 * PAGE, false, 2 ** 20);
    clusters.add(3, 1, Use.L1, Claim.Metadata, 0);
    clusters.add(5, 1, Use.Compressed, Claim.Compressed, 0);
    clusters.add(5, 2, Use.Compressed, Claim.Compressed, 0);
    assert.deepEqual(stateOf(clusters, 3), { references: 1, use: Use.L1, contested: false });
    assert.deepEqual(stateOf(clusters, 5), { references: 3, use: Use.Compressed, contested: false });
    assert.deepEqual(stateOf(clusters, 4), { references: 0, use: Use.Free, contested: false });
    assert.deepEqual(stateOf(clusters, 9 * PAGE), { references: 0, use: Use.Free, contested: false });
  });

  it('find what is referred to next, over pages that nothing is in', () => {
    const clusters = new HostClusters(10 * PAGE, false, 2 ** 20);
    const referred = [3, 4, PAGE - 1, 7 * PAGE, 8 * PAGE + 5];
    for (const cluster of referred) clusters.add(...data(cluster, 0));
    const found: number[] = [];
    const end = 8 * PAGE + 5;
    for (let at = 0; (at = clusters.nextReferenced(at, end)) < end; at += 1) found.push(at);
    assert.deepEqual(found, referred.slice(0, -1));
    assert.equal(clusters.nextReferenced(9 * PAGE, 10 * PAGE), 10 * PAGE);
  });

  it('end a window at the first cluster there is no room for, where they come in order', () => {
    const every = Array.from({ length: 200 }, (_, page) => data(page * PAGE, 0));
    const { windows } = byWindows(200 * PAGE, false, SLAB_BYTES.alone, every);
    assert.equal(windows, Math.ceil(200 / 64));
  });

  it('pass over what is outside of the window', () => {
    const clusters = new HostClusters(100, false, 2 ** 20);
    clusters.begin(50);
    for (const cluster of [0, 49, 50, 99, 100, 2 ** 53 - 1]) clusters.add(...data(cluster, 0));
    const counted = Array.from({ length: 101 }, (_, cluster) => clusters.references(cluster));
    assert.deepEqual(
      counted.flatMap((count, cluster) => (count > 0 ? [cluster] : [])),
      [50, 99],
    );
  });

  it('go past what a narrow counter holds', () => {
    const clusters = new HostClusters(PAGE, false, 2 ** 20);
    clusters.add(...data(1, 0, 0xffff));
    assert.equal(clusters.references(1), 0xffff);
    clusters.add(...data(1, 0, 1));
    clusters.add(...data(1, 0, 2 ** 22));
    assert.equal(clusters.references(1), 0xffff + 1 + 2 ** 22);
    assert.equal(clusters.references(2), 0);
    clusters.begin(0);
    assert.equal(clusters.references(1), 0);
    clusters.add(...data(1, 0));
    assert.equal(clusters.references(1), 1);
  });

  it('go past 2^32 where snapshots may share', () => {
    const clusters = new HostClusters(PAGE, true, 2 ** 20);
    for (let times = 0; times < 3; times += 1) clusters.add(...data(7, 7, 2 ** 31));
    assert.equal(clusters.references(7), 3 * 2 ** 31);
  });

  it('know whose references can’t all be right', () => {
    const alone = new HostClusters(PAGE, false, 2 ** 20);
    const shared = new HostClusters(PAGE, true, 2 ** 20);
    const after = (clusters: HostClusters, cluster: number, references: readonly Reference[]): boolean => {
      for (const reference of references) clusters.add(...reference);
      return clusters.isContested(cluster);
    };
    const compressed = (cluster: number): Reference => [cluster, 1, Use.Compressed, Claim.Compressed, 0];
    const table = (cluster: number, weight = 1): Reference => [cluster, weight, Use.L2, Claim.Metadata, 0];
    for (const clusters of [alone, shared]) {
      assert.equal(after(clusters, 1, [compressed(1), compressed(1)]), false, 'compressed clusters share');
      assert.equal(after(clusters, 2, [compressed(2), data(2, 0)]), true, 'compressed and not');
      assert.equal(after(clusters, 3, [table(3), data(3, 0)]), true, 'a table and data');
      assert.equal(after(clusters, 4, [table(4), table(4)]), true, 'two tables');
      assert.equal(after(clusters, 5, [data(5, 1), data(5, 2)]), true, 'two guest clusters');
      assert.equal(after(clusters, 6, [data(6, 0)]), false);
    }
    assert.equal(after(alone, 7, [data(7, 1), data(7, 1)]), true, 'the same guest cluster, but one state');
    assert.equal(after(shared, 7, [data(7, 1), data(7, 1)]), false, 'the same guest cluster of two states');
    assert.equal(after(alone, 8, [table(8, 2)]), true, 'a table with two places in one state');
    assert.equal(after(shared, 8, [table(8, 2)]), false, 'a table of two states');
    shared.contest(8);
    assert.equal(shared.isContested(8), true);
  });

  it('call what the current state uses as well not a snapshot’s alone', () => {
    for (const order of [0, 1]) {
      const clusters = new HostClusters(PAGE, true, 2 ** 20);
      const both = [data(1, 1, 1, Use.SnapshotData), data(1, 1, 1, Use.Data)];
      for (const reference of order === 0 ? both : both.reverse()) clusters.add(...reference);
      assert.deepEqual(stateOf(clusters, 1), { references: 2, use: Use.Data, contested: false });
    }
  });

  for (const shared of [false, true]) {
    it(`say the same in many windows as in one${shared ? ', with snapshots' : ''}`, () => {
      const random = new Random(shared ? 2 : 1);
      const size = 1000 * PAGE + 17;
      const uses: readonly (readonly [Use, Claim])[] = [
        [Use.Data, Claim.Standard],
        [Use.SnapshotData, Claim.Standard],
        [Use.Compressed, Claim.Compressed],
        [Use.L2, Claim.Metadata],
      ];
      const references: Reference[] = [];
      for (let i = 0; i < 20_000; i += 1) {
        const [use, claim] = uses[random.below(uses.length)] ?? assert.fail();
        // Half of them in few places, so that they meet.
        const cluster = random.below(2) === 0 ? random.below(40) * 25 * PAGE : random.below(size);
        references.push([cluster, 1 + random.below(3) * 40_000, use, claim, random.below(2)]);
      }
      const one = byWindows(size, shared, 2 ** 30, references);
      const room = 4 * 1000 + (shared ? SLAB_BYTES.shared : SLAB_BYTES.alone);
      const many = byWindows(size, shared, room, references);
      assert.equal(one.windows, 1);
      assert(many.windows >= 1000 / 64, `${many.windows} windows`);
      assert.equal(many.known.length, size);
      const differs = many.known.findIndex((known, cluster) => {
        const { references: count, use, contested } = one.known[cluster] ?? assert.fail();
        return known.references !== count || known.use !== use || known.contested !== contested;
      });
      assert.equal(differs, -1);
    });
  }

  it('end the window where more clusters than can be kept are past a narrow counter', () => {
    const most = 2 ** 20;
    const size = most + 5000;
    const clusters = new HostClusters(size, false, 96 << 20);
    const fill = (): void => {
      for (let cluster = 0; cluster < size; cluster += 1) clusters.add(...data(cluster, 0, 70_000));
    };
    let windows = 0;
    for (; clusters.start < size; windows += 1) {
      fill();
      const { start, end } = clusters;
      assert(end > start && end - start <= most);
      for (const cluster of [start, end - 1]) assert.equal(clusters.references(cluster), 70_000);
      assert.equal(clusters.references(end), 0);
      clusters.begin(end);
    }
    assert(windows > 1);
  });
});
