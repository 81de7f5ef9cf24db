import { data, noise, type Qcow2Spec, zero } from '../../fixtures/build/index';
import { type Bench, CLUSTER, CLUSTER_BITS, COPIED, type Damage, damage } from './damage';

const SIZE = 600 * CLUSTER;

const everyTable = (): Qcow2Spec => ({
  size: SIZE,
  clusterBits: CLUSTER_BITS,
  clusters: new Map([[3, data(noise(1, CLUSTER))]]),
  snapshots: [{ id: '1', name: 'old', clusters: new Map() }],
  bitmaps: [{ name: 'changes', granularityBits: 16, dirty: [], inUse: true }],
});

/** Images of which `qemu-img check` has nothing to say, and which lose data at the next write. */
export const UNNOTICED: readonly Damage[] = [
  damage(
    'one cluster at two places of the disk',
    (() => {
      const twice = data(noise(1, CLUSTER));
      return {
        size: SIZE,
        clusterBits: CLUSTER_BITS,
        clusters: new Map([
          [3, twice],
          [77, twice],
        ]),
      };
    })(),
    [],
    (bench) => ({ host: bench.hostOf(3), guest: 77 * CLUSTER }),
  ),
  damage(
    'one cluster at one place in a snapshot and at another in the current state',
    (() => {
      const twice = data(noise(1, CLUSTER));
      return {
        size: SIZE,
        clusterBits: CLUSTER_BITS,
        clusters: new Map([[3, twice]]),
        snapshots: [{ id: '1', name: 'old', clusters: new Map([[77, twice]]) }],
      };
    })(),
    [],
    (bench) => ({ host: bench.hostOf(3), guest: 3 * CLUSTER }),
  ),
  ...(
    [
      ['the L1 table', ({ layout }) => layout.l1.offset],
      ['an L2 table', (bench) => bench.l2Table(0)],
      ['the refcount table', ({ layout }) => layout.refcountTable.offset],
      ['the snapshot table', ({ layout }) => layout.snapshotTable?.offset ?? 0],
      ["a snapshot's L1 table", ({ layout }) => layout.snapshots[0]?.l1 ?? 0],
      ['the bitmap directory', ({ layout }) => layout.bitmapDirectory?.offset ?? 0],
    ] as const satisfies readonly (readonly [string, (bench: Bench) => number])[]
  ).map(([table, placeOf]) => {
    return damage(`data in ${table}, counted for both`, everyTable(), [], (bench) => {
      const host = placeOf(bench);
      bench.count(bench.hostOf(3), 0n);
      bench.count(host, 2n);
      bench.image.pokeU64(bench.l2Entry(3), BigInt(host));
      if (host === bench.l2Table(0)) bench.change(bench.l1Entry(0), (word) => word & ~COPIED);
      return { host, guest: 3 * CLUSTER };
    });
  }),
  damage(
    'one L2 table at two places of the L1 table',
    {
      size: SIZE * 2,
      clusterBits: CLUSTER_BITS,
      clusters: new Map([[3, zero()]]),
    },
    [],
    (bench) => {
      const host = bench.l2Table(0);
      bench.count(host, 2n);
      const entry = bench.image.peekU64(bench.l1Entry(0)) & ~COPIED;
      bench.image.pokeU64(bench.l1Entry(0), entry).pokeU64(bench.l1Entry(1), entry);
      return { host, guest: bench.layout.l2Entries * CLUSTER };
    },
  ),
  damage(
    'a zero cluster in version 2, which has none',
    {
      size: SIZE,
      clusterBits: CLUSTER_BITS,
      version: 2,
      clusters: new Map([[3, data(noise(1, CLUSTER))]]),
    },
    [],
    (bench) => {
      bench.change(bench.l2Entry(3), (word) => word | 1n);
      return { host: bench.l2Entry(3), guest: 3 * CLUSTER };
    },
  ),
  damage(
    'data at another place of the data file than of the disk',
    {
      size: SIZE,
      clusterBits: CLUSTER_BITS,
      dataFile: { name: 'broken.data' },
      clusters: new Map([[3, data(noise(1, CLUSTER))]]),
    },
    [],
    (bench) => {
      bench.change(bench.l2Entry(3), (word) => word + BigInt(CLUSTER));
      return { host: bench.l2Entry(3), guest: 3 * CLUSTER };
    },
  ),
];
