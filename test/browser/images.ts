import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildQcow2, compressed, data, noise, prose, writeImage, zero } from '../fixtures/build/index';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../fixtures/build/index';
import { hostClusterOf, setRefcount, withLeaks } from '../support/qcow2Patch';

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
      ...Array.from({ length: 256 }, (_, index) => 1280 + index).map((index): [number, Cluster] => [
        index,
        compressed(prose(index, CLUSTER)),
      ]),
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

/** Two layers of 16 MiB, of which the base is damaged. */
export const FAULTY = {
  file: 'faulty.qcow2',
  base: 'faulty.base.qcow2',
  /** Guest clusters of the base; the newest layer has others than these at `changed`, and the same at `same`. */
  held: 48,
  changed: [4, 7, 8, 200],
  same: 2,
  /** In use and counted as free; so are two clusters at the end of the file, the other way round. */
  uncounted: 5,
  leaks: 2,
} as const;

/** @returns where in the base's file the cluster is that is counted as free, and where the leaks begin, in clusters */
export function writeFaulty(folder: string): { readonly uncounted: number; readonly leaked: number } {
  const { file, base, held, changed, same, uncounted, leaks } = FAULTY;
  const size = 16 * MIB;
  const own = (index: number): [number, Cluster] => [index, data(noise(index, CLUSTER))];
  writeQcow2(folder, base, { size, clusters: new Map(Array.from({ length: held }, (_, index) => own(index))) });
  writeQcow2(folder, file, {
    size,
    backing: base,
    backingFormat: 'qcow2',
    clusters: new Map([
      ...changed.map((index): [number, Cluster] => [index, data(noise(1000 + index, CLUSTER))]),
      own(same),
    ]),
  });
  const whole = readFileSync(join(folder, base));
  const bytes = withLeaks(whole, leaks);
  const place = hostClusterOf(bytes, uncounted);
  setRefcount(bytes, place, 0);
  writeFileSync(join(folder, base), bytes);
  return { uncounted: place, leaked: Math.ceil(whole.length / CLUSTER) };
}

/** Where the fields of a qcow2 header are (qcow2.rst, "Header"). */
const FIELD = { clusterBits: 20, size: 24, l1Size: 36 } as const;
const HEADER_BYTES = 112;

const PNG = Buffer.from(
  '89504e470d0a1a0a0000000d4948445200000001000000010806000000' +
    '1f15c4890000000d49444154789c63f8cfc0f01f0005000' +
    '1ff56c7d4e20000000049454e44ae426082',
  'hex',
);

/** Bytes of orphan.qcow2 that its parent would have to answer. */
export const ORPHANED = 63 * MIB;

/** The parent that one of the images of `writeBroken` lacks. */
export function writeParent(folder: string): void {
  writeQcow2(folder, 'gone/base.qcow2', { size: 64 * MIB, clusters: new Map(range(0, 64, data(noise(9, CLUSTER)))) });
}

/** Everything that goes wrong with images. Those that can be shown hold 1 MiB of a disk of 64 MiB. */
export function writeBroken(folder: string): void {
  const size = 64 * MIB;
  const clusters = new Map([...range(0, 8, data(noise(5, CLUSTER))), ...range(512, 520, data(noise(6, CLUSTER)))]);
  const spec: Qcow2Spec = { size, clusters };
  const broken = (name: string, breakIt: (built: BuiltQcow2) => void, more: Partial<Qcow2Spec> = {}): void => {
    const built = buildQcow2({ ...spec, ...more });
    breakIt(built);
    writeImage(join(folder, name), built.image);
  };
  const over = (name: string, backing: string): void => {
    writeQcow2(folder, name, { ...spec, backing, backingFormat: 'qcow2' });
  };
  over('orphan.qcow2', 'gone/base.qcow2');
  over('loop-a.qcow2', 'loop-b.qcow2');
  over('loop-b.qcow2', 'loop-a.qcow2');
  over('over-folder.qcow2', 'folder');
  mkdirSync(join(folder, 'folder'));
  broken('cut.qcow2', ({ image, layout }) => image.truncate((layout.l2Entry(512) ?? 0) + 8));
  broken('cut-header.qcow2', ({ image }) => image.truncate(HEADER_BYTES / 2));
  broken('far-table.qcow2', ({ image, layout }) => image.pokeU64(layout.l1.offset, 0x8000_0fff_ffff_0000n));
  broken('absurd-size.qcow2', ({ image }) => image.pokeU64(FIELD.size, 0xffff_ffff_ffff_fe00n));
  broken('absurd-table.qcow2', ({ image }) => image.pokeU32(FIELD.l1Size, 0xffff_ffff));
  broken('absurd-cluster.qcow2', ({ image }) => image.pokeU32(FIELD.clusterBits, 63));
  broken('unknown-feature.qcow2', () => undefined, { incompatible: 1n << 40n });
  writeFileSync(join(folder, 'wrong-magic.qcow2'), noise(7, 3 * CLUSTER));
  writeFileSync(join(folder, 'empty.qcow2'), '');
  writeFileSync(join(folder, 'picture.png'), PNG);
  const disk = Buffer.concat([noise(8, MIB), Buffer.alloc(3 * MIB)]);
  disk.set([0x55, 0xaa], 510);
  writeFileSync(join(folder, 'disk.img'), disk);
}
