import type { SparseImage } from '../fixtures/build/index';
import type { Field, Meaning } from './values';

/**
 * Where the numbers of a qcow2 image stand (docs/interop/qcow2.rst). Written for images that are whole: of a broken one
 * it finds what it can and believes nothing twice.
 */
export interface Anatomy {
  readonly fields: readonly Field[];
  /** Where structures begin. */
  readonly places: readonly number[];
  readonly clusterSize: number;
  /** Where the header ends and its extensions begin. */
  readonly headerLength: number;
}

/** Fields of each structure that are listed: the first ones are as good as all. */
const FEW = 6;
const ENTRIES = 24;

const HEADER: readonly (readonly [at: number, width: Field['width'], meaning: Meaning])[] = [
  [4, 4, 'small'],
  [8, 8, 'offset'],
  [16, 4, 'count'],
  [20, 4, 'small'],
  [24, 8, 'size'],
  [32, 4, 'small'],
  [36, 4, 'count'],
  [40, 8, 'offset'],
  [48, 8, 'offset'],
  [56, 4, 'count'],
  [60, 4, 'count'],
  [64, 8, 'offset'],
  [72, 8, 'flags'],
  [80, 8, 'flags'],
  [88, 8, 'flags'],
  [96, 4, 'small'],
  [100, 4, 'count'],
  [104, 1, 'small'],
];
const BITMAPS_EXTENSION = 0x23852875;
const LUKS_EXTENSION = 0x0537be77;

export function anatomyOf(image: SparseImage): Anatomy {
  return new Dissection(image).run();
}

class Dissection {
  private readonly fields: Field[] = [];
  private readonly places = new Set<number>();
  private readonly clusterSize: number;

  constructor(private readonly image: SparseImage) {
    this.clusterSize = 2 ** Math.min(21, Math.max(9, this.u32(20)));
  }

  run(): Anatomy {
    for (const field of HEADER) this.add(...field);
    const version = this.u32(4);
    const headerLength = version === 2 ? 72 : Math.min(this.clusterSize, Math.max(104, this.u32(100)));
    this.extensions(headerLength);
    this.mapping(this.u64(40), this.u32(36));
    this.refcounts();
    this.snapshots();
    return { fields: this.fields, places: [...this.places], clusterSize: this.clusterSize, headerLength };
  }

  private extensions(from: number): void {
    for (let at = from, count = 0; count < 10; count += 1) {
      const type = this.u32(at);
      this.add(at, 4, 'flags');
      this.add(at + 4, 4, 'count');
      if (type === 0) return;
      if (type === BITMAPS_EXTENSION) this.bitmaps(at + 8);
      if (type === LUKS_EXTENSION) this.luks(at + 8);
      at += 8 + Math.ceil(this.u32(at + 4) / 8) * 8;
    }
  }

  private bitmaps(at: number): void {
    this.add(at, 4, 'count');
    this.add(at + 8, 8, 'size');
    this.add(at + 16, 8, 'offset');
    const directory = this.place(this.u64(at + 16));
    for (let entry = directory, count = 0; count < Math.min(FEW, this.u32(at)); count += 1) {
      this.add(entry, 8, 'offset');
      this.add(entry + 8, 4, 'count');
      this.add(entry + 12, 4, 'flags');
      this.add(entry + 16, 1, 'small');
      this.add(entry + 17, 1, 'small');
      this.add(entry + 18, 2, 'count');
      this.add(entry + 20, 4, 'count');
      this.table(this.place(this.u64(entry)), this.u32(entry + 8), FEW);
      entry += Math.ceil((24 + this.u16(entry + 18) + this.u32(entry + 20)) / 8) * 8;
    }
  }

  /** The pointer, and the header's own numbers and names (LUKS On-Disk Format 1.2.3). */
  private luks(at: number): void {
    this.add(at, 8, 'offset');
    this.add(at + 8, 8, 'size');
    const header = this.place(this.u64(at));
    this.add(header + 6, 2, 'small');
    for (const name of [8, 40, 72, 168]) this.add(header + name, 8, 'text');
    for (const number of [104, 108, 164]) this.add(header + number, 4, 'count');
    for (let slot = header + 208; slot < header + 592; slot += 48) {
      this.add(slot, 4, 'flags');
      for (const number of [4, 40, 44]) this.add(slot + number, 4, 'count');
    }
  }

  private mapping(l1: number, entries: number): void {
    this.table(this.place(l1), entries, FEW);
    for (let index = 0; index < Math.min(entries, FEW); index += 1) {
      const l2 = this.place(this.u64(l1 + index * 8) % 2 ** 56);
      if (l2 > 0) this.table(l2, this.clusterSize / 8, ENTRIES);
    }
  }

  private refcounts(): void {
    const table = this.place(this.u64(48));
    this.table(table, FEW, FEW);
    this.table(this.place(this.u64(table)), FEW, FEW);
  }

  private snapshots(): void {
    let entry = this.place(this.u64(64));
    for (let count = 0; count < Math.min(FEW, this.u32(60)); count += 1) {
      this.add(entry, 8, 'offset');
      this.add(entry + 8, 4, 'count');
      this.add(entry + 12, 2, 'count');
      this.add(entry + 14, 2, 'count');
      for (const at of [16, 20, 32, 36]) this.add(entry + at, 4, 'count');
      for (const at of [24, 40, 48, 56]) this.add(entry + at, 8, 'size');
      this.mapping(this.u64(entry), this.u32(entry + 8));
      entry += Math.ceil((40 + this.u32(entry + 36) + this.u16(entry + 12) + this.u16(entry + 14)) / 8) * 8;
    }
  }

  /** The first entries of a table, and the first that are used. */
  private table(at: number, entries: number, most: number): void {
    for (let index = 0, found = 0; index < Math.min(entries, 4 * most) && found < most; index += 1) {
      if (index >= FEW && this.u64(at + index * 8) === 0) continue;
      this.add(at + index * 8, 8, 'entry');
      found += 1;
    }
  }

  private add(at: number, width: Field['width'], meaning: Meaning): void {
    if (at >= 0 && at + width <= this.image.size) this.fields.push({ at, width, meaning });
  }

  /** A structure's offset; 0 for one that can't be. */
  private place(offset: number): number {
    if (offset >= this.image.size) return 0;
    this.places.add(offset);
    return offset;
  }

  private u16(at: number): number {
    return this.view(at, 2).getUint16(0);
  }

  private u32(at: number): number {
    return this.view(at, 4).getUint32(0);
  }

  private u64(at: number): number {
    return Number(this.view(at, 8).getBigUint64(0));
  }

  private view(at: number, length: number): DataView {
    const bytes = this.image.peek(at, length);
    return new DataView(bytes.length === length ? bytes.buffer : new ArrayBuffer(length));
  }
}
