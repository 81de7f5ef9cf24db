import { data, noise, type Qcow2Spec } from '../../fixtures/build/index';
import { CLUSTER, CLUSTER_BITS, type Damage, damage, FAR, HEADER } from './damage';

/** Offsets inside an entry of the snapshot table (docs/interop/qcow2.rst, "Snapshots"). */
const ENTRY = { l1Offset: 0, l1Size: 8, idSize: 12, extraSize: 36 } as const;
const MAX_L1_ENTRIES = 4 * 1024 * 1024;
const MAX_SNAPSHOTS = 65_536;
const MAX_EXTRA_DATA = 1024;

/** The current state and a snapshot: they share the data of cluster 0, and no L2 table. */
export function twoStates(more: Partial<Qcow2Spec> = {}): Qcow2Spec {
  const shared = data(noise(1, CLUSTER));
  return {
    size: 600 * CLUSTER,
    clusterBits: CLUSTER_BITS,
    clusters: new Map([
      [0, shared],
      [1, data(noise(2, CLUSTER))],
    ]),
    snapshots: [
      {
        id: '1',
        name: 'old',
        clusters: new Map([
          [0, shared],
          [1, data(noise(3, CLUSTER))],
          [520, data(noise(4, CLUSTER))],
        ]),
      },
    ],
    ...more,
  };
}

/** What can be wrong with internal snapshots. */
export const SNAPSHOTS: readonly Damage[] = [
  damage(
    'a snapshot beside an external data file',
    { size: 8 * CLUSTER, clusterBits: CLUSTER_BITS, dataFile: { name: 'broken.data' } },
    ['snapshots with data file'],
    ({ image }) => {
      const host = image.size;
      image.truncate(host + CLUSTER).pokeU32(host + ENTRY.extraSize, 16);
      image.pokeU32(HEADER.snapshots, 1).pokeU64(HEADER.snapshotTable, BigInt(host));
      return { host };
    },
  ),
  damage(
    "a snapshot's L1 table that is not aligned",
    twoStates(),
    ['snapshot L1 unaligned', 'leaked'],
    ({ image, layout }) => {
      const { entry = 0, l1 = 0 } = layout.snapshots[0] ?? {};
      image.pokeU64(entry + ENTRY.l1Offset, BigInt(l1 + 8));
      return { host: [entry, l1 + 8] };
    },
  ),
  damage(
    "a snapshot's L1 table that is too large",
    twoStates(),
    ['snapshot L1 too large', 'leaked'],
    ({ image, layout }) => {
      const { entry = 0, l1 = 0 } = layout.snapshots[0] ?? {};
      image.pokeU32(entry + ENTRY.l1Size, MAX_L1_ENTRIES + 1);
      return { host: [entry, l1] };
    },
  ),
  damage("a snapshot's L1 table past the end", twoStates(), ['past the end', 'leaked'], ({ image, layout }) => {
    const { entry = 0 } = layout.snapshots[0] ?? {};
    image.pokeU64(entry + ENTRY.l1Offset, BigInt(FAR));
    return { host: [entry, FAR] };
  }),
  damage("a snapshot's L1 entry with reserved bits", twoStates(), ['L1 reserved bits'], ({ image, layout }) => {
    const host = layout.snapshots[0]?.l1 ?? 0;
    image.pokeU64(host, image.peekU64(host) | 1n);
    return { host, guest: 0, view: '1' };
  }),
  damage("a snapshot's data past the end", twoStates(), ['past the end', 'leaked'], (bench) => {
    const host = bench.l2Entry(520, 0);
    bench.change(host, (word) => word + BigInt(FAR));
    return { host, guest: 520 * CLUSTER, view: '1' };
  }),
  damage("a snapshot's data that is not counted", twoStates(), ['too small'], (bench) => {
    const host = bench.hostOf(520, 0);
    bench.count(host, 0n);
    return { host, guest: 520 * CLUSTER, view: '1' };
  }),
  damage('data of the current state that a snapshot uses and nobody counted', twoStates(), ['too small'], (bench) => {
    const host = bench.hostOf(0);
    bench.count(host, 1n);
    return { host, guest: 0 };
  }),
  damage(
    'a snapshot entry without the size of its disk',
    twoStates({ snapshots: [{ id: '1', name: 'old', clusters: new Map(), extra: new Uint8Array(8) }] }),
    ['snapshot entry incomplete'],
    ({ layout }) => ({ host: layout.snapshots[0]?.entry ?? 0 }),
  ),
  damage(
    'an old image whose snapshot entry has no size of its disk',
    twoStates({ version: 2, snapshots: [{ id: '1', name: 'old', clusters: new Map(), extra: new Uint8Array() }] }),
    [],
    () => undefined,
  ),
  damage('a snapshot table that is not aligned', twoStates(), ['snapshot table misplaced'], ({ image }) => {
    const table = Number(image.peekU64(HEADER.snapshotTable)) + 8;
    image.pokeU64(HEADER.snapshotTable, BigInt(table));
    return { host: [HEADER.snapshotTable, table] };
  }),
  damage('more snapshots than there may be', twoStates(), ['snapshot table too large'], ({ image, layout }) => {
    image.pokeU32(HEADER.snapshots, MAX_SNAPSHOTS + 1);
    return { host: [HEADER.snapshots, layout.snapshotTable?.offset ?? 0] };
  }),
  damage('a snapshot with too much extra data', twoStates(), ['snapshot extra data'], ({ image, layout }) => {
    const host = layout.snapshots[0]?.entry ?? 0;
    image.pokeU32(host + ENTRY.extraSize, MAX_EXTRA_DATA + 1);
    return { host };
  }),
  damage('a snapshot table of more than 64 MiB', twoStates(), ['snapshot table too long'], ({ image }) => {
    // Each entry has a name of 65,535 bytes and an id as long, all of it a hole.
    const count = 600;
    const length = 40 + 16 + 2 * 0xffff + 2;
    const table = Math.ceil(image.size / CLUSTER) * CLUSTER;
    image.truncate(table + count * length + CLUSTER);
    for (let index = 0; index < count; index += 1) {
      const entry = table + index * length;
      image.pokeU32(entry + ENTRY.idSize, 0xffff_ffff).pokeU32(entry + ENTRY.extraSize, 16);
    }
    image.pokeU32(HEADER.snapshots, count).pokeU64(HEADER.snapshotTable, BigInt(table));
    return { host: table };
  }),
];
