import {
  compressed, data, deflateFixed, subclusters, zero, zeroAllocated, zstdFrame,
} from '../../test/fixtures/build/index';
import { BLOCK } from './content';
import { UNTOUCHED, WRITTEN, ZEROED } from './disk';
import type { Cluster, Clusters } from '../../test/fixtures/build/index';
import type { ContentSpec } from './content';
import type { Disk, How } from './disk';

const SUBCLUSTERS = 32;
/** A stream that saves less than this is not worth its decompression. */
const WORTH_COMPRESSING = 0.85;

const NOTHING = new Uint8Array();
const scratch = new Uint8Array(64 * 1024);

export interface LayerRules {
  /** Bytes, up to 64 KiB. */
  readonly clusterSize: number;
  /** Whether to compress cluster `index`, which holds a part of `file` (undefined: the file system's own blocks). */
  readonly compress: (file: ContentSpec | undefined, index: number) => boolean;
  readonly compression?: 'zlib' | 'zstd';
  readonly extendedL2?: boolean;
}

/** What an overlay holds after the steps that led to `disk`: `before` plus every cluster that the last step touched. */
export function overlay(disk: Disk, rules: LayerRules, before: Clusters = new Map()): Map<number, Cluster> {
  const clusters = new Map(before);
  const unit = rules.clusterSize / BLOCK;
  for (let index = 0; index < disk.blocks / unit; index++) {
    const blocks = Array.from({ length: unit }, (_, i) => index * unit + i);
    if (blocks.some((block) => disk.how(block) !== UNTOUCHED)) {
      clusters.set(index, clusterOf(disk, index, blocks, rules));
    }
  }
  return clusters;
}

function clusterOf(disk: Disk, index: number, blocks: readonly number[], rules: LayerRules): Cluster {
  const first = blocks[0] ?? 0;
  const partly = rules.extendedL2 === true && blocks.some((block) => disk.how(block) === UNTOUCHED);
  if (!partly && blocks.every((block) => disk.isZero(block))) {
    return blocks.some((block) => disk.how(block) === ZEROED) ? zeroAllocated() : zero();
  }
  if (blocks.some((block) => rules.compress(disk.file(block), index))) {
    const bytes = disk.read(first, blocks.length, scratch.subarray(0, rules.clusterSize));
    const stream = rules.compression === 'zstd' ? zstdFrame(bytes) : deflateFixed(bytes);
    if (stream.length < bytes.length * WORTH_COMPRESSING) {
      // The stream is all that gets stored: the bytes need not stay in memory for thousands of clusters.
      return compressed(NOTHING, stream);
    }
  }
  const bytes = disk.read(first, blocks.length);
  if (!rules.extendedL2 || blocks.every((block) => disk.how(block) === WRITTEN)) {
    return data(bytes);
  }
  const states = blocks.map((block) => letterOf(disk.how(block)).repeat(SUBCLUSTERS / blocks.length));
  return { ...subclusters(states.join(''), bytes), hole: true };
}

function letterOf(how: How): string {
  return how === WRITTEN ? 'd' : how === UNTOUCHED ? '.' : 'z';
}
