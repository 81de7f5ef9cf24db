import { Column } from './column';
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
 * @param range the part of the disk that is resolved, all of it when left out; the layers' runs must cover it
 */
export function* resolveOwnership(
  layers: readonly ScannedLayer[],
  end: ChainEndKind,
  range: { readonly start: number; readonly end: number } = { start: 0, end: layers[0]?.guestSize ?? 0 },
): Job<OwnershipMap> {
  const resolver = new Resolver(layers, end, range.start);
  const grain = 2 ** 20;
  const slice = Math.max(grain, Math.ceil((range.end - range.start) / SLICES / grain) * grain);
  for (let from = range.start; from < range.end; from += slice) {
    const to = Math.min(from + slice, range.end);
    resolver.resolve(from, to);
    yield { done: to, total: range.end };
  }
  return resolver.finish();
}

/** Descends into a layer only where all newer ones are absent, so each layer's runs are passed once. */
class Resolver {
  private readonly map: MapBuilder;
  /** Per layer, the run that was looked at last: the next one asked for is rarely far. */
  private readonly cursor: Int32Array;

  constructor(
    private readonly layers: readonly ScannedLayer[],
    private readonly end: ChainEndKind,
    from: number,
  ) {
    this.map = new MapBuilder(
      from,
      layers.every(({ runs }) => runs === undefined || runs.host !== undefined),
    );
    this.cursor = new Int32Array(layers.length);
  }

  resolve(from: number, to: number): void {
    this.descend(0, from, to);
  }

  finish(): OwnershipMap {
    return this.map.finish();
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
  private readonly start = new Column(Float64Array);
  private readonly owner = new Column(Int16Array);
  private readonly kind = new Column(Uint8Array);
  private readonly host: Column<Float64Array> | undefined;
  private lastOwner = NaN;
  private lastKind = -1;
  private hostNext = -1;

  constructor(
    private position: number,
    keepHost: boolean,
  ) {
    this.host = keepHost ? new Column(Float64Array) : undefined;
  }

  append(length: number, owner: number, kind: Kind, host: number): void {
    if (length <= 0) return;
    if (owner !== this.lastOwner || kind !== this.lastKind || (this.host && host !== this.hostNext)) {
      this.start.push(this.position);
      this.owner.push(owner);
      this.kind.push(kind);
      this.host?.push(host);
      this.lastOwner = owner;
      this.lastKind = kind;
    }
    this.hostNext = host < 0 ? -1 : host + length;
    this.position += length;
  }

  finish(): OwnershipMap {
    const count = this.kind.length;
    this.start.push(this.position);
    return {
      count,
      start: this.start.take(),
      owner: this.owner.take(),
      kind: this.kind.take(),
      host: this.host?.take(),
    };
  }
}
