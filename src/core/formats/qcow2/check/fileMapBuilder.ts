import type { FileMap, Use } from '../../../model';
import { Use as U } from '../../../model';

/** Runs that are kept: a file in more pieces is told up to there. */
const MAX_RUNS = 1 << 21;

/** Collects what lies where in a file, from its start to its end. */
export class FileMapBuilder {
  private start = new Float64Array(1024);
  private use = new Uint8Array(1024);
  private count = 0;
  private end = 0;

  /** @param end bytes; where the part with this use ends, which begins where the last one did */
  append(end: number, use: Use): void {
    if (end <= this.end) return;
    if (this.count === 0 || this.use[this.count - 1] !== use) this.begin(this.count < MAX_RUNS ? use : U.Unknown);
    this.end = end;
  }

  finish(): FileMap {
    const start = new Float64Array(this.count + 1);
    start.set(this.start.subarray(0, this.count));
    start[this.count] = this.end;
    return { count: this.count, start, use: this.use.slice(0, this.count) };
  }

  private begin(use: Use): void {
    if (this.count > MAX_RUNS) return;
    if (this.count === this.use.length) {
      const start = new Float64Array(this.count * 2);
      start.set(this.start);
      this.start = start;
      const uses = new Uint8Array(this.count * 2);
      uses.set(this.use);
      this.use = uses;
    }
    this.start[this.count] = this.end;
    this.use[this.count] = use;
    this.count += 1;
  }
}
