import { DiskError } from './errors';
import type { Chain, ChainLayer, Finding, OwnershipMap, RunList, View } from './model';
import type { ScannedLayer } from './ownership';
import { resolveOwnership } from './ownership';
import { currentView } from './trace';

/** From where the disk is walked: a layer, and one of its states. */
export interface WalkFrom {
  readonly depth: number;
  readonly view: View;
}

/**
 * Runs of all layers together that a walk has in memory at a time: 17 bytes each, as much again while they are
 * gathered, and 38 for the map made of them. With a window of tables for each layer (at most 16 bytes for each run) and
 * a piece of its L1 table that stays below 28 MiB.
 */
const MAX_RUNS = 2 ** 18;

/**
 * The disk from its first byte to its last, a stretch at a time: each map covers `[start[0], start[count])` of the disk
 * and has host offsets; the next begins where it ends. Of a disk of no bytes there is none. What is kept in memory does
 * not depend on the disk. Yields undefined now and then, so that whoever runs it can do something else in between.
 * @param failed is told of each layer whose tables can't be read: from there on, what reaches it is unknown
 */
export function* walk(
  { layers, end }: Chain,
  { depth, view }: WalkFrom,
  failed?: (depth: number, finding: Finding) => void,
): Generator<OwnershipMap | undefined, void, void> {
  const walked = layers.slice(depth);
  const maxRuns = Math.max(1, Math.floor(MAX_RUNS / walked.length));
  const readers = walked.map((layer) => {
    return new PartReader(layer, layer.depth === depth ? view : currentView(layer), maxRuns, failed);
  });
  try {
    for (let from = 0; from < view.guestSize;) {
      let to = view.guestSize;
      for (const reader of readers) {
        yield* reader.reach(from);
        to = Math.min(to, reader.end);
      }
      const job = resolveOwnership(readers, end.kind, { start: from, end: to });
      let step = job.next();
      for (; !step.done; step = job.next()) yield undefined;
      yield step.value;
      from = to;
    }
  } finally {
    for (const reader of readers) reader.close();
  }
}

/** What a layer says of a failure to read its tables. */
export function scanFailure({ message, advice, offset }: DiskError): Finding {
  return {
    code: 'scan-failed',
    severity: 'error',
    message: `the map of this layer could not be read: ${message}`,
    advice,
    offset,
  };
}

/** One layer's runs, of which the list around one place is in memory. */
class PartReader implements ScannedLayer {
  readonly depth: number;
  readonly guestSize: number;
  runs: RunList | undefined;
  private readonly parts: Generator<RunList | undefined, void, void>;
  private known = 0;

  constructor(
    { depth, layer }: ChainLayer,
    view: View,
    maxRuns: number,
    private readonly failed: ((depth: number, finding: Finding) => void) | undefined,
  ) {
    this.depth = depth;
    this.guestSize = view.guestSize;
    this.parts = layer.scanParts(view, maxRuns);
  }

  /** Up to where `runs` says what there is. */
  get end(): number {
    return this.known < this.guestSize ? this.known : Infinity;
  }

  /** Reads on until `runs` holds `offset`, unless that is past the end of the layer. */
  *reach(offset: number): Generator<undefined, void, void> {
    while (this.known <= offset && this.known < this.guestSize) {
      const part = this.next();
      if (part) {
        this.runs = part;
        this.known = part.start[part.count] ?? this.guestSize;
      } else yield undefined;
    }
  }

  close(): void {
    this.parts.return();
  }

  private next(): RunList | undefined {
    try {
      const step = this.parts.next();
      if (!step.done) return step.value;
      throw new Error('the parts of a layer end before its disk does');
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.failed?.(this.depth, scanFailure(error));
      this.runs = undefined;
      this.known = this.guestSize;
      return undefined;
    }
  }
}
