import { compareInto } from '../compare';
import type { Side } from '../compareSide';
import { DiskError } from '../errors';
import { readHeader } from '../formats/qcow2/header';
import type { Chain, ChainLayer, Job, Ranges } from '../model';
import { Kind } from '../model';
import { MAX_RANGES } from '../compare';
import { RangesBuilder } from '../ranges';
import { commitWrites } from './commitWrites';
import { LayerRuns } from './layerRuns';
import type { PullSource } from './pullWrites';
import { pullWrites } from './pullWrites';
import { Qcow2Target } from './qcow2Target';
import { RawTarget } from './rawTarget';
import type { Effect, Target } from './target';
import type { Write } from './writes';

/** What a layer holds itself, in guest bytes. */
export interface Holding {
  /** Whatever it answers: data, compressed and zeros. */
  readonly held: number;
  /** Data and compressed data alone. */
  readonly data: number;
}

export function* holdingOf(layer: ChainLayer): Job<Holding> {
  const runs = new LayerRuns(layer);
  const total = runs.guestSize;
  let held = 0;
  let data = 0;
  try {
    for (let at = 0; at < total; at = runs.end) {
      runs.seek(at);
      if (runs.broken) throw damaged(layer, at);
      const length = Math.min(runs.end, total) - at;
      if (runs.allocated) held += length;
      if (runs.kind === Kind.Data || runs.kind === Kind.Compressed) data += length;
      yield { done: at, total };
    }
  } finally {
    runs.close();
  }
  return { held, data };
}

/** What committing `chain.layers[0]` does to the layer below it. */
export function* commitEffect({ layers }: Chain): Job<Effect> {
  const [top, into, below] = layers;
  if (!top || !into) throw new Error('there is a layer and one below it');
  const geometry = geometryOf(into);
  const target = targetOf(into, false);
  const total = top.layer.guestSize;
  if (total > into.layer.guestSize) target.grow(total, below?.layer.guestSize ?? 0);
  return yield* run(commitWrites(top, isExtended(top), geometry), target, total);
}

/** What rebasing the image `child` onto what lies below the layer does to the image. */
export function* pullEffect(child: ChainLayer, source: PullSource): Job<Effect> {
  const target = targetOf(child, true);
  const unit = geometryOf(child).subclusterSize ?? 1;
  return yield* run(pullWrites(child, isExtended(child), unit, source), target, child.layer.guestSize);
}

function* run(writes: Generator<Write, void, void>, target: Target, total: number): Job<Effect> {
  for (const write of writes) {
    target.write(write);
    yield { done: write.start, total };
  }
  return target.finish();
}

/** Where the disk of a layer and the one below it differ. `exact` where that was found by reading. */
export interface Differing {
  readonly ranges: Ranges;
  readonly exact: boolean;
}

/**
 * @param layer the disk of the layer that goes
 * @param parent the disk below it; undefined where there is none, which reads as zeros
 */
export function* differing(layer: Side, parent: Side): Job<Differing> {
  const different = new RangesBuilder(MAX_RANGES);
  const unknown = new RangesBuilder(1);
  yield* compareInto(layer, parent, different, unknown);
  if (unknown.length > 0) {
    const file = layer.chain.layers[layer.from.depth]?.identity.path;
    throw new DiskError('io', `guest byte ${unknown.finish().start[0]} can't be read`, { file });
  }
  return { ranges: different.finish(), exact: different.length <= MAX_RANGES };
}

/** The most that may differ, by what the layer holds: nothing is read but tables. */
export function* mayDiffer(layer: ChainLayer, parent: ChainLayer | undefined): Job<Differing> {
  const ranges = new RangesBuilder(MAX_RANGES);
  const runs = new LayerRuns(layer);
  const total = runs.guestSize;
  try {
    for (let at = 0; at < total; at = runs.end) {
      runs.seek(at);
      // Without a parent zeros are what is read anyway.
      if (runs.allocated && (parent || !runs.readsAsZero)) ranges.add(at, Math.min(runs.end, total));
      yield { done: at, total };
    }
  } finally {
    runs.close();
  }
  if (parent && parent.layer.guestSize > total) ranges.add(total, parent.layer.guestSize);
  return { ranges: ranges.finish(), exact: false };
}

export function isExtended(layer: ChainLayer): boolean {
  return layer.layer.format === 'qcow2' && readHeader(layer.source).extendedL2;
}

function geometryOf(layer: ChainLayer): {
  readonly clusterSize: number | undefined;
  readonly subclusterSize: number | undefined;
} {
  if (layer.layer.format !== 'qcow2') return { clusterSize: undefined, subclusterSize: undefined };
  const clusterSize = layer.layer.grain;
  return { clusterSize, subclusterSize: isExtended(layer) ? clusterSize / 32 : clusterSize };
}

const targetOf = (layer: ChainLayer, inOrder: boolean): Target =>
  layer.layer.format === 'qcow2' ? new Qcow2Target(layer, inOrder) : new RawTarget(layer.source);

const damaged = (layer: ChainLayer, at: number): DiskError =>
  new DiskError(
    'corrupt',
    `what it says of guest byte ${at} can't be true or can't be read`,
    { file: layer.identity.path },
    'Check it first: vmdisk check.',
  );
