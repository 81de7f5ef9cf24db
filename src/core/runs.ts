import { Column } from './column';
import type { Finding, RunList } from './model';
import { Kind } from './model';

/** Builds a `RunList` from ranges that come in guest order, joining neighbours that are one run. */
export class RunBuilder {
  private readonly start = new Column(Float64Array);
  private readonly kind = new Column(Uint8Array);
  private readonly host: Column<Float64Array> | undefined;
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
    this.host = keepHost ? new Column(Float64Array) : undefined;
  }

  /** Bytes appended so far. */
  get end(): number {
    return this.position;
  }

  get full(): boolean {
    return this.kind.length >= this.maxRuns;
  }

  /** Appends `length` bytes of `kind` whose first byte is at `host` in the file, or -1. */
  append(length: number, kind: Kind, host: number): void {
    if (length <= 0) return;
    if (kind === this.lastKind && (this.host === undefined || host === this.hostNext)) {
      if (host >= 0) this.hostNext = host + length;
    } else {
      this.start.push(this.position);
      this.kind.push(kind);
      this.host?.push(host);
      this.lastKind = kind;
      this.hostNext = host < 0 ? -1 : host + length;
    }
    this.position += length;
  }

  /** The finished list, cut at `end` or filled with Absent up to it. */
  finish(end: number): RunList {
    this.append(end - this.position, Kind.Absent, -1);
    this.position = Math.min(this.position, end);
    return this.take();
  }

  /** The list so far; what is appended from here on begins a new one. */
  take(): RunList {
    const end = this.position;
    while (this.start.length > 0 && this.start.last >= end) {
      this.start.pop();
      this.kind.pop();
      this.host?.pop();
    }
    const count = this.kind.length;
    this.start.push(end);
    const list = { count, start: this.start.take(), kind: this.kind.take(), host: this.host?.take() };
    this.lastKind = -1;
    this.hostNext = -1;
    return list;
  }
}

/** What a layer says of a map that ends where there are as many runs as may be kept. @param end in guest bytes */
export function tooManyRuns(end: number): Finding {
  const what = 'the disk is in too many pieces to keep';
  const message = `${what}: the map is shown up to guest byte ${end} and unknown from there`;
  return { code: 'too-many-runs', severity: 'warning', message };
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
