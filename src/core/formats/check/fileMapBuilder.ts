import type { FileMap, Use } from '../../model';
import { Use as U } from '../../model';
import { Column } from '../../column';

/** Runs that are kept: a file in more pieces is told up to there. */
const MAX_RUNS = 1 << 21;

/** Collects what lies where in a file, from its start to its end. */
export class FileMapBuilder {
  private readonly start = new Column(Float64Array);
  private readonly use = new Column(Uint8Array);
  private end = 0;

  /** @param end bytes; where the part with this use ends, which begins where the last one did */
  append(end: number, use: Use): void {
    if (end <= this.end) return;
    if (use !== this.use.last) this.begin(use);
    this.end = end;
  }

  /** All of it; the builder is empty from then on. */
  finish(): FileMap {
    this.start.push(this.end);
    const use = this.use.take();
    return { count: use.length, start: this.start.take(), use };
  }

  private begin(use: Use): void {
    if (this.use.length > MAX_RUNS) return;
    this.start.push(this.end);
    this.use.push(this.use.length < MAX_RUNS ? use : U.Unknown);
  }
}
