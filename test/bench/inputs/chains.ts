import { join } from 'node:path';
import { cached } from './cache';
import { writeLayerFile } from './layerFile';
import type { PatternSpec } from './patterns';
import { patternOf } from './patterns';

const GIB = 2 ** 30;
const TIB = 2 ** 40;

/** A chain of files that hold metadata only: what is data in them lies in holes. */
export interface ChainSpec {
  readonly name: string;
  /** In a few words, what is special about it. */
  readonly what: string;
  /** Bytes of the guest's disk. */
  readonly size: number;
  /** Newest first. */
  readonly layers: readonly { readonly seed: number; readonly pattern: PatternSpec }[];
  readonly extendedL2?: boolean;
  readonly compression?: 'zlib';
}

/** A chain as built: absolute paths, newest first. */
export interface BuiltChain {
  readonly spec: ChainSpec;
  readonly files: readonly string[];
}

/** Layers that know nothing of each other, on a base. */
function layered(seed: number, count: number, overlay: PatternSpec, base: PatternSpec): ChainSpec['layers'] {
  return Array.from({ length: count }, (_, i) => ({ seed: seed + i, pattern: i === count - 1 ? base : overlay }));
}

const runs = (share: number, mean = 4): PatternSpec => ({ kind: 'runs', share, mean });

/** A hundredth of the disk: 3 % of the tables exist, each a third full. */
const SPARSE: PatternSpec = { kind: 'clustered', tables: 0.03, share: 1 / 3, mean: 4 };

export const CHAINS: readonly ChainSpec[] = [
  { name: 'A', what: '1 TiB, 5 layers, 30 % in runs of 4', size: TIB, layers: layered(100, 5, runs(0.3), runs(0.6)) },
  { name: 'B', what: '64 TiB, 3 layers, 1 %', size: 64 * TIB, layers: layered(200, 3, SPARSE, SPARSE) },
  {
    name: 'C',
    what: '1 TiB, every second cluster',
    size: TIB,
    layers: [{ seed: 300, pattern: { kind: 'alternate' } }],
  },
  {
    name: 'D',
    what: '1 TiB, 2 layers, extended L2',
    size: TIB,
    layers: layered(400, 2, runs(0.3), runs(0.6)),
    extendedL2: true,
  },
  { name: 'E', what: '100 GiB, 60 layers', size: 100 * GIB, layers: layered(500, 60, runs(0.05), runs(0.6)) },
  {
    name: 'F',
    what: '1 TiB, compressed',
    size: TIB,
    layers: [{ seed: 600, pattern: runs(0.6) }],
    compression: 'zlib',
  },
];

/** Next to nothing: what opening costs before there is work to do. */
export const TINY: ChainSpec = {
  name: 'tiny',
  what: '1 GiB, 1 layer',
  size: GIB,
  layers: [{ seed: 1, pattern: runs(0.3) }],
};

/**
 * For the sweep, chains of which every layer is opened as a leaf: the one above the base of 16 is a chain of 2, and so on.
 * Sizes and depths whose product is larger are left out, so that the files stay within a gigabyte.
 */
export const SWEEP: readonly ChainSpec[] = [1, 4, 64].flatMap((mean) =>
  [
    { size: 64 * GIB, layers: 16 },
    { size: 256 * GIB, layers: 4 },
    { size: 1024 * GIB, layers: 1 },
  ].map(({ size, layers }, i) => ({
    name: `sweep-${size / GIB}-${mean}`,
    what: `${size / GIB} GiB, runs of ${mean}`,
    size,
    layers: layered(700 + mean * 100 + i * 20, layers, runs(0.3, mean), runs(0.6, mean)),
  })),
);

/** Where the chain is, built now unless it was before. */
export async function buildChain(root: string, spec: ChainSpec): Promise<BuiltChain> {
  const names = spec.layers.map((_, depth) => `${depth}.qcow2`);
  const folder = await cached(root, spec.name, spec, (into) => {
    for (const depth of names.keys()) writeChainLayer(join(into, names[depth]!), spec, depth, names[depth + 1]);
  });
  return { spec, files: names.map((name) => join(folder, name)) };
}

/** Writes one layer of a chain once more, say to a place where it may be changed. */
export function writeChainLayer(path: string, spec: ChainSpec, depth: number, backing: string | undefined): void {
  const { seed, pattern } = spec.layers[depth]!;
  const { size, extendedL2, compression } = spec;
  writeLayerFile(path, { size, pattern: patternOf(pattern, seed), seed, backing, extendedL2, compression });
}
