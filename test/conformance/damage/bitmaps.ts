import { type BitmapSpec, data, EXTENSION, noise, type Qcow2Spec } from '../../fixtures/build/index';
import { type Bench, CLUSTER, CLUSTER_BITS, type Damage, damage, FAR } from './damage';

/** Offsets inside an entry of the bitmap directory (docs/interop/qcow2.rst, "Bitmaps"). */
const ENTRY = { table: 0, tableSize: 8, granularity: 17, nameSize: 18, extraSize: 20 } as const;

/**
 * QEMU reads the bits of a bitmap when it opens an image, and does not open it when it can't. Those of one that is in
 * use it leaves alone, so that a check comes across what is wrong with them.
 */
function marked(more: Partial<BitmapSpec> = {}): Qcow2Spec {
  return {
    size: 4096 * CLUSTER,
    clusterBits: CLUSTER_BITS,
    clusters: new Map([[0, data(noise(1, CLUSTER))]]),
    bitmaps: [{ name: 'changes', granularityBits: 9, dirty: [[0, 100_000]], inUse: true, ...more }],
  };
}

const entryOf = ({ layout }: Bench): number => layout.bitmaps[0]?.entry ?? 0;
const tableOf = ({ layout }: Bench): number => layout.bitmaps[0]?.table ?? 0;
const extensionOf = ({ layout }: Bench): number => layout.extensions.get(EXTENSION.bitmaps) ?? 0;

/** What can be wrong with persistent bitmaps. */
export const BITMAPS: readonly Damage[] = [
  damage('bits that are not counted', marked({ inUse: false }), ['too small'], (bench) => {
    const host = Number(bench.image.peekU64(tableOf(bench)));
    bench.count(host, 0n);
    return { host };
  }),
  damage('bits past the end', marked(), ['past the end', 'leaked'], (bench) => {
    bench.change(tableOf(bench), (word) => word + BigInt(FAR));
    return { host: [tableOf(bench), Number(bench.image.peekU64(tableOf(bench)))] };
  }),
  damage('a bitmap table that is not counted', marked(), ['too small'], (bench) => {
    bench.count(tableOf(bench), 0n);
    return { host: tableOf(bench) };
  }),
  damage('a bitmap directory that is not counted', marked(), ['too small'], (bench) => {
    const host = bench.layout.bitmapDirectory?.offset ?? 0;
    bench.count(host, 0n);
    return { host };
  }),
  damage('a bitmap table past the end', marked(), ['past the end', 'leaked'], (bench) => {
    bench.change(entryOf(bench) + ENTRY.table, (word) => word + BigInt(FAR));
    return { host: [entryOf(bench), tableOf(bench) + FAR] };
  }),
  damage('bits that are not aligned', marked(), [], (bench) => {
    bench.change(tableOf(bench), (word) => word + 512n);
    return { host: tableOf(bench) };
  }),
  damage('bitmap table entry with reserved bits', marked(), [], (bench) => {
    bench.change(tableOf(bench), (word) => word | 2n);
    return { host: tableOf(bench) };
  }),
  damage('bitmap directory: a name past its end', marked(), [], (bench) => {
    bench.image.pokeU16(entryOf(bench) + ENTRY.nameSize, 500);
    return { host: entryOf(bench) };
  }),
  damage('bitmap directory: extra data', marked(), [], (bench) => {
    bench.image.pokeU32(entryOf(bench) + ENTRY.extraSize, 8);
    return { host: entryOf(bench) };
  }),
  damage('bitmap directory: a granularity that there is not', marked(), [], (bench) => {
    bench.image.poke(entryOf(bench) + ENTRY.granularity, [40]);
    return { host: entryOf(bench) };
  }),
  damage('bitmap directory: a table of nothing', marked(), [], (bench) => {
    bench.image.pokeU32(entryOf(bench) + ENTRY.tableSize, 0);
    return { host: entryOf(bench) };
  }),
  damage('bitmap directory: fewer bitmaps than announced', marked(), [], (bench) => {
    bench.image.pokeU32(extensionOf(bench) + 8, 2);
    return { host: bench.layout.bitmapDirectory?.offset ?? 0 };
  }),
];
