import { data, noise, zero } from '../../fixtures/build/index';
import { CLUSTER, CLUSTER_BITS, COPIED, type Damage, damage } from './damage';

const SIZE = 600 * CLUSTER;

/** Images of which `qemu-img check` has nothing to say, and which lose data at the next write. */
export const UNNOTICED: readonly Damage[] = [
  damage('one cluster at two places of the disk', (() => {
    const twice = data(noise(1, CLUSTER));
    return { size: SIZE, clusterBits: CLUSTER_BITS, clusters: new Map([[3, twice], [77, twice]]) };
  })(), [], (bench) => ({ host: bench.hostOf(3), guest: 77 * CLUSTER })),
  damage('one cluster at one place in a snapshot and at another in the current state', (() => {
    const twice = data(noise(1, CLUSTER));
    return {
      size: SIZE,
      clusterBits: CLUSTER_BITS,
      clusters: new Map([[3, twice]]),
      snapshots: [{ id: '1', name: 'old', clusters: new Map([[77, twice]]) }],
    };
  })(), [], (bench) => ({ host: bench.hostOf(3), guest: 3 * CLUSTER })),
  damage('data in the L1 table, counted for both', {
    size: SIZE, clusterBits: CLUSTER_BITS, clusters: new Map([[3, data(noise(1, CLUSTER))]]),
  }, [], (bench) => {
    const host = bench.layout.l1.offset;
    bench.count(bench.hostOf(3), 0n);
    bench.count(host, 2n);
    bench.image.pokeU64(bench.l2Entry(3), BigInt(host));
    return { host, guest: 3 * CLUSTER };
  }),
  damage('data in the snapshot table, counted for both', {
    size: SIZE,
    clusterBits: CLUSTER_BITS,
    clusters: new Map([[3, data(noise(1, CLUSTER))]]),
    snapshots: [{ id: '1', name: 'old', clusters: new Map() }],
  }, [], (bench) => {
    const host = bench.layout.snapshotTable?.offset ?? 0;
    bench.count(bench.hostOf(3), 0n);
    bench.count(host, 2n);
    bench.image.pokeU64(bench.l2Entry(3), BigInt(host));
    return { host, guest: 3 * CLUSTER };
  }),
  damage('one L2 table at two places of the L1 table', {
    size: SIZE * 2, clusterBits: CLUSTER_BITS, clusters: new Map([[3, zero()]]),
  }, [], (bench) => {
    const host = bench.l2Table(0);
    bench.count(host, 2n);
    const entry = bench.image.peekU64(bench.l1Entry(0)) & ~COPIED;
    bench.image.pokeU64(bench.l1Entry(0), entry).pokeU64(bench.l1Entry(1), entry);
    return { host, guest: bench.layout.l2Entries * CLUSTER };
  }),
];
