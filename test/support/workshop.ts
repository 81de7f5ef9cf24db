import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Draw } from './random';
import type { HolePolicy } from './sparse';
import { QemuError, qemuImg, qemuIo } from './qemu';

export interface Qcow2Options {
  /** Bytes; the backing file's when left out. */
  readonly size?: number;
  readonly backing?: string;
  readonly backingFormat?: string;
  /** `-o` options in qemu-img's own names. */
  readonly options?: Readonly<Record<string, string | number>>;
  /** Passphrase, with `encrypt.format` among the options. */
  readonly secret?: string;
}

export interface ScribbleOptions {
  /** Size of the guest's disk. */
  readonly size: number;
  readonly cluster: number;
  readonly operations: number;
  /** Write some clusters compressed. */
  readonly compress?: boolean;
  /** Granularity of writes that are no whole clusters; 512 when left out. */
  readonly unit?: number;
  /** Bytes that no compressor makes smaller: what they take in the repository is what they are. */
  readonly noiseBudget?: number;
}

export const SECTOR = 512;
/** Longest text written in one go, repeated where a cluster is longer: the repository keeps what it takes. */
const TEXT = 3000;
const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
const roundDown = (value: number, unit: number): number => Math.floor(value / unit) * unit;

/** Makes image files in a folder with qemu-img and qemu-io, noting how their holes are to be packed. */
export class Workshop {
  /** Every image and how it is packed. */
  readonly files = new Map<string, HolePolicy>();
  readonly secrets = new Map<string, string>();
  private patterns = 0;
  private stamp = 0;

  /**
   * @param folder where the images go
   * @param scratch where the patterns that are written to images go
   */
  constructor(
    readonly folder: string,
    readonly scratch: string,
    readonly draw: Draw,
  ) {}

  path(image: string): string {
    return join(this.folder, image);
  }

  /** A raw image: `parts` written at their offsets; holes where `data` (by default, the parts' ranges) leaves them. */
  raw(image: string, size: number, parts: readonly (readonly [number, Uint8Array])[], data?: HolePolicy): void {
    const bytes = new Uint8Array(size);
    for (const [at, part] of parts) bytes.set(part, at);
    mkdirSync(dirname(this.path(image)), { recursive: true });
    writeFileSync(this.path(image), bytes);
    this.files.set(image, data ?? parts.map(([at, part]) => [at, at + part.length] as const));
  }

  /** Creates a qcow2 image; its folder is the working folder, so that relative names mean what they mean to QEMU. */
  qcow2(image: string, { size, backing, backingFormat, options = {}, secret }: Qcow2Options): void {
    mkdirSync(dirname(this.path(image)), { recursive: true });
    const slash = image.lastIndexOf('/') + 1;
    const all: Record<string, string | number> = { ...options };
    if (secret !== undefined) all['encrypt.key-secret'] = 'key';
    qemuImg(
      this.path(image.slice(0, slash)),
      'create',
      ...['-q', '-f', 'qcow2'],
      ...(secret === undefined ? [] : ['--object', `secret,id=key,data=${secret}`]),
      ...(backing === undefined ? [] : ['-b', backing, '-F', backingFormat ?? 'qcow2']),
      ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      `./${image.slice(slash)}`,
      ...(size === undefined ? [] : [String(size)]),
    );
    this.files.set(image, 'dense');
    if (secret !== undefined) this.secrets.set(image, secret);
  }

  /** Runs qemu-io on an image. */
  io(image: string, ...commands: readonly string[]): void {
    qemuIo(this.folder, this.opening(image, 'qemu-io'), commands);
  }

  /** The arguments that open an image, with its secret where it has one. */
  opening(image: string, program: 'qemu-img' | 'qemu-io' = 'qemu-img'): string[] {
    const secret = this.secrets.get(image);
    if (secret !== undefined) {
      const options = `driver=qcow2,encrypt.key-secret=key,file.filename=${image}`;
      return ['--object', `secret,id=key,data=${secret}`, '--image-opts', options];
    }
    const format = image.endsWith('.raw') ? 'raw' : 'qcow2';
    return ['-f', format, program === 'qemu-io' || image.includes(':') ? `./${image}` : image];
  }

  /** Names a file of `bytes` for qemu-io's `-s`. */
  pattern(bytes: Uint8Array): string {
    this.patterns += 1;
    const file = join(this.scratch, `pattern-${this.patterns}`);
    writeFileSync(file, bytes);
    return file;
  }

  /** A byte that no other write of this workshop has had lately. */
  nextByte(): number {
    this.stamp = (this.stamp % 254) + 1;
    return this.stamp;
  }

  patch(image: string, change: (bytes: Buffer) => void): void {
    const bytes = readFileSync(this.path(image));
    change(bytes);
    writeFileSync(this.path(image), bytes);
  }

  /** Writes, zeroes, discards and compresses here and there; the compressed clusters come first. */
  scribble(image: string, options: ScribbleOptions): void {
    const { size, cluster } = options;
    const compressed: string[] = [];
    const commands: string[] = [];
    let noise = options.noiseBudget ?? 0;
    for (let count = 0; count < options.operations; count += 1) {
      const span = this.span(size, cluster);
      // One at a time: QEMU compresses the clusters of one write side by side and places them as they come.
      const one = this.span(size, cluster, 1);
      const part = this.part(size, cluster, options.unit ?? SECTOR);
      const kind = this.draw.below(options.compress ? 12 : 9);
      if (kind < 2) commands.push(`write -P ${this.nextByte()} ${span}`);
      else if (kind === 2) commands.push(`write -P ${this.nextByte()} ${part}`);
      else if (kind === 3) commands.push(`write -s ${this.pattern(this.draw.text(Math.min(cluster, TEXT)))} ${span}`);
      else if (kind === 4 && noise >= 4 * SECTOR) {
        const length = Math.min(cluster, noise, 4096);
        noise -= length;
        commands.push(`write -s ${this.pattern(this.draw.bytes(length))} ${this.part(size, length, SECTOR, length)}`);
      } else if (kind <= 5) commands.push(`write -z ${span}`);
      else if (kind === 6) commands.push(`write -z -u ${span}`);
      else if (kind === 7) commands.push(`write -z ${part}`);
      else if (kind === 8) commands.push(`discard ${span}`);
      else if (kind === 9) compressed.push(`write -c -P ${this.nextByte()} ${one}`);
      else compressed.push(`write -c -s ${this.pattern(this.draw.text(Math.min(cluster, TEXT) - 7))} ${one}`);
    }
    for (const command of compressed) this.tryIo(image, command);
    this.io(image, ...commands);
  }

  /** A compressed write is refused where the cluster has space of its own already: then nothing is written. */
  private tryIo(image: string, command: string): void {
    try {
      this.io(image, command);
    } catch (error) {
      if (!(error instanceof QemuError)) throw error;
    }
  }

  /** Some whole clusters, the last of which the disk's end may cut. */
  private span(size: number, cluster: number, count = this.draw.between(1, 3)): string {
    const start = this.draw.below(Math.ceil(size / cluster)) * cluster;
    const length = Math.min(count * cluster, size - start);
    return `${start} ${length}`;
  }

  /** A few units anywhere. */
  private part(size: number, cluster: number, unit: number, length = this.draw.between(1, 3) * unit): string {
    const wanted = Math.min(length, roundUp(cluster, unit), size);
    const start = roundDown(this.draw.below(size - wanted + 1), unit);
    return `${start} ${wanted}`;
  }
}
