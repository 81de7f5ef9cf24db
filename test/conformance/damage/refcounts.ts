import { data, noise, type Qcow2Spec } from '../../fixtures/build/index';
import { CLUSTER, CLUSTER_BITS, COPIED, type Damage, damage } from './damage';

const WIDTHS = [0, 1, 2, 3, 4, 5, 6] as const;
const RESERVED = 0x1ffn;

const plain = (refcountOrder = 4): Qcow2Spec => ({
  size: 64 * CLUSTER,
  clusterBits: CLUSTER_BITS,
  refcountOrder,
  clusters: new Map(Array.from({ length: 5 }, (_, index) => [index, data(noise(index + 1, CLUSTER))])),
});

/** Enough clusters of 512 bytes for several refcount blocks of 64-bit counts. */
const manyBlocks = (): Qcow2Spec => ({
  size: 128 * 512,
  clusterBits: 9,
  refcountOrder: 6,
  clusters: new Map(Array.from({ length: 100 }, (_, index) => [index, data(noise(index + 1, 512))])),
});

/** What can be wrong with reference counts and the tables that hold them. */
export const REFCOUNTS: readonly Damage[] = [
  ...WIDTHS.flatMap((order) => [
    damage(
      `a count of 0 for a cluster in use, ${2 ** order} bits wide`,
      plain(order),
      ['too small', 'COPIED wrong of data'],
      (bench) => {
        const host = bench.hostOf(3);
        bench.count(host, 0n);
        return { host, guest: 3 * CLUSTER };
      },
    ),
    damage(`a leaked cluster, ${2 ** order} bits wide`, plain(order), ['leaked'], (bench) => {
      const host = bench.hostOf(3);
      bench.image.pokeU64(bench.l2Entry(3), 0n);
      return { host };
    }),
  ]),
  ...WIDTHS.slice(1).map((order) => {
    const most = 2n ** BigInt(2 ** order) - 1n;
    return damage(
      `the highest count for a cluster of one user, ${2 ** order} bits wide`,
      plain(order),
      ['leaked', 'COPIED wrong of data'],
      (bench) => {
        const host = bench.hostOf(2);
        bench.count(host, most);
        return { host };
      },
    );
  }),
  damage('more users than one bit can count', plain(0), ['overflow', 'leaked'], (bench) => {
    const host = bench.hostOf(0);
    bench.change(bench.l2Entry(1), () => bench.image.peekU64(bench.l2Entry(0)));
    return { host, guest: CLUSTER };
  }),
  damage('more users than two bits can count', plain(1), ['overflow', 'too small', 'leaked'], (bench) => {
    const host = bench.hostOf(0);
    for (const cluster of [1, 2, 3, 4]) {
      bench.change(bench.l2Entry(cluster), () => bench.image.peekU64(bench.l2Entry(0)));
    }
    return { host, guest: 4 * CLUSTER };
  }),
  damage('a cluster of two users that is counted once', plain(), ['too small', 'leaked'], (bench) => {
    const host = bench.hostOf(0);
    bench.change(bench.l2Entry(1), () => bench.image.peekU64(bench.l2Entry(0)));
    return { host, guest: CLUSTER };
  }),
  damage('an overlay that leaks', { ...plain(), backing: 'parent.raw', backingFormat: 'raw' }, ['leaked'], (bench) => {
    const host = bench.hostOf(3);
    bench.image.pokeU64(bench.l2Entry(3), 0n);
    return { host };
  }),
  damage('the header is not counted', plain(), ['too small'], (bench) => {
    bench.count(0, 0n);
    return { host: 0 };
  }),
  damage('an L2 table is not counted', plain(), ['too small', 'COPIED wrong of L2'], (bench) => {
    const host = bench.l2Table(0);
    bench.count(host, 0n);
    return { host, guest: 0 };
  }),
  damage('the refcount table is counted twice', plain(), ['leaked'], (bench) => {
    const host = bench.layout.refcountTable.offset;
    bench.count(host, 2n);
    return { host };
  }),
  damage('counts behind the end of the file', plain(), [], (bench) => {
    bench.count(bench.image.size + CLUSTER, 1n);
    return undefined;
  }),
  damage('refcount table entry with reserved bits', plain(), ['refcount table reserved bits'], (bench) => {
    const host = bench.layout.refcountTable.offset;
    bench.change(host, (word) => word | RESERVED);
    return { host };
  }),
  damage('a refcount block that is not aligned', plain(), ['refcount block unaligned', 'no refcount'], (bench) => {
    const host = bench.layout.refcountTable.offset;
    bench.change(host, (word) => word + 512n);
    return { host };
  }),
  damage('a refcount block past the end', manyBlocks(), ['refcount block outside', 'too small'], (bench) => {
    const host = bench.layout.refcountTable.offset + 8;
    bench.change(host, (word) => word + (1n << 40n));
    return { host };
  }),
  damage('a refcount block that is not there', manyBlocks(), ['too small'], (bench) => {
    bench.image.pokeU64(bench.layout.refcountTable.offset + 8, 0n);
    // The first cluster that the block counted: 64 bits each, as many as a cluster of 512 bytes holds.
    return { host: 64 * 512 };
  }),
  damage('one refcount block at two places', manyBlocks(), ['refcount block shared'], (bench) => {
    const host = bench.refcountBlock(0);
    bench.image.pokeU64(bench.layout.refcountTable.offset + 8, BigInt(host));
    return { host };
  }),
  damage('data in a refcount block', plain(), ['refcount block shared', 'leaked'], (bench) => {
    const host = bench.refcountBlock();
    bench.image.pokeU64(bench.l2Entry(2), COPIED | BigInt(host));
    return { host, guest: 2 * CLUSTER };
  }),
];
