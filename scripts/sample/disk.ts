import { DISCARD, LITERAL, literalBlock, literalBlocks, ZEROES } from './asset';
import { BLOCK, blockOf } from './content';
import type { Guest, Step } from './asset';
import type { ContentSpec } from './content';

/** What the last step did to a block. */
export const UNTOUCHED = 0;
export const WRITTEN = 1;
export const DISCARDED = 2;
export const ZEROED = 3;
export type How = typeof UNTOUCHED | typeof WRITTEN | typeof DISCARDED | typeof ZEROED;

/** Gives one block's bytes when somebody wants them. */
export type BlockSource = () => Uint8Array;

/** A disk at one moment, and what the last step wrote. Blocks without a source read as zeros. */
export class Disk {
  readonly blocks: number;
  readonly #sources: (BlockSource | undefined)[];
  readonly #files: (ContentSpec | undefined)[];
  readonly #how: How[];

  constructor(size: number, before?: Disk) {
    this.blocks = size / BLOCK;
    const fresh = new Array<undefined>(this.blocks - (before?.blocks ?? 0)).fill(undefined);
    this.#sources = before ? [...before.#sources, ...fresh] : fresh;
    this.#files = before ? [...before.#files, ...fresh] : [...fresh];
    this.#how = new Array<How>(this.blocks).fill(UNTOUCHED);
  }

  write(block: number, source: BlockSource, file?: ContentSpec): void {
    this.#sources[block] = source;
    this.#files[block] = file;
    this.#how[block] = WRITTEN;
  }

  writeBytes(block: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BLOCK) {
      this.write(block + at / BLOCK, () => bytes.subarray(at, at + BLOCK));
    }
  }

  clear(block: number, how: typeof DISCARDED | typeof ZEROED): void {
    this.#sources[block] = undefined;
    this.#files[block] = undefined;
    this.#how[block] = how;
  }

  how(block: number): How {
    return this.#how[block] ?? UNTOUCHED;
  }

  isZero(block: number): boolean {
    return this.#sources[block] === undefined;
  }

  /** The file that a seed gives and that this block belongs to. */
  file(block: number): ContentSpec | undefined {
    return this.#files[block];
  }

  /** The bytes of `count` blocks from `block` on, put into `out`. */
  read(block: number, count: number, out = new Uint8Array(count * BLOCK)): Uint8Array {
    for (let i = 0; i < count; i++) {
      const source = this.#sources[block + i];
      if (source) {
        out.set(source(), i * BLOCK);
      } else {
        out.fill(0, i * BLOCK, (i + 1) * BLOCK);
      }
    }
    return out;
  }
}

/** Where each page of the guest's database lies: page number → disk block. */
export type Pages = ReadonlyMap<number, number>;

/** Plays the steps of a guest onto disks. */
export class Player {
  readonly #guest: Guest;
  readonly #firstLiteral = new Map<Step, number>();

  constructor(guest: Guest) {
    this.#guest = guest;
    let literal = 0;
    for (const step of guest.steps) {
      this.#firstLiteral.set(step, literal);
      literal += literalBlocks(step);
    }
  }

  /**
   * What the file system did in a step, onto `disk`. A discard frees whole units of `unit` blocks only: smaller ones
   * are dropped on the way, as an image format does that can forget no less than a cluster.
   */
  play(name: string, disk: Disk, unit: number): void {
    const step = this.#step(name);
    let literal = this.#firstLiteral.get(step) ?? 0;
    for (const [block, count, source, first] of step.writes) {
      const end = block + count;
      if (source === DISCARD) {
        const from = Math.ceil(block / unit) * unit;
        for (let at = from; at < Math.floor(end / unit) * unit; at++) {
          disk.clear(at, DISCARDED);
        }
      } else if (source === ZEROES) {
        for (let at = block; at < end; at++) {
          disk.clear(at, ZEROED);
        }
      } else if (source === LITERAL) {
        for (let at = block; at < end; at++) {
          const bytes = literalBlock(this.#guest, literal++);
          disk.write(at, () => bytes);
        }
      } else {
        const file = this.#guest.files[source];
        for (let i = 0; file && i < count; i++) {
          disk.write(block + i, () => blockOf(file, first + i), file);
        }
      }
    }
  }

  /** The pages of the database whose file begins with `magic`, as the step placed them. */
  pages(name: string, magic: string): { spec: ContentSpec; pages: Pages } {
    const pages = new Map<number, number>();
    let spec: ContentSpec | undefined;
    for (const [block, count, source, first] of this.#step(name).writes) {
      const file = this.#guest.files[source];
      if (file?.kind === 'pages' && file.magic === magic) {
        spec = file;
        for (let i = 0; i < count; i++) {
          pages.set(first + i, block + i);
        }
      }
    }
    if (!spec) {
      throw new Error(`step ${name} writes no ${magic} pages`);
    }
    return { spec, pages };
  }

  /** Disk blocks of the journal, in its order. */
  journal(): number[] {
    return this.#guest.journal.flatMap(([block, count]) => Array.from({ length: count }, (_, i) => block + i));
  }

  #step(name: string): Step {
    const step = this.#guest.steps.find((s) => s.name === name);
    if (!step) {
      throw new Error(`the guest has no step ${name}`);
    }
    return step;
  }
}
