import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { activateSnapshot, type SnapshotEntry, snapshotEntries } from '../../support/qcow2Patch';
import { qemuImg, qemuInfo } from '../../support/qemu';
import { Draw } from '../../support/random';
import { pack, unpack } from '../../support/sparse';
import { makeTempFolder, removeFolder } from '../../support/temp';
import { Workshop } from '../../support/workshop';
import { randomChain } from './randomChain';

/** The current state of an image, or an internal snapshot of it. */
export interface State {
  readonly image: string;
  readonly snapshot?: SnapshotEntry;
}

/** The image, or IMAGE@SNAPSHOT, as `vmdisk compare` names it. */
export const nameOf = ({ image, snapshot }: State): string => (snapshot ? `${image}@${snapshot.id}` : image);

/** A random chain on disk, and what a guest reads from it by qemu-img. */
export class Specimen {
  /** Draws beyond those that made the chain. */
  readonly draw: Draw;
  readonly folder: string;
  /** Base first. */
  readonly images: readonly string[];
  private readonly temp = makeTempFolder('chain');
  private readonly shop: Workshop;
  private readonly contents = new Map<string, Buffer>();

  constructor(seed: number, number: number) {
    this.draw = Draw.named(seed, `chain ${number}`);
    this.folder = join(this.temp, 'images');
    const built = join(this.temp, 'built');
    const scratch = join(this.temp, 'scratch');
    for (const path of [this.folder, built, scratch]) mkdirSync(path);
    // Half of them as QEMU leaves them on this file system, half with every block of zeroes a hole.
    const asLeft = this.draw.chance(0.5);
    this.shop = new Workshop(asLeft ? this.folder : built, scratch, this.draw);
    this.images = randomChain(this.shop);
    const files = [...this.shop.files.keys()];
    if (!asLeft) unpack(pack(built, new Map(files.map((file) => [file, 'sparse']))), this.folder);
    // Linux counts space that was kept but never written as a hole until its zeroes were read once: read them now,
    // since whoever asks second would otherwise see fewer holes than who asks first.
    for (const file of files) {
      for (const where of new Set([this.folder, this.shop.folder])) readFileSync(join(where, file));
    }
  }

  get leaf(): string {
    return this.images.at(-1) ?? '';
  }

  /** Those whose content can be read: without the encrypted ones. */
  get readable(): readonly string[] {
    return this.images.filter((image) => !this.shop.secrets.has(image));
  }

  /** How many layers a read from the leaf may pass. */
  get depth(): number {
    const info = qemuInfo(this.folder, '-U', '--backing-chain', this.leaf);
    return (info as unknown as readonly unknown[]).length;
  }

  /** The arguments by which qemu-img opens an image. */
  opening(image: string): string[] {
    return this.shop.opening(image);
  }

  snapshots(image: string): State[] {
    if (image.endsWith('.raw')) return [];
    return snapshotEntries(readFileSync(join(this.folder, image))).map((snapshot) => ({ image, snapshot }));
  }

  /** All states that can be read, each image's current one first. */
  states(): State[] {
    return this.readable.flatMap((image) => [{ image }, ...this.snapshots(image)]);
  }

  /** What a guest reads from a state, by qemu-img. */
  content(state: State): Buffer {
    const name = nameOf(state);
    const known = this.contents.get(name);
    if (known) return known;
    const out = this.output('truth.raw');
    this.asFile(state, (file) => qemuImg(this.folder, 'convert', '-q', '-U', '-O', 'raw', file, out));
    const bytes = readFileSync(out);
    rmSync(out);
    this.contents.set(name, bytes);
    return bytes;
  }

  /**
   * Runs `use` with an image whose current state is `state`: for a snapshot a copy that has it as its active state,
   * since `qemu-img convert -l` keeps the size of the current one, and `qemu-img compare` knows no snapshots.
   */
  asFile<T>({ image, snapshot }: State, use: (file: string) => T): T {
    if (!snapshot) return use(image);
    const copy = `active-${snapshot.id}-${image}`;
    const path = join(this.folder, copy);
    copyFileSync(join(this.folder, image), path);
    const bytes = readFileSync(path);
    activateSnapshot(bytes, snapshot);
    writeFileSync(path, bytes);
    try {
      return use(copy);
    } finally {
      rmSync(path);
    }
  }

  /** A place for a file that is made of an image. */
  output(name: string): string {
    return join(this.temp, name);
  }

  remove(): void {
    this.contents.clear();
    removeFolder(this.temp);
  }
}
