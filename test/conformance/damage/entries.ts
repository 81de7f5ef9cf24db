import {
  compressed,
  data,
  noise,
  prose,
  type Qcow2Spec,
  subclusters,
  zero,
  zeroAllocated,
} from '../../fixtures/build/index';
import { type Bench, CLUSTER, CLUSTER_BITS, COMPRESSED, COPIED, type Damage, damage, FAR } from './damage';
import { twoStates } from './snapshots';

const MISALIGNED = 512n;

/** A little of everything, in two L2 tables. */
function mixed(more: Partial<Qcow2Spec> = {}): Qcow2Spec {
  return {
    size: 600 * CLUSTER,
    clusterBits: CLUSTER_BITS,
    clusters: new Map([
      [0, data(noise(1, CLUSTER))],
      [1, compressed(prose(2, CLUSTER))],
      [2, zeroAllocated()],
      [3, data(noise(3, CLUSTER))],
      [4, zero()],
      [520, data(noise(4, CLUSTER))],
    ]),
    ...more,
  };
}

const EXTENDED_BITS = 14;
const EXTENDED = 2 ** EXTENDED_BITS;

function extended(): Qcow2Spec {
  return {
    size: 40 * EXTENDED,
    clusterBits: EXTENDED_BITS,
    extendedL2: true,
    clusters: new Map([
      [0, subclusters('dddd....zzzz....dddd....zzzz....', noise(1, EXTENDED))],
      [1, compressed(prose(2, EXTENDED))],
      [2, subclusters('z'.repeat(32), undefined, true)],
      [3, zero()],
    ]),
  };
}

const withDataFile: Qcow2Spec = {
  size: 20 * CLUSTER,
  clusterBits: CLUSTER_BITS,
  dataFile: { name: 'broken.data' },
  clusters: new Map([
    [0, data(noise(1, CLUSTER))],
    [7, data(noise(2, CLUSTER))],
  ]),
};

const sharedTable = (): Qcow2Spec => {
  const clusters = new Map([[0, data(noise(1, CLUSTER))]]);
  return { size: 600 * CLUSTER, clusterBits: CLUSTER_BITS, clusters, snapshots: [{ id: '1', name: 'old', clusters }] };
};

/** Changes the L2 entry of a guest cluster of the current state, and says where both are. */
const entry =
  (cluster: number, to: (word: bigint) => bigint, size = CLUSTER) =>
  (bench: Bench) => {
    const host = bench.l2Entry(cluster);
    bench.change(host, to);
    return { host, guest: cluster * size };
  };

const firstLevel =
  (index: number, to: (word: bigint) => bigint, size = CLUSTER) =>
  (bench: Bench) => {
    const host = bench.l1Entry(index);
    bench.change(host, to);
    return { host, guest: index * bench.layout.l2Entries * size };
  };

/** What can be wrong with the entries of L1 and L2 tables. */
export const ENTRIES: readonly Damage[] = [
  damage(
    'data past the end',
    mixed(),
    ['past the end', 'leaked', 'COPIED wrong of data'],
    entry(3, (word) => word + BigInt(FAR)),
  ),
  damage(
    'compressed data past the end',
    mixed(),
    ['past the end', 'leaked'],
    entry(1, (word) => word + BigInt(FAR)),
  ),
  damage(
    'preallocated space past the end',
    mixed(),
    ['past the end', 'leaked'],
    entry(2, (word) => word + BigInt(FAR)),
  ),
  damage(
    'an L2 table past the end',
    mixed(),
    ['past the end', 'leaked', 'COPIED wrong of L2'],
    firstLevel(1, (word) => word + BigInt(FAR)),
  ),
  damage('a file that is cut off', mixed(), ['past the end', 'too small'], ({ image, layout }) => {
    // Its refcounts come last: they are gone, and read as zero.
    const end = layout.refcountTable.offset - 2 * CLUSTER;
    image.truncate(end);
    return { host: end };
  }),
  damage('a file that ends inside its last cluster', mixed(), [], ({ image }) => {
    image.truncate(image.size - CLUSTER + 512);
    return undefined;
  }),
  damage(
    'L1 entry, reserved low bits',
    mixed(),
    ['L1 reserved bits'],
    firstLevel(0, (word) => word | 0x1ffn),
  ),
  damage(
    'L1 entry, reserved high bits',
    mixed(),
    ['L1 reserved bits'],
    firstLevel(1, (word) => word | (0x7fn << 56n)),
  ),
  damage(
    'L1 entry of nothing but reserved bits',
    mixed({ size: 1200 * CLUSTER }),
    ['L1 reserved bits'],
    firstLevel(2, () => 0x2n),
  ),
  damage(
    'an L2 table that is not aligned',
    mixed(),
    ['L2 unaligned'],
    firstLevel(1, (word) => word + MISALIGNED),
  ),
  damage(
    'L2 entry, reserved low bits',
    mixed(),
    ['L2 reserved bits'],
    entry(0, (word) => word | 0x1fen),
  ),
  damage(
    'L2 entry, reserved high bits',
    mixed(),
    ['L2 reserved bits'],
    entry(3, (word) => word | (0x3fn << 56n)),
  ),
  damage(
    'L2 entry of nothing but reserved bits',
    mixed(),
    ['L2 reserved bits'],
    entry(9, () => 1n << 57n),
  ),
  damage(
    'L2 entry of a zero cluster, reserved bits',
    mixed(),
    ['L2 reserved bits'],
    entry(4, (word) => word | 4n),
  ),
  damage(
    'data that is not aligned',
    mixed(),
    ['data unaligned'],
    entry(0, (word) => word + MISALIGNED),
  ),
  damage(
    'preallocated space that is not aligned',
    mixed(),
    ['preallocated unaligned'],
    entry(2, (word) => word + MISALIGNED),
  ),
  damage(
    'compressed data that claims to be COPIED',
    mixed(),
    ['compressed and COPIED'],
    entry(1, (word) => word | COPIED),
  ),
  damage(
    'compressed data beside an external data file',
    withDataFile,
    ['compressed with data file'],
    entry(7, () => COMPRESSED | 0x5000n),
  ),
  damage(
    'data of an external data file that is not COPIED',
    withDataFile,
    ['COPIED missing of data'],
    entry(7, (word) => word & ~COPIED),
  ),
  damage('compressed data with subclusters', extended(), ['compressed with subclusters'], (bench) => {
    bench.change(bench.l2Entry(1) + 8, () => 1n);
    return { host: bench.l2Entry(1), guest: EXTENDED };
  }),
  damage('subclusters that are data and zero', extended(), ['data and zero'], (bench) => {
    bench.change(bench.l2Entry(0) + 8, (bitmap) => bitmap | (1n << 32n));
    return { host: bench.l2Entry(0), guest: 0 };
  }),
  damage('subclusters of a cluster that is nowhere', extended(), ['subclusters of nothing'], (bench) => {
    bench.change(bench.l2Entry(5) + 8, () => 0xffn);
    return { host: bench.l2Entry(5), guest: 5 * EXTENDED };
  }),
  damage(
    'subclusters: data that is not aligned',
    extended(),
    ['data unaligned'],
    entry(0, (word) => word + MISALIGNED, EXTENDED),
  ),
  damage(
    'subclusters: preallocated space that is not aligned',
    extended(),
    ['preallocated unaligned'],
    entry(2, (word) => word + MISALIGNED, EXTENDED),
  ),
  damage(
    'L2 table of one user, not COPIED',
    mixed(),
    ['COPIED missing of L2'],
    firstLevel(1, (word) => word & ~COPIED),
  ),
  damage(
    'L2 table of two users, COPIED',
    sharedTable(),
    ['COPIED wrong of L2'],
    firstLevel(0, (word) => word | COPIED),
  ),
  damage(
    'data of one user, not COPIED',
    mixed(),
    ['COPIED missing of data'],
    entry(3, (word) => word & ~COPIED),
  ),
  damage(
    'data of two users, COPIED',
    twoStates(),
    ['COPIED wrong of data'],
    entry(0, (word) => word | COPIED),
  ),
  damage(
    'preallocated space, not COPIED',
    mixed(),
    ['COPIED missing of data'],
    entry(2, (word) => word & ~COPIED),
  ),
  damage('data at the place of the L1 table', mixed(), ['too small', 'leaked'], (bench) => {
    const host = bench.layout.l1.offset;
    bench.change(bench.l2Entry(0), () => COPIED | BigInt(host));
    return { host, guest: 0 };
  }),
];
