import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ChainEndKind } from '../../../src/core';
import { SparseImage, writeImage } from '../../fixtures/build/index';
import type { MapEntry } from '../../support/qemu';
import { qemuImg, qemuIo } from '../../support/qemu';
import type { Draw } from '../../support/random';
import type { HolePolicy } from '../../support/sparse';
import type { Facts } from '../info';
import type { OtherJudge } from './judges';

/** What qemu-img can be asked about an image. */
export type Part = 'content' | 'map' | 'info' | 'check';

/** Makes the images of one folder of `test/fixtures/formats/FORMAT`. */
export interface FormatRecipe {
  readonly name: string;
  /** Which branch of the driver it is for, in a line. */
  readonly branch: string;
  /** The newest image, a path below the fixture's folder. */
  readonly leaf: string;
  /** The images that can be read, newest first; the leaf alone when left out. */
  readonly chain?: readonly string[];
  /** `base` when left out. */
  readonly end?: ChainEndKind;
  /** What qemu-img is asked about: all of it when left out; what it gets wrong or can't do is left away, with `because`. */
  readonly qemu?: readonly Part[];
  /** Other readers that are asked for the content. They must all agree, with each other and with what `make` knows. */
  readonly others?: readonly OtherJudge[];
  /** Why qemu-img does not judge all of it. */
  readonly because?: string;
  /** Makes the files in `shop.folder`, and says what is known of them by hand. */
  make(shop: FormatShop): Known | undefined;
}

/** What a recipe works out by itself, from the format's specification. */
export interface Known {
  /** What a guest reads. */
  readonly disk?: SparseImage;
  /** That not all of it can be read, though no image is missing. */
  readonly unreadable?: true;
  /** Takes the place of qemu-img's. */
  readonly map?: readonly MapEntry[];
  /** The map where files have no holes, if it differs. */
  readonly dense?: readonly MapEntry[];
  readonly info?: Facts;
  /** Codes of all findings that are more than information; none when left out. */
  readonly findings?: readonly string[];
  /** Codes of what a check finds; none when left out, unless qemu-img finds something. */
  readonly problems?: readonly string[];
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** Where a recipe makes its files. */
export class FormatShop {
  /** How a file is packed; the others are `sparse`. */
  readonly holes = new Map<string, HolePolicy>();
  private patterns = 0;

  /**
   * @param folder where the images go
   * @param scratch where other files go
   * @param draw random numbers that are the same each time
   */
  constructor(
    readonly folder: string,
    readonly scratch: string,
    readonly draw: Draw,
  ) {}

  path(file: string): string {
    return join(this.folder, file);
  }

  /** `qemu-img create` in the fixture's folder. @param options `-o`, in qemu-img's own names */
  create(file: string, format: string, size: number, options: Readonly<Record<string, string | number>> = {}): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    const all = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    qemuImg(this.folder, 'create', '-q', '-f', format, ...all, file, String(size));
  }

  /** `qemu-img`, in the fixture's folder. */
  qemuImg(...args: readonly string[]): void {
    qemuImg(this.folder, ...args);
  }

  /** `qemu-io`, in the fixture's folder. @param commands such as `write -P 1 64k 64k` */
  io(file: string, format: string, ...commands: readonly string[]): void {
    qemuIo(this.folder, ['-f', format, file], commands);
  }

  /** A file of these bytes. */
  put(file: string, content: SparseImage | Uint8Array | string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    if (content instanceof SparseImage) writeImage(this.path(file), content);
    else writeFileSync(this.path(file), content);
  }

  /** A raw file outside the fixture's folder, to convert from or for qemu-io's `write -s`. */
  scratchFile(content: SparseImage | Uint8Array): string {
    this.patterns += 1;
    const file = join(this.scratch, `pattern-${this.patterns}`);
    if (content instanceof SparseImage) writeImage(file, content);
    else writeFileSync(file, content);
    return file;
  }
}

/** A range of a map by hand; what lies between ranges is nobody's. */
export type Piece = readonly [
  start: number,
  length: number,
  kind: 'data' | 'zero' | 'compressed',
  depth?: number,
  offset?: number | undefined,
];

/**
 * A map in the words of qemu-img.
 * @param size of the disk
 * @param pieces rising; depth is 0 and there is no offset where they are left out
 * @param deepest depth of the layer that is told for what nobody has
 */
export function handMap(size: number, pieces: readonly Piece[], deepest = 0): MapEntry[] {
  const entries: MapEntry[] = [];
  let at = 0;
  const nobody = (end: number): void => {
    if (end <= at) return;
    entries.push({
      start: at,
      length: end - at,
      depth: deepest,
      present: false,
      zero: true,
      data: false,
      compressed: false,
    });
  };
  for (const [start, length, kind, depth = 0, offset] of pieces) {
    nobody(start);
    const what = { zero: kind === 'zero', data: kind !== 'zero', compressed: kind === 'compressed' };
    entries.push({ start, length, depth, present: true, ...what, ...(offset !== undefined && { offset }) });
    at = start + length;
  }
  nobody(size);
  return entries;
}
