import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildQcow2, compressed, data, noise, prose, writeImage, zero } from '../fixtures/build/index';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../fixtures/build/index';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const CLUSTER = 64 * KIB;

/** Makes a qcow2 image in `folder`; `name` may be in a folder of its own. */
export function writeQcow2(folder: string, name: string, spec: Qcow2Spec): BuiltQcow2 {
  const built = buildQcow2(spec);
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeImage(join(folder, name), built.image);
  return built;
}

/** Clusters `[from, to)`, all the same one, so that a large disk makes a small file. */
function* range(from: number, to: number, cluster: Cluster): Generator<[number, Cluster]> {
  for (let index = from; index < to; index += 1) yield [index, cluster];
}

/** The disk of `writeSteps`: 256 MiB in clusters of 64 KiB, and what answers where. */
export const STEPS = {
  size: 256 * MIB,
  names: ['Current', 'middle', 'Base'],
  file: 'steps.qcow2',
  /** Guest offsets of clusters with bytes of their own. */
  single: 600 * CLUSTER,
  packed: 1300 * CLUSTER,
  bytes: { single: noise(600, CLUSTER), packed: prose(1300, CLUSTER), base: noise(1, CLUSTER) },
} as const;

/**
 * Three layers in wide, plain steps: the base has clusters 0 … 2047; the middle 512 … 1023, zeros 1024 … 1279 and
 * compressed 1280 … 1535; the newest 100 … 109, 600 and 1100 … 1149. From 2048 on there is nothing.
 */
export function writeSteps(folder: string): void {
  const { size, bytes } = STEPS;
  writeQcow2(folder, 'steps.base.qcow2', { size, clusters: new Map(range(0, 2048, data(bytes.base))) });
  writeQcow2(folder, 'steps.middle.qcow2', {
    size,
    backing: 'steps.base.qcow2',
    backingFormat: 'qcow2',
    clusters: new Map([
      ...range(512, 1024, data(noise(2, CLUSTER))),
      ...range(1024, 1280, zero()),
      ...Array.from({ length: 256 }, (_, index): [number, Cluster] => [1280 + index, compressed(prose(1280 + index, CLUSTER))]),
    ]),
  });
  writeQcow2(folder, STEPS.file, {
    size,
    backing: 'steps.middle.qcow2',
    backingFormat: 'qcow2',
    clusters: new Map([
      ...range(100, 110, data(noise(3, CLUSTER))),
      ...range(600, 601, data(bytes.single)),
      ...range(1100, 1150, data(noise(4, CLUSTER))),
    ]),
  });
}

/** Who answers at an offset of that disk, by its name, and what the inspector calls it. */
export function stepAt(offset: number): { readonly owner: string; readonly kind: string } {
  const cluster = Math.floor(offset / CLUSTER);
  const within = (from: number, to: number): boolean => cluster >= from && cluster < to;
  if (within(100, 110) || cluster === 600 || within(1100, 1150)) return { owner: 'Current', kind: 'data' };
  if (within(512, 1024)) return { owner: 'middle', kind: 'data' };
  if (within(1024, 1280)) return { owner: 'middle', kind: 'zero' };
  if (within(1280, 1536)) return { owner: 'middle', kind: 'compressed' };
  return within(0, 2048) ? { owner: 'Base', kind: 'data' } : { owner: 'nobody', kind: 'reads as zero' };
}
