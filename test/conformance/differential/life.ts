import { readFileSync, writeFileSync } from 'node:fs';
import { QemuError, qemuImg } from '../../support/qemu';
import type { Workshop } from '../../support/workshop';

const KIB = 1024;
const MAX_SIZE = 12 * KIB * KIB;

/** What decides which steps an image can take. */
export interface Traits {
  readonly cluster: number;
  /** Granularity of small writes. */
  readonly unit: number;
  /** Version 2. */
  readonly old: boolean;
  /** Clusters can be written compressed. */
  readonly compress: boolean;
  readonly dataFile: boolean;
  readonly refcountBits: number;
}

/** Size of the disk as the header of a qcow2 image has it. */
export function diskSize(shop: Workshop, image: string): number {
  return Number(readFileSync(shop.path(image)).readBigUInt64BE(24));
}

/**
 * What a VM and its administrator do to an image after its first writes: drawn step by step. A step that QEMU refuses,
 * such as one reference more than the refcounts can count, leaves the image as QEMU leaves it.
 */
export class Life {
  private snapshots: string[] = [];
  private bitmaps: string[] = [];
  private names = 0;

  constructor(
    private readonly shop: Workshop,
    private readonly image: string,
    private readonly traits: Traits,
  ) {}

  live(steps: number): void {
    const { draw } = this.shop;
    const { old, dataFile, refcountBits } = this.traits;
    const countable = !dataFile && refcountBits > 1;
    const possible = [
      () => this.scribble(),
      () => this.scribble(),
      () => this.resize(),
      ...(countable ? [() => this.take(), () => this.take(), () => this.apply(), () => this.delete()] : []),
      ...(old ? [] : [() => this.addBitmap(), () => this.removeBitmap(), () => this.amend()]),
    ];
    for (let count = 0; count < steps; count += 1) tolerantly(draw.pick(possible));
    if (draw.chance(0.25)) this.crash();
  }

  /** Writes, zeroes and discards here and there, over the whole disk. */
  private scribble(): void {
    const { cluster, unit, compress } = this.traits;
    const operations = this.shop.draw.between(1, 12);
    const size = diskSize(this.shop, this.image);
    this.shop.scribble(this.image, { size, cluster, unit, operations, compress, noiseBudget: 16 * KIB });
  }

  private resize(): void {
    const { draw } = this.shop;
    const size = diskSize(this.shop, this.image);
    const wanted = Math.round((size * draw.pick([0.5, 0.9, 1.2, 2])) / 512) * 512;
    const target = Math.min(MAX_SIZE, Math.max(512, wanted + draw.pick([0, 0, this.traits.cluster])));
    const options = this.shop.opening(this.image);
    qemuImg(this.shop.folder, 'resize', '-q', '--shrink', ...options, String(target));
  }

  private take(): void {
    const name = this.nextName('state');
    this.snapshot('-c', name);
    this.snapshots.push(name);
  }

  private apply(): void {
    if (this.snapshots.length > 0) this.snapshot('-a', this.shop.draw.pick(this.snapshots));
  }

  private delete(): void {
    if (this.snapshots.length === 0) return;
    const name = this.shop.draw.pick(this.snapshots);
    this.snapshots = this.snapshots.filter((other) => other !== name);
    this.snapshot('-d', name);
  }

  private snapshot(action: string, name: string): void {
    qemuImg(this.shop.folder, 'snapshot', '-q', action, name, ...this.target());
  }

  private addBitmap(): void {
    const { draw } = this.shop;
    const name = this.nextName('bitmap');
    const granularity = 2 ** draw.between(9, 20);
    const state = draw.chance(0.3) ? ['--disable'] : [];
    this.bitmap('--add', name, '-g', String(granularity), ...state);
    this.bitmaps.push(name);
    this.scribble();
  }

  private removeBitmap(): void {
    if (this.bitmaps.length === 0) return;
    const name = this.shop.draw.pick(this.bitmaps);
    const action = this.shop.draw.pick(['--remove', '--clear']);
    if (action === '--remove') this.bitmaps = this.bitmaps.filter((other) => other !== name);
    this.bitmap(action, name);
  }

  private bitmap(action: string, name: string, ...more: readonly string[]): void {
    qemuImg(this.shop.folder, 'bitmap', action, ...more, ...this.target(), name);
  }

  /** Changes when refcounts are written, or writes all of them in another width. */
  private amend(): void {
    const { draw } = this.shop;
    const bits = `refcount_bits=${draw.pick([8, 16, 64])}`;
    // Where a block holds millions of counts this takes QEMU minutes.
    const widths = this.traits.cluster <= 64 * KIB ? [bits, bits] : [];
    const option = draw.pick(['lazy_refcounts=on', 'lazy_refcounts=off', ...widths]);
    qemuImg(this.shop.folder, 'amend', '-q', '-o', option, ...this.target());
  }

  /**
   * The program dies: what it had in mind is lost, and refcounts written lazily stay behind. Where QEMU can't read the
   * image any more (what was compressed there is overwritten), it is no use here, and is put back.
   */
  private crash(): void {
    const { draw } = this.shop;
    const { cluster } = this.traits;
    const size = diskSize(this.shop, this.image);
    const commands = Array.from({ length: draw.between(1, 6) }, () => {
      const start = draw.below(Math.ceil(size / cluster)) * cluster;
      const where = `${start} ${Math.min(cluster, size - start)}`;
      return draw.pick([`write -P ${this.shop.nextByte()} ${where}`, `discard ${where}`, 'flush']);
    });
    const before = readFileSync(this.shop.path(this.image));
    tolerantly(() => this.shop.io(this.image, ...commands, 'abort'));
    try {
      this.shop.io(this.image, `read 0 ${size}`);
    } catch (error) {
      if (!(error instanceof QemuError)) throw error;
      writeFileSync(this.shop.path(this.image), before);
    }
  }

  private nextName(kind: string): string {
    this.names += 1;
    return `${kind}-${this.names}`;
  }

  /** The image for those commands of qemu-img that take no format. */
  private target(): string[] {
    return this.shop.secrets.has(this.image) ? this.shop.opening(this.image) : [this.image];
  }
}

/** Does what QEMU may refuse. */
export function tolerantly(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof QemuError)) throw error;
  }
}
