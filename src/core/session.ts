import { account } from './accounting';
import type { ChainOptions } from './chain';
import { closeChain, openChain } from './chain';
import { DiskError } from './errors';
import type { Gap } from './guest';
import { readGuest } from './guest';
import type {
  Accounting,
  Chain,
  ChainLayer,
  Environment,
  Finding,
  Job,
  OpenedSource,
  OwnershipMap,
  Pixels,
  Progress,
  RunList,
  Trace,
  View,
} from './model';
import { guestOffset } from './model';
import type { ScannedLayer } from './ownership';
import { resolveOwnership } from './ownership';
import { pixels } from './pixels';
import { currentView, traceRead } from './trace';
import type { WalkFrom } from './walk';
import { scanFailure } from './walk';

/** A layer and one of its states: from where the disk is looked at. */
export interface Standpoint {
  readonly depth: number;
  /** `''` for the current state, else an internal snapshot's id. */
  readonly view: string;
}

/**
 * Runs that a session keeps, of all layers together; what is past them is unknown, and a finding says so. For each run
 * there are at most 9 bytes in its list, 19 in the map while that is put together, and 11 in the picture that is shown
 * until then: 39 bytes, 156 MiB for all. The engine may leave some 64 MiB of what is given up uncollected for a while,
 * which together stays below the 256 MiB that any image may ask for. 256 GiB with every second cluster of 64 KiB
 * allocated have as many.
 */
const MAX_RUNS = 2 ** 22;
/** Scans of states that are not looked at are kept while all scans together are smaller than this. */
const MAX_KEPT_RUNS = 2 ** 20;

export const NOW: Standpoint = { depth: 0, view: '' };

export interface ScanProgress extends Progress {
  /** Depth of the layer at work. */
  readonly layer: number;
}

/** Everything that is known from one standpoint. */
export interface Picture {
  readonly map: OwnershipMap;
  readonly accounting: Accounting;
  /** False while some layer is not scanned: what reaches it is unknown for now. */
  readonly complete: boolean;
}

/**
 * One open chain, looked at from a standpoint that can move. Scans are kept, so that moving up and down a chain reads
 * each table once.
 */
export class Session {
  readonly chain: Chain;
  private readonly scans = new Map<string, RunList>();
  /** By the state that could not be scanned. */
  private readonly failures = new Map<string, Finding>();
  private at: Standpoint = NOW;

  /** @throws DiskError when the leaf can't be used at all */
  constructor(environment: Environment, leaf: OpenedSource, options: ChainOptions = {}) {
    this.chain = openChain(environment, leaf, options);
  }

  get standpoint(): Standpoint {
    return this.at;
  }

  /** The state of the disk that is looked at. */
  get view(): View {
    return this.viewOf(this.at);
  }

  /** From where the disk is looked at, as a walk takes it. */
  get from(): WalkFrom {
    return { depth: this.at.depth, view: this.view };
  }

  /** @throws DiskError `not-found` when there is no such layer or snapshot */
  stand(at: Standpoint): void {
    this.viewOf(at);
    this.at = at;
  }

  /**
   * The state that a person calls by an id or a name of an internal snapshot of the leaf.
   * @throws DiskError `not-found`
   */
  snapshotNamed(name: string): Standpoint {
    const views = this.layerAt(0).layer.views.slice(1);
    const view = views.find(({ id }) => id === name) ?? views.find((candidate) => candidate.name === name);
    if (view) return { depth: 0, view: view.id };
    const known = views.map((candidate) => candidate.name).join(', ');
    const advice = known === '' ? 'The image has no internal snapshots.' : `It has: ${known}.`;
    throw new DiskError(
      'not-found',
      `there is no internal snapshot "${name}"`,
      { file: this.layerAt(0).identity.path },
      advice,
    );
  }

  /** Findings of a layer: its own, of its link to its parent, and of reading its tables from the standpoint. */
  findings(depth: number): readonly Finding[] {
    const { layer, findings } = this.layerAt(depth);
    const failure = this.failures.get(keyOf(depth, this.viewAt(depth)));
    return [...findings, ...layer.findings, ...(failure ? [failure] : [])];
  }

  /**
   * Scans every layer from the standpoint down that has not been scanned, then resolves ownership. A layer whose
   * tables can't be read is a finding; what reaches it is unknown.
   */
  *scan(): Generator<ScanProgress, Picture, void> {
    const { depth } = this.at;
    for (const { depth: layer } of this.chain.layers.slice(depth)) {
      for (const progress of this.scanLayer(layer)) yield { ...progress, layer };
    }
    const picture = this.picture();
    for (;;) {
      const step = picture.next();
      if (step.done) return step.value;
      yield { ...step.value, layer: depth };
    }
  }

  /** The picture as far as layers are scanned. */
  *picture(): Job<Picture> {
    const layers = this.scannedLayers();
    const map = yield* resolveOwnership(layers, this.chain.end.kind);
    const complete = layers.every(
      ({ runs, depth }) => runs !== undefined || this.failures.has(keyOf(depth, this.viewAt(depth))),
    );
    return { map, accounting: account(map, layers), complete };
  }

  pixels(picture: Pick<Picture, 'map'>, start: number, cellBytes: number, cells: number): Pixels {
    return pixels(picture.map, start, cellBytes, cells);
  }

  trace(offset: number): Trace {
    return traceRead(this.chain, this.at.depth, this.view, guestOffset(offset));
  }

  /** Reads guest bytes; see `readGuest`. */
  read(picture: Picture, offset: number, target: Uint8Array): Gap[] {
    return readGuest(this.chain, this.from, picture.map, offset, target);
  }

  close(): void {
    closeChain(this.chain);
  }

  private *scanLayer(depth: number): Job<void> {
    const view = this.viewAt(depth);
    const key = keyOf(depth, view);
    if (this.scans.has(key)) return;
    const { layer } = this.layerAt(depth);
    try {
      const maxRuns = Math.max(1, MAX_RUNS - this.runsInUse());
      this.scans.set(key, yield* layer.scan(view, { host: false, maxRuns }));
      this.failures.delete(key);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.failures.set(key, scanFailure(error));
    }
  }

  /** Runs of the layers that are looked at, dropping others where all together are many. */
  private runsInUse(): number {
    const needed = new Set(this.chain.layers.slice(this.at.depth).map(({ depth }) => keyOf(depth, this.viewAt(depth))));
    const count = (all: Iterable<RunList>): number => [...all].reduce((sum, runs) => sum + runs.count, 0);
    if (count(this.scans.values()) > MAX_KEPT_RUNS) {
      for (const key of this.scans.keys()) if (!needed.has(key)) this.scans.delete(key);
    }
    return count(this.scans.values());
  }

  private scannedLayers(): ScannedLayer[] {
    return this.chain.layers.slice(this.at.depth).map(({ depth }) => {
      const view = this.viewAt(depth);
      return { depth, guestSize: view.guestSize, runs: this.scans.get(keyOf(depth, view)) };
    });
  }

  /** The state of a layer that counts from the standpoint: the chosen one there, the current one below. */
  private viewAt(depth: number): View {
    return depth === this.at.depth ? this.view : currentView(this.layerAt(depth));
  }

  private viewOf({ depth, view }: Standpoint): View {
    const found = this.layerAt(depth).layer.views.find(({ id }) => id === view);
    if (!found)
      throw new DiskError('not-found', `there is no internal snapshot "${view}"`, {
        file: this.layerAt(depth).identity.path,
      });
    return found;
  }

  private layerAt(depth: number): ChainLayer {
    const layer = this.chain.layers[depth];
    if (!layer) throw new DiskError('not-found', `the chain has no layer ${depth}`);
    return layer;
  }
}

const keyOf = (depth: number, view: View): string => `${depth}/${view.id}`;

/** Runs a job to its end without a pause. */
export function finish<T>(job: Generator<unknown, T, void>): T {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
  }
}
