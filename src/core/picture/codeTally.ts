import { codeCount } from '../scan/codes';

/** Adds up bytes by code, and knows in which order codes first appeared. */
export class CodeTally {
  private readonly sums: Float64Array;
  private readonly seen: Uint16Array;
  private count = 0;

  /** @param owners how many owners there may be, from 0 on */
  constructor(owners: number) {
    this.sums = new Float64Array(codeCount(owners));
    this.seen = new Uint16Array(codeCount(owners));
  }

  /** How many codes there are. */
  get codes(): number {
    return this.count;
  }

  /** @param bytes more than 0 */
  add(code: number, bytes: number): void {
    const before = this.sums[code] ?? 0;
    if (before === 0) this.seen[this.count++] = code;
    this.sums[code] = before + bytes;
  }

  /** Moves what was added up into arrays, from index `at` on, in the order of appearance. @returns how many there were */
  moveTo(codes: Uint16Array, bytes: Float64Array, at: number): number {
    const { count } = this;
    for (let i = 0; i < count; i += 1) {
      const code = this.seen[i] ?? 0;
      codes[at + i] = code;
      bytes[at + i] = this.sums[code] ?? 0;
      this.sums[code] = 0;
    }
    this.count = 0;
    return count;
  }

  /** Gives away what was added up, in the order of appearance. */
  flush(take: (code: number, bytes: number) => void): void {
    for (let i = 0; i < this.count; i += 1) {
      const code = this.seen[i] ?? 0;
      take(code, this.sums[code] ?? 0);
      this.sums[code] = 0;
    }
    this.count = 0;
  }
}
