import type { RunList } from './model';
import { Kind } from './model';


const FIRST_CAPACITY = 1024;

/** Builds a `RunList` from ranges that come in guest order, joining neighbours that are one run. */
export class RunBuilder {
  private start = new Float64Array(FIRST_CAPACITY);
  private kind = new Uint8Array(FIRST_CAPACITY);
  private host: Float64Array | undefined;
  private count = 0;
  private lastKind = -1;
  /** Where the last run's bytes would go on in the file; -1 when it has no place there. */
  private hostNext = -1;
  private position = 0;

  /**
   * @param keepHost whether host offsets are kept; without, runs join regardless of them
   * @param maxRuns from how many runs on the list is `full`; whoever appends decides what then
   */
  constructor(
    keepHost: boolean,
    private readonly maxRuns: number,
  ) {
    this.host = keepHost ? new Float64Array(FIRST_CAPACITY) : undefined;
  }

  /** Bytes appended so far. */
  get end(): number {
    return this.position;
  }

  get full(): boolean {
    return this.count >= this.maxRuns;
  }

  /** Appends `length` bytes of `kind` whose first byte is at `host` in the file, or -1. */
  append(length: number, kind: Kind, host: number): void {
    if (length <= 0) return;
    if (kind === this.lastKind && (this.host === undefined || host === this.hostNext)) {
      if (host >= 0) this.hostNext = host + length;
    } else {
      this.begin(kind, host);
      this.hostNext = host < 0 ? -1 : host + length;
    }
    this.position += length;
  }

  private begin(kind: Kind, host: number): void {
    if (this.count === this.kind.length) this.grow();
    this.start[this.count] = this.position;
    this.kind[this.count] = kind;
    if (this.host) this.host[this.count] = host;
    this.lastKind = kind;
    this.count += 1;
  }

  private grow(): void {
    const capacity = this.kind.length * 2;
    const copy = <A extends Float64Array | Uint8Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.start = copy(this.start, new Float64Array(capacity));
    this.kind = copy(this.kind, new Uint8Array(capacity));
    if (this.host) this.host = copy(this.host, new Float64Array(capacity));
  }

  /** The finished list, cut at `end` or filled with Absent up to it. */
  finish(end: number): RunList {
    this.append(end - this.position, Kind.Absent, -1);
    while (this.count > 0 && (this.start[this.count - 1] ?? 0) >= end) this.count -= 1;
    const start = new Float64Array(this.count + 1);
    start.set(this.start.subarray(0, this.count));
    start[this.count] = end;
    return {
      count: this.count,
      start,
      kind: this.kind.slice(0, this.count),
      host: this.host?.slice(0, this.count),
    };
  }
}

/** Index of the run that holds `offset`, which must lie in `[start[0], start[count])`. */
export function runAt(runs: { readonly count: number; readonly start: Float64Array }, offset: number): number {
  let low = 0;
  let high = runs.count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((runs.start[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
