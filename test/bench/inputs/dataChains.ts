import { join } from 'node:path';
import { compressorOf } from '../../../src/node/compressors';
import { Draw } from '../../support/random';
import { cached } from './cache';
import type { Contents } from './layerFile';
import { writeLayerFile } from './layerFile';
import type { PatternSpec } from './patterns';
import { patternOf } from './patterns';

export const STORED = ['plain', 'zlib', 'zstd'] as const;
/** How the data of a chain is stored. */
export type Stored = (typeof STORED)[number];

const CLUSTER = 2 ** 16;
/** Pieces of noise and of text in turn: a cluster is about half compressible. */
const PIECE = 4096;
/** Clusters that differ; each is stored many times, at many places. */
const DISTINCT = 128;
const SEED = 900;

/** Newest first. Together they hold about half of the disk. */
const LAYERS: readonly PatternSpec[] = [
  { kind: 'runs', share: 0.2, mean: 16 },
  { kind: 'runs', share: 0.4, mean: 64 },
];

/** A chain of two layers with real data in it. @param size bytes of the guest's disk @returns the newest layer's file */
export async function buildDataChain(root: string, stored: Stored, size: number): Promise<string> {
  const folder = await cached(
    root,
    `data-${stored}-${size / 2 ** 30}`,
    { stored, size, LAYERS, PIECE, DISTINCT, SEED },
    async (into) => {
      const clusters = await storedClusters(stored);
      LAYERS.forEach((pattern, depth) => {
        const seed = SEED + depth;
        writeLayerFile(join(into, `${depth}.qcow2`), {
          size,
          seed,
          pattern: patternOf(pattern, seed),
          backing: depth + 1 < LAYERS.length ? `${depth + 1}.qcow2` : undefined,
          compression: stored === 'plain' ? undefined : stored,
          contents: inTurn(clusters, depth),
        });
      });
    },
  );
  return join(folder, '0.qcow2');
}

function inTurn(clusters: readonly Uint8Array[], from: number): Contents {
  let next = from * (DISTINCT / 2);
  return () => {
    const bytes = clusters[next % clusters.length];
    if (!bytes) throw new RangeError('there are no clusters to choose from');
    next += 1;
    return bytes;
  };
}

async function storedClusters(stored: Stored): Promise<Uint8Array[]> {
  const compressor = stored === 'plain' ? undefined : await compressorOf(stored);
  return Array.from({ length: DISTINCT }, (_, i) => {
    const bytes = halfCompressible(new Draw(SEED + i));
    return compressor ? compressor.compress(bytes) : bytes;
  });
}

function halfCompressible(draw: Draw): Uint8Array {
  const bytes = new Uint8Array(CLUSTER);
  for (let at = 0; at < CLUSTER; at += PIECE) {
    bytes.set((at / PIECE) % 2 === 0 ? draw.bytes(PIECE) : draw.text(PIECE), at);
  }
  return bytes;
}
