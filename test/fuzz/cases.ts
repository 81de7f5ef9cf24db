import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DRIVERS } from '../../src/core';
import { fixturesOf } from '../conformance/formats/expected';
import type { Cluster, Qcow2Spec, SparseImage } from '../fixtures/build/index';
import {
  buildQcow2,
  compressed,
  data,
  EXTENSION,
  noise,
  prose,
  SparseImage as Image,
  subclusters,
  zero,
  zeroAllocated,
} from '../fixtures/build/index';
import { PatternImage } from '../support/patternImage';
import { Draw } from '../support/random';
import { repositoryRoot } from '../support/root';
import { unpackToMemory } from '../support/sparse';
import { BUILDERS } from './formats/build';
import { drawGiant } from './giants';

/** Files of one folder; images are opened from `leaf` down. */
export interface Case {
  readonly leaf: string;
  /** By name; the order of a chain, newest first, where they are one. */
  readonly files: ReadonlyMap<string, SparseImage>;
  /** The driver's id. */
  readonly format: string;
}

/** Images that are broken further are drawn from this many: building one takes longer than breaking it. */
const POOL = 400;
/** Of a thousand cases: each costs as much as a hundred others. */
const GIANTS = 3;
/** Packs of test/fixtures/golden whose images are small: what qemu-img wrote. */
const GOLDEN = [
  'cluster-512',
  'cluster-1k',
  'cluster-4k',
  'compressed-zlib',
  'compressed-zstd',
  'encrypted',
  'extended-l2-16k',
  'facts',
  'names',
  'raw',
  'refcount-widths',
  'snapshots',
  'version-2',
];

/** Of cases of all formats: as much is at stake with qcow2 as with all others together. */
const OF_QCOW2 = 0.5;
const QCOW2 = 'qcow2';

/**
 * Whole images, by a number. Of qcow2 most are built, some are QEMU's own, some are giants; those of other formats are the
 * fixtures of their drivers, and built where there is a builder.
 */
export class Cases {
  private readonly pool = new Map<number, Case>();
  private golden: readonly Case[] | undefined;
  private fixtures: ReadonlyMap<string, readonly Case[]> | undefined;

  /** @param only a driver's id; of all formats when left out */
  constructor(
    private readonly seed: number,
    private readonly only?: string,
  ) {}

  /** A case of its own for whoever asks: it may be changed. */
  draw(draw: Draw): Case {
    const others = [...this.ofFormats().keys()];
    const format = this.only ?? (others.length === 0 || draw.chance(OF_QCOW2) ? QCOW2 : draw.pick(others));
    return format === QCOW2 ? this.ofQcow2(draw) : this.ofFormat(draw, format);
  }

  /** Makes all that is drawn from again and again, so that what a run takes is its own. */
  prepare(): void {
    this.ofFormats();
    if (this.only !== undefined && this.only !== QCOW2) return;
    for (let index = 0; index < POOL; index += 1) this.built(index);
    this.fromQemu();
  }

  private ofQcow2(draw: Draw): Case {
    const roll = draw.below(1000);
    if (roll < GIANTS) return giants(draw);
    return ownCopy(roll < 150 ? draw.pick(this.fromQemu()) : this.built(draw.below(POOL)));
  }

  private ofFormat(draw: Draw, format: string): Case {
    const build = BUILDERS[format];
    if (build && draw.chance(0.3)) return build(draw);
    return ownCopy(draw.pick(this.ofFormats().get(format) ?? []));
  }

  /** By driver id, of those formats that have fixtures. */
  private ofFormats(): ReadonlyMap<string, readonly Case[]> {
    this.fixtures ??= new Map(
      DRIVERS.map(
        ({ id }) =>
          [
            id,
            fixturesOf(id).map(({ pack, expected: { leaf } }) => ({
              leaf,
              files: unpackToMemory(pack),
              format: id,
            })),
          ] as const,
      ).filter(([, cases]) => cases.length > 0),
    );
    return this.fixtures;
  }

  private built(index: number): Case {
    const known = this.pool.get(index) ?? build(Draw.named(this.seed, `image ${index}`));
    this.pool.set(index, known);
    return known;
  }

  private fromQemu(): readonly Case[] {
    this.golden ??= GOLDEN.flatMap((name) => {
      const pack = join(repositoryRoot(), 'test', 'fixtures', 'golden', name, 'images.br');
      const files = unpackToMemory(readFileSync(pack));
      return [...files.keys()]
        .filter((leaf) => leaf.endsWith('.qcow2'))
        .map((leaf) => ({ leaf, files, format: QCOW2 }));
    });
    return this.golden;
  }
}

const ownCopy = (whole: Case): Case => ({
  ...whole,
  files: new Map([...whole.files].map(([name, image]) => [name, copyOf(image)])),
});

const copyOf = (image: SparseImage): SparseImage =>
  image instanceof PatternImage ? image.copy() : new Image(image.size, image.chunks());

function giants(draw: Draw): Case {
  const files = new Map<string, SparseImage>();
  const depth = draw.pick([1, 1, 1, 2, 3, 40, 260]);
  const same = drawGiant(draw, '1', 12);
  for (let i = 0; i < depth; i += 1) {
    const parent = i + 1 < depth ? String(i + 1) : undefined;
    const image = depth > 3 ? same.copy() : drawGiant(draw, parent);
    if (depth > 3 && parent !== undefined) nameParent(image, parent);
    files.set(String(i), image);
  }
  return { leaf: '0', files, format: QCOW2 };
}

/** In place of a name at least as short. */
function nameParent(image: SparseImage, parent: string): void {
  const at = 400;
  image.poke(at, new TextEncoder().encode(parent)).pokeU64(8, BigInt(at)).pokeU32(16, parent.length);
}

function build(draw: Draw): Case {
  const files = new Map<string, SparseImage>();
  const depth = draw.pick([1, 1, 2, 2, 3]);
  const base = draw.chance(0.4);
  for (let i = 0; i < depth; i += 1) {
    const parent = i + 1 < depth ? String(i + 1) : base ? 'base' : undefined;
    const { image, dataFile } = buildQcow2(drawSpec(draw, parent));
    files.set(String(i), draw.chance(0.1) ? encrypt(draw, image) : image);
    if (dataFile) files.set('data', dataFile);
  }
  if (base) files.set('base', new Image(100 + 512 * draw.below(400), [{ offset: 0, bytes: noise(1, 100) }]));
  return { leaf: '0', files, format: QCOW2 };
}

function drawSpec(draw: Draw, parent: string | undefined): Qcow2Spec {
  const clusterBits = draw.pick([9, 9, 9, 9, 10, 12, 14, 14, 14, 16]);
  const version = draw.chance(0.15) ? 2 : 3;
  const extendedL2 = version === 3 && clusterBits >= 14 && draw.chance(0.6);
  const external = version === 3 && draw.chance(0.1);
  const clusterCount = draw.between(1, clusterBits > 12 ? 20 : 300);
  const size = 2 ** clusterBits * clusterCount - 512 * draw.below(2 ** (clusterBits - 9));
  const clusters = (): Map<number, Cluster> => {
    const kinds: readonly (() => Cluster)[] = [
      () => ({ ...data(noise(draw.below(99), 64)), hole: true }),
      ...(version === 3 ? [zero, zeroAllocated] : []),
      ...(external ? [] : [() => compressed(prose(draw.below(99), 2 ** clusterBits))]),
      ...(extendedL2 ? [() => ({ ...subclusters(drawStates(draw), noise(draw.below(99), 64)), hole: true })] : []),
    ];
    const count = draw.below(14);
    return new Map(Array.from({ length: count }, () => [draw.below(clusterCount), draw.pick(kinds)()]));
  };
  const raw = external && parent === undefined && draw.chance(0.5);
  return {
    size,
    clusterBits,
    version,
    extendedL2,
    clusters: clusters(),
    placement: draw.pick(['ascending', 'descending', 'scattered']),
    ...(version === 3 ? { refcountOrder: draw.below(7) } : {}),
    ...(version === 3 && draw.chance(0.2) ? { compression: 'zstd' as const } : {}),
    ...(version === 3 && clusterBits > 9 && draw.chance(0.3) ? { featureNames: true as const } : {}),
    ...(parent === undefined ? {} : { backing: parent }),
    ...(parent === undefined || draw.chance(0.2) ? {} : { backingFormat: parent === 'base' ? 'raw' : 'qcow2' }),
    ...(external ? { dataFile: { name: 'data', raw } } : {}),
    ...(external || draw.chance(0.5) ? {} : { snapshots: drawSnapshots(draw, clusters) }),
    ...(version === 3 && draw.chance(0.3) ? { bitmaps: drawBitmaps(draw) } : {}),
  };
}

function drawSnapshots(draw: Draw, clusters: () => Map<number, Cluster>): NonNullable<Qcow2Spec['snapshots']> {
  return Array.from({ length: draw.between(1, 3) }, (_, i) => ({
    id: String(draw.chance(0.9) ? i : 0),
    name: draw.pick(['before', 'bäse 基', '\u202egnp', '']),
    clusters: clusters(),
    ...(draw.chance(0.2) ? { vmState: noise(i, 700) } : {}),
    ...(draw.chance(0.2) ? { icount: 5n } : {}),
  }));
}

const drawBitmaps = (draw: Draw): NonNullable<Qcow2Spec['bitmaps']> =>
  Array.from({ length: draw.between(1, 3) }, (_, i) => ({
    name: `bitmap ${i}`,
    granularityBits: draw.between(9, 31),
    dirty: draw.chance(0.5) ? [[0, 512] as const] : [],
    inUse: draw.chance(0.2),
    auto: draw.chance(0.5),
  }));

function drawStates(draw: Draw): string {
  const letters = draw.pick(['d', 'z', 'dz', 'd.', 'z.', 'dz.']);
  return Array.from({ length: 32 }, () => letters[draw.below(letters.length)]).join('');
}

const LUKS_HEADER_BYTES = 592;

/** Says that the content is encrypted, and of LUKS also how: the map is what it was. */
function encrypt(draw: Draw, image: SparseImage): SparseImage {
  const method = draw.pick([1, 2]);
  image.pokeU32(32, method);
  const headerLength = new DataView(image.peek(100, 4).buffer).getUint32(0);
  if (method === 1 || new DataView(image.peek(4, 4).buffer).getUint32(0) === 2) return image;
  const at = Math.ceil(image.size / 65_536) * 65_536;
  const luks = new Uint8Array(LUKS_HEADER_BYTES);
  const text = new TextEncoder();
  luks.set([0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe, 0, 1]);
  for (const [place, value] of [
    [8, 'aes'],
    [40, 'xts-plain64'],
    [72, 'sha256'],
    [168, 'uuid'],
  ] as const) {
    luks.set(text.encode(value), place);
  }
  luks.set([0, 0x71, 0xac, 0xf3 & draw.below(256)], 208);
  return image
    .poke(at, luks)
    .pokeU32(headerLength, EXTENSION.encryption)
    .pokeU32(headerLength + 4, 16)
    .pokeU64(headerLength + 8, BigInt(at))
    .pokeU64(headerLength + 16, BigInt(LUKS_HEADER_BYTES))
    .pokeU64(headerLength + 24, 0n);
}
