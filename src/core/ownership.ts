import type { ChainEndKind, Job, OwnershipMap, RunList } from './model';
import { Kind, NOBODY, UNKNOWN_OWNER } from './model';
import { runAt } from './runs';

/** One layer as far as ownership goes; newest first in a list. */
export interface ScannedLayer {
  /** The owner to write for it. */
  readonly depth: number;
  /** Size of the disk in the state that counts. */
  readonly guestSize: number;
  /** Undefined while it is not scanned, or when it could not be: what reaches it is unknown. */
  readonly runs: RunList | undefined;
}

/** The disk is resolved in this many slices, so that a long job can yield. */
const SLICES = 128;

/**
 * Who answers each byte: the newest layer that holds it. A layer that ends before the one above it hides what is
 * deeper: past its end the disk reads as zero, and nobody owns that.
 */
export function* resolveOwnership(layers: readonly ScannedLayer[], end: ChainEndKind): Job<OwnershipMap> {
  const guestSize = layers[0]?.guestSize ?? 0;
  const resolver = new Resolver(layers, end);
  const grain = 2 ** 20;
  const slice = Math.max(grain, Math.ceil(guestSize / SLICES / grain) * grain);
  for (let from = 0; from < guestSize; from += slice) {
    resolver.resolve(from, Math.min(from + slice, guestSize));
    yield { done: Math.min(from + slice, guestSize), total: guestSize };
  }
  return resolver.finish(guestSize);
}

/** Descends into a layer only where all newer ones are absent, so each layer's runs are passed once. */
class Resolver {
  private readonly map: MapBuilder;
  /** Per layer, the run that was looked at last: the next one asked for is rarely far. */
  private readonly cursor: Int32Array;

  constructor(
    private readonly layers: readonly ScannedLayer[],
    private readonly end: ChainEndKind,
  ) {
    this.map = new MapBuilder(layers.every(({ runs }) => runs === undefined || runs.host !== undefined));
    this.cursor = new Int32Array(layers.length);
  }

  resolve(from: number, to: number): void {
    this.descend(0, from, to);
  }

  finish(guestSize: number): OwnershipMap {
    return this.map.finish(guestSize);
  }

  private descend(index: number, from: number, to: number): void {
    const layer = this.layers[index];
    if (!layer?.runs) {
      this.map.append(to - from, UNKNOWN_OWNER, Kind.Unknown, -1);
      return;
    }
    const { runs } = layer;
    let run = this.seek(index, runs, from);
    for (let at = from; at < to; run += 1) {
      const start = runs.start[run] ?? 0;
      const next = Math.min(runs.start[run + 1] ?? to, to);
      const kind = (runs.kind[run] ?? Kind.Unknown) as Kind;
      const host = runs.host?.[run] ?? -1;
      const hostHere = host < 0 ? -1 : host + (at - start);
      if (kind === Kind.Absent) this.below(index, at, next, hostHere);
      else this.map.append(next - at, kind === Kind.Unknown ? UNKNOWN_OWNER : layer.depth, kind, hostHere);
      at = next;
    }
  }

  /** A range that layer `index` does not hold; `host` where the layer keeps unused space for it. */
  private below(index: number, from: number, to: number, host: number): void {
    const next = this.layers[index + 1];
    if (!next && this.end !== 'base') {
      this.map.append(to - from, UNKNOWN_OWNER, Kind.Unknown, -1);
      return;
    }
    const parentEnd = Math.max(from, Math.min(to, next?.guestSize ?? 0));
    if (parentEnd > from) this.descend(index + 1, from, parentEnd);
    this.map.append(to - parentEnd, NOBODY, Kind.Absent, host < 0 ? -1 : host + (parentEnd - from));
  }

  private seek(index: number, runs: RunList, offset: number): number {
    let run = this.cursor[index] ?? 0;
    const near = run + 8;
    while (run < near && run < runs.count && (runs.start[run + 1] ?? 0) <= offset) run += 1;
    if (run === near || run >= runs.count) run = runAt(runs, offset);
    this.cursor[index] = run;
    return run;
  }
}

/** Columns that grow, joining neighbours that are one range. */
class MapBuilder {
  private capacity = 1024;
  private start = new Float64Array(this.capacity);
  private owner = new Int16Array(this.capacity);
  private kind = new Uint8Array(this.capacity);
  private host: Float64Array | undefined;
  private count = 0;
  private position = 0;
  private hostNext = -1;

  constructor(keepHost: boolean) {
    this.host = keepHost ? new Float64Array(this.capacity) : undefined;
  }

  append(length: number, owner: number, kind: Kind, host: number): void {
    if (length <= 0) return;
    const last = this.count - 1;
    const joins =
      last >= 0 && this.owner[last] === owner && this.kind[last] === kind && (!this.host || host === this.hostNext);
    if (!joins) {
      if (this.count === this.capacity) this.grow();
      this.start[this.count] = this.position;
      this.owner[this.count] = owner;
      this.kind[this.count] = kind;
      if (this.host) this.host[this.count] = host;
      this.count += 1;
    }
    this.hostNext = host < 0 ? -1 : host + length;
    this.position += length;
  }

  finish(end: number): OwnershipMap {
    const start = new Float64Array(this.count + 1);
    start.set(this.start.subarray(0, this.count));
    start[this.count] = end;
    return {
      count: this.count,
      start,
      owner: this.owner.slice(0, this.count),
      kind: this.kind.slice(0, this.count),
      host: this.host?.slice(0, this.count),
    };
  }

  private grow(): void {
    this.capacity *= 2;
    this.start = widen(this.start, new Float64Array(this.capacity));
    this.owner = widen(this.owner, new Int16Array(this.capacity));
    this.kind = widen(this.kind, new Uint8Array(this.capacity));
    if (this.host) this.host = widen(this.host, new Float64Array(this.capacity));
  }
}

function widen<A extends Float64Array | Int16Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
