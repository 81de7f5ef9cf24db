import type { Pixels } from '../model';
import { codeCount, kindOf, ownerOf } from '../scan/codes';

/** Gathers what each cell holds, cell by cell, in the order in which codes first appear. */
export class CellBuilder {
  private readonly sums: Float64Array;
  private readonly seen: Uint16Array;
  private seenCount = 0;
  private readonly first: Uint32Array;
  private cell = 0;
  private parts = 0;
  private codes: Uint16Array<ArrayBuffer>;
  private bytes: Float64Array<ArrayBuffer>;

  /** @param owners how many owners there may be, from 0 on */
  constructor(
    private readonly cells: number,
    owners: number,
  ) {
    const codes = codeCount(owners);
    this.sums = new Float64Array(codes);
    this.seen = new Uint16Array(codes);
    this.first = new Uint32Array(cells + 1);
    this.codes = new Uint16Array(cells * 4 + codes);
    this.bytes = new Float64Array(cells * 4 + codes);
  }

  add(code: number, bytes: number): void {
    const sum = this.sums[code] ?? 0;
    if (sum === 0) this.seen[this.seenCount++] = code;
    this.sums[code] = sum + bytes;
  }

  finishCell(): void {
    if (this.parts + this.seenCount > this.codes.length) this.grow();
    for (let i = 0; i < this.seenCount; i += 1) {
      const code = this.seen[i] ?? 0;
      this.codes[this.parts] = code;
      this.bytes[this.parts] = this.sums[code] ?? 0;
      this.sums[code] = 0;
      this.parts += 1;
    }
    this.seenCount = 0;
    this.cell += 1;
    this.first[this.cell] = this.parts;
  }

  take(range: Pick<Pixels, 'rangeStart' | 'rangeEnd' | 'cellBytes'>): Pixels {
    const { cells, parts, first } = this;
    const owner = new Int16Array(parts);
    const kind = new Uint8Array(parts);
    for (let part = 0; part < parts; part += 1) {
      const code = this.codes[part] ?? 0;
      owner[part] = ownerOf(code);
      kind[part] = kindOf(code);
    }
    return { ...range, cells, first, owner, kind, bytes: this.bytes.slice(0, parts) };
  }

  private grow(): void {
    const length = this.codes.length * 2;
    const codes = new Uint16Array(length);
    codes.set(this.codes);
    this.codes = codes;
    const bytes = new Float64Array(length);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}
