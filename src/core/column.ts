type Numbers = Float64Array | Int16Array | Uint8Array;
type NumbersOf<A extends Numbers> = new (length: number) => A;

/** A column of 2^16 numbers is allocated at a time; the first is smaller, since most columns are short. */
const CHUNK = 2 ** 16;
const FIRST_CHUNK = 1024;

/**
 * A column of numbers that grows without being copied: growing by doubling holds three times the column for a moment,
 * and columns are what most of the memory is. Taken out, it is one array.
 */
export class Column<A extends Numbers> {
  private readonly full: A[] = [];
  private chunk: A;
  private used = 0;
  private inFull = 0;

  constructor(private readonly type: NumbersOf<A>) {
    this.chunk = new type(FIRST_CHUNK);
  }

  get length(): number {
    return this.inFull + this.used;
  }

  /** The number that was pushed last. */
  get last(): number {
    if (this.used === 0) this.reopen();
    return this.chunk[this.used - 1] ?? NaN;
  }

  push(value: number): void {
    if (this.used === this.chunk.length) {
      this.full.push(this.chunk);
      this.inFull += this.used;
      this.chunk = new this.type(CHUNK);
      this.used = 0;
    }
    this.chunk[this.used] = value;
    this.used += 1;
  }

  pop(): void {
    if (this.used === 0) this.reopen();
    this.used -= 1;
  }

  /** All numbers in one array; the column is empty from then on. */
  take(): A {
    const all = new this.type(this.length);
    let at = 0;
    for (let chunk = this.full.shift(); chunk; chunk = this.full.shift()) {
      all.set(chunk, at);
      at += chunk.length;
    }
    all.set(this.chunk.subarray(0, this.used), at);
    this.inFull = 0;
    this.used = 0;
    return all;
  }

  private reopen(): void {
    const chunk = this.full.pop();
    if (!chunk) return;
    this.chunk = chunk;
    this.used = chunk.length;
    this.inFull -= chunk.length;
  }
}
