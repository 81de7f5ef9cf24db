import type { SparseImage } from '../../fixtures/build/index';
import type { Anatomy } from '../fields';
import type { Field, Meaning } from '../values';

/** Where a format's numbers stand, and what has to be put right for a reader to believe them. */
export interface Grammar {
  /** Written for images that are whole: of a broken one it finds what it can and believes nothing twice. */
  readonly dissect: (image: SparseImage) => FormatAnatomy;
  /** Computes anew the checksums of what was changed. */
  readonly mend?: (image: SparseImage) => void;
}

export interface FormatAnatomy extends Anatomy {
  /** Ranges that hold text: a descriptor, a name. */
  readonly texts: readonly (readonly [start: number, end: number])[];
  /** Values that mean something of their own in an entry of a table. */
  readonly specials: readonly bigint[];
}

export type Layout = readonly (readonly [at: number, width: Field['width'], meaning: Meaning])[];

interface TableOptions {
  /** Bytes that one more of an entry's value stands for. */
  readonly scale?: number;
  readonly width?: Field['width'];
  /** Bytes from one entry to the next. */
  readonly step?: number;
}

/** Entries of a table that are listed: the first ones, and the first that are used. */
const FEW = 6;
const LOOKED_AT = 600;

/** Takes an image apart; offsets that can't be are left out. */
export class Dissection {
  private readonly fields: Field[] = [];
  private readonly places = new Set<number>();
  private readonly texts: (readonly [number, number])[] = [];

  constructor(
    private readonly image: SparseImage,
    private readonly littleEndian: boolean,
  ) {}

  get size(): number {
    return this.image.size;
  }

  /** A structure at an offset, with its fields. */
  structure(at: number, layout: Layout): void {
    if (!this.place(at)) return;
    for (const [offset, width, meaning] of layout) this.add({ at: at + offset, width, meaning });
  }

  table(at: number, count: number, { scale = 1, width = 4, step = width }: TableOptions = {}): void {
    if (!this.place(at)) return;
    for (let index = 0, used = 0; index < Math.min(count, LOOKED_AT) && used < 4 * FEW; index += 1) {
      const entry = at + index * step;
      if (entry + width > this.size) return;
      const isUsed = index >= FEW && !this.image.peek(entry, width).every((byte) => byte === 0 || byte === 255);
      if (index >= FEW && !isUsed) continue;
      used += isUsed ? 1 : 0;
      this.add({ at: entry, width, meaning: 'entry', scale });
    }
  }

  /** The first entries that are used, for a table that leads to others. */
  used(at: number, count: number, width: 4 | 8): number[] {
    const found: number[] = [];
    for (let index = 0; index < Math.min(count, LOOKED_AT) && found.length < FEW; index += 1) {
      const value = width === 4 ? this.u32(at + index * width) : this.u64(at + index * width);
      if (value !== 0) found.push(value);
    }
    return found;
  }

  text(start: number, length: number): void {
    if (start > 0 && start + length <= this.size && length > 0) this.texts.push([start, start + length]);
  }

  place(at: number): boolean {
    if (!(at >= 0 && at < this.size)) return false;
    this.places.add(at);
    return true;
  }

  u16(at: number): number {
    return this.view(at, 2).getUint16(0, this.littleEndian);
  }

  u32(at: number): number {
    return this.view(at, 4).getUint32(0, this.littleEndian);
  }

  u64(at: number): number {
    return Number(this.view(at, 8).getBigUint64(0, this.littleEndian));
  }

  ascii(at: number, length: number): string {
    return Buffer.from(this.view(at, length).buffer).toString('latin1');
  }

  /** @param unit the size of the format's blocks */
  result(unit: number, specials: readonly bigint[]): FormatAnatomy {
    const { fields, places, texts } = this;
    // A file of nothing that is known has its bytes.
    if (fields.length === 0) fields.push({ at: 0, width: 1, meaning: 'small' });
    const clusterSize = Math.min(2 ** 28, Math.max(512, unit));
    return { fields, places: [...places], texts, clusterSize, headerLength: 0, specials };
  }

  private add(field: Omit<Field, 'littleEndian'>): void {
    const { at, width } = field;
    if (at >= 0 && at + width <= this.size) this.fields.push({ ...field, littleEndian: this.littleEndian });
  }

  private view(at: number, length: number): DataView {
    const bytes = at >= 0 ? this.image.peek(at, length) : new Uint8Array();
    return new DataView(bytes.length === length ? bytes.buffer : new ArrayBuffer(length));
  }
}
