import { type BuiltQcow2, buildQcow2, type Qcow2Layout, type Qcow2Spec, SparseImage } from '../../fixtures/build/index';
import type { Message } from './messages';

/** Offsets of the header's fields (docs/interop/qcow2.rst, "Header"). */
export const HEADER = { refcountTable: 48, snapshots: 60, snapshotTable: 64, length: 100 } as const;
export const COPIED = 1n << 63n;
export const COMPRESSED = 1n << 62n;
export const CLUSTER_BITS = 12;
export const CLUSTER = 2 ** CLUSTER_BITS;
/** An offset that is past the end of any of these files. */
export const FAR = 2 ** 40;

/** A byte that the damage touches: of the image's own file, or of the guest's disk in one of its states. */
export interface Place {
  /** Of the file; where more than one: the entry that is wrong, and what it names. */
  readonly host?: number | readonly number[];
  readonly guest?: number;
  /** Id of the snapshot that `guest` is in; the current state when left out. */
  readonly view?: string;
}

/** An image broken on purpose in one way. */
export interface Damage {
  readonly name: string;
  /** What `qemu-img check` prints of it, each at least once. Empty where it says nothing. */
  readonly prints: readonly Message[];
  build(): Broken;
}

export interface Broken {
  readonly image: SparseImage;
  /** Other files that belong to it. */
  readonly beside: readonly { readonly name: string; readonly image: SparseImage }[];
  /** The passphrase of an encrypted image. */
  readonly secret?: string;
  /** Where it is broken; undefined where it is not, after all. */
  readonly at: Place | undefined;
}

/** @param wreck breaks the image and says where; nothing where the image is not broken after all */
export function damage(
  name: string,
  spec: Qcow2Spec,
  prints: readonly Message[],
  wreck: (bench: Bench) => Place | undefined,
): Damage {
  return {
    name,
    prints,
    build() {
      const built = buildQcow2(spec);
      const at = wreck(new Bench(built));
      return { image: built.image, beside: filesBeside(built), at };
    },
  };
}

/** The data file that the image has, and an empty disk for the parent that it names. */
function filesBeside({ spec, dataFile }: BuiltQcow2): Broken['beside'] {
  const { backing } = spec;
  return [
    ...(dataFile && spec.dataFile?.name !== undefined ? [{ name: spec.dataFile.name, image: dataFile }] : []),
    ...(typeof backing === 'string' ? [{ name: backing, image: new SparseImage(spec.size) }] : []),
  ];
}

/** An image on the bench, with the tools to break it. */
export class Bench {
  readonly image: SparseImage;
  readonly layout: Qcow2Layout;

  constructor(private readonly built: BuiltQcow2) {
    this.image = built.image;
    this.layout = built.layout;
  }

  /** Where the L2 entry of a guest cluster stands. */
  l2Entry(cluster: number, snapshot?: number): number {
    return known(this.layout.l2Entry(cluster, snapshot), `L2 entry of cluster ${cluster}`);
  }

  /** Where an entry of the active L1 table stands. */
  l1Entry(index: number): number {
    return this.layout.l1.offset + 8 * index;
  }

  l2Table(l1Index: number, snapshot?: number): number {
    return known(this.layout.l2Table(l1Index, snapshot), `L2 table ${l1Index}`);
  }

  /** Host offset that the L2 entry of a guest cluster names, low bits and all. */
  hostOf(cluster: number, snapshot?: number): number {
    return Number(this.image.peekU64(this.l2Entry(cluster, snapshot)) & 0x00ff_ffff_ffff_fe00n);
  }

  refcountBlock(index = 0): number {
    return known(this.layout.refcountBlocks.get(index), `refcount block ${index}`);
  }

  /** Changes a big-endian 64-bit word. */
  change(offset: number, to: (word: bigint) => bigint): void {
    this.image.pokeU64(offset, to(this.image.peekU64(offset)));
  }

  /** Gives the host cluster at `offset` another reference count in the image's own refcount block. */
  count(offset: number, references: bigint): void {
    const bits = 2 ** (this.built.spec.refcountOrder ?? 4);
    const { clusterSize } = this.layout;
    const perBlock = (clusterSize * 8) / bits;
    const cluster = Math.floor(offset / clusterSize);
    const index = cluster % perBlock;
    const at = this.refcountBlock(Math.floor(cluster / perBlock)) + Math.floor((index * bits) / 8);
    if (bits < 8) {
      const shift = (index * bits) % 8;
      const kept = (this.image.peek(at, 1)[0] ?? 0) & ~((2 ** bits - 1) << shift);
      this.image.poke(at, [kept | (Number(references) << shift)]);
      return;
    }
    const bytes = Array.from({ length: bits / 8 }, (_, i) => Number((references >> BigInt(bits - 8 - 8 * i)) & 0xffn));
    this.image.poke(at, bytes);
  }
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`there is no ${what}`);
  return value;
}
