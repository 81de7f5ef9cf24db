import type { Pixels } from '../model';
import { codeCount, kindOf, ownerOf } from '../scan/codes';
import { CodeTally } from './codeTally';

/** Gathers what each cell holds, cell by cell. */
export class CellBuilder {
  /** What the cell at work holds so far. */
  readonly cell: CodeTally;
  private readonly first: Uint32Array;
  private finished = 0;
  private parts = 0;
  private codes: Uint16Array<ArrayBuffer>;
  private bytes: Float64Array<ArrayBuffer>;

  /** @param owners how many owners there may be, from 0 on */
  constructor(
    private readonly cells: number,
    owners: number,
  ) {
    this.cell = new CodeTally(owners);
    this.first = new Uint32Array(cells + 1);
    const room = cells * 4 + codeCount(owners);
    this.codes = new Uint16Array(room);
    this.bytes = new Float64Array(room);
  }

  finishCell(): void {
    if (this.parts + this.cell.codes > this.codes.length) this.grow();
    this.parts += this.cell.moveTo(this.codes, this.bytes, this.parts);
    this.finished += 1;
    this.first[this.finished] = this.parts;
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
