import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { qemuImg } from '../../support/qemu';
import { Draw } from '../../support/random';
import { makeTempFolder, removeFolder } from '../../support/temp';
import { Workshop } from '../../support/workshop';
import { diskSize, Life } from '../differential/life';

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_SIZE = 8 * MIB;
const SECTOR = 512;
const AN_HOUR_S = 3600;

/** Images that stand on one base, branching, each drawn; and the means to have them as they were made, again and again. */
export class RandomFamily {
  /** Base first; each after what it stands on. */
  readonly images: string[] = [];
  readonly folder: string;
  private readonly parents = new Map<string, string>();
  private readonly temp = makeTempFolder('family');
  private readonly kept: string;
  private readonly shop: Workshop;

  constructor(seed: number, number: number) {
    this.folder = join(this.temp, 'images');
    this.kept = join(this.temp, 'kept');
    const scratch = join(this.temp, 'scratch');
    for (const folder of [this.folder, scratch]) mkdirSync(folder);
    this.shop = new Workshop(this.folder, scratch, Draw.named(seed, `family ${number}`));
    this.make();
    copyFolder(this.folder, this.kept);
  }

  path(image: string): string {
    return join(this.folder, image);
  }

  parentOf(image: string): string | undefined {
    return this.parents.get(image);
  }

  childrenOf(image: string): string[] {
    return this.images.filter((other) => this.parents.get(other) === image);
  }

  /** All that stand on an image, near or far. */
  above(image: string): string[] {
    return this.childrenOf(image).flatMap((child) => [child, ...this.above(child)]);
  }

  /** Every file as it was made, last changed an hour ago. */
  restore(): void {
    rmSync(this.folder, { recursive: true });
    copyFolder(this.kept, this.folder);
    this.age();
  }

  /** What happened lately is looked at twice, which takes its time. */
  age(): void {
    const then = Date.now() / 1000 - AN_HOUR_S;
    for (const file of readdirSync(this.folder)) utimesSync(this.path(file), then, then);
  }

  /** SHA-256 of what a guest reads, by qemu-img. */
  hash(image: string): string {
    const out = join(this.temp, 'truth.raw');
    qemuImg(this.folder, 'convert', '-q', ...this.shop.opening(image), '-O', 'raw', image, out);
    const hash = createHash('sha256').update(readFileSync(out)).digest('hex');
    const { size } = statSync(out);
    rmSync(out);
    return `${hash} ${size}`;
  }

  /** A file beside the images' folder. */
  scratch(name: string): string {
    return join(this.temp, name);
  }

  remove(): void {
    removeFolder(this.temp);
  }

  private make(): void {
    const { draw } = this.shop;
    let size = draw.between(64, 4096) * SECTOR;
    if (draw.chance(0.4)) {
      this.images.push('base.raw');
      this.rawBase(size - draw.pick([0, 0, 0, 1, 511]));
    } else this.layer('base.qcow2', undefined, size);
    const count = draw.between(2, 5);
    for (let index = 1; index <= count; index += 1) {
      // Now and then from an older one: then the family branches.
      const parent = draw.chance(0.65) ? (this.images.at(-1) ?? '') : draw.pick(this.images);
      size = this.nextSize(this.sizeOf(parent));
      this.layer(`layer-${index}.qcow2`, parent, size);
    }
  }

  private rawBase(size: number): void {
    const { draw } = this.shop;
    const parts: [number, Uint8Array][] = [];
    for (let count = draw.below(6); count > 0; count -= 1) {
      const at = Math.floor(draw.below(size) / 4096) * 4096;
      const length = Math.min(draw.between(1, 24) * 4096, size - at);
      parts.push([at, draw.chance(0.2) ? new Uint8Array(length) : draw.bytes(length)]);
    }
    this.shop.raw('base.raw', size, parts);
  }

  private sizeOf(image: string): number {
    if (!image.endsWith('.raw')) return diskSize(this.shop, image);
    return Math.ceil(statSync(this.path(image)).size / SECTOR) * SECTOR;
  }

  private nextSize(size: number): number {
    const sectors = Math.round((size * this.shop.draw.pick([1, 1, 1, 1, 0.6, 1.1, 1.7])) / SECTOR);
    return Math.min(MAX_SIZE, Math.max(1, sectors) * SECTOR);
  }

  private layer(image: string, parent: string | undefined, size: number): void {
    const { draw } = this.shop;
    const old = draw.chance(0.2);
    const extended = !old && draw.chance(0.3);
    const cluster = 2 ** draw.between(extended ? 14 : 9, 21);
    const refcountBits = old ? 16 : draw.pick([1, 2, 8, 16, 16, 32, 64]);
    const options: Record<string, string | number> = { cluster_size: cluster };
    if (old) options['compat'] = '0.10';
    else {
      options['refcount_bits'] = refcountBits;
      if (extended) options['extended_l2'] = 'on';
      if (draw.chance(0.2)) options['lazy_refcounts'] = 'on';
    }
    if (parent === undefined && draw.chance(0.2)) options['preallocation'] = draw.pick(['metadata', 'full']);
    // The header of the smallest clusters has no room for a whole path.
    const whole = parent !== undefined && cluster > 1024 && draw.chance(0.2);
    this.shop.qcow2(image, {
      size,
      options,
      ...(parent !== undefined && { backing: whole ? this.path(parent) : parent, backingFormat: formatOf(parent) }),
    });
    const unit = extended && draw.chance(0.5) ? cluster / 32 : SECTOR;
    const compress = draw.chance(0.5);
    this.shop.scribble(image, {
      size,
      cluster,
      unit,
      operations: draw.between(0, 24),
      compress,
      noiseBudget: 64 * KIB,
    });
    if (draw.chance(0.25)) {
      const traits = { cluster, unit, old, compress, dataFile: false, refcountBits };
      new Life(this.shop, image, traits).live(draw.between(1, 4));
    }
    this.images.push(image);
    if (parent !== undefined) this.parents.set(image, parent);
  }
}

export const formatOf = (image: string): 'raw' | 'qcow2' => (image.endsWith('.raw') ? 'raw' : 'qcow2');

/** With the holes of all files, and their times. */
function copyFolder(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', '--sparse=auto', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp: ${stderr}`);
}
