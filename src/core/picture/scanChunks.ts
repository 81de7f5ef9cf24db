import { Kernel } from '../kernel/kernel';
import type { Chain, Finding, Oddities } from '../model';
import { openScans, WINDOW_BYTES } from '../scan/chainScans';
import { Resolver } from '../scan/resolver';
import type { WalkFrom } from '../walk';
import type { Chunk } from './chunk';
import { ChunkBuilder } from './chunk';
import type { Picture } from './picture';

/** What a scan gives: a chunk by its index, or undefined for a pause. */
export type ScannedChunk = { readonly index: number; readonly chunk: Chunk } | undefined;

/** What is told when all is scanned that was asked for. */
export interface ChunkScanResult {
  /** By index of the layer from the standpoint down; undefined for one that can't be scanned. */
  readonly oddities: readonly (Oddities | undefined)[];
  /** By depth, layers whose tables can't be read somewhere. */
  readonly failures: ReadonlyMap<number, Finding>;
}

/**
 * Scans what is claimed, in chunks.
 * @param chunkBytes how much of the disk one chunk is
 * @param claim asks for the index of the next one; undefined when there is none
 */
export function* scanChunks(
  chain: Chain,
  from: WalkFrom,
  chunkBytes: number,
  claim: () => number | undefined,
): Generator<ScannedChunk, ChunkScanResult, void> {
  const kernel = Kernel.take();
  const failures = new Map<number, Finding>();
  try {
    const { guestSize } = from.view;
    const failed = (depth: number, finding: Finding): void => {
      failures.set(depth, finding);
    };
    const scans = openScans(chain, from, kernel, { failed, fingerprints: true });
    const options = { hosts: false, holdings: true };
    const resolver = new Resolver(kernel, scans.layers, chain.end.kind, options, scans.failed);
    const builder = new ChunkBuilder(kernel, chunkBytes, chain.layers.length);
    for (let index = claim(); index !== undefined; index = claim()) {
      const start = index * chunkBytes;
      const end = Math.min(start + chunkBytes, guestSize);
      for (const part of resolver.parts(start, end)) {
        builder.add(part);
        if (part.to < end) yield undefined;
      }
      const { fingerprint } = scans.layers[0]?.scan ?? {};
      const chunk = builder.take(end, { held: resolver.held.slice(), fingerprint });
      resolver.held.fill(0);
      yield { index, chunk };
    }
    return { oddities: scans.layers.map(({ scan }) => scan?.oddities), failures };
  } finally {
    kernel.release();
  }
}

/**
 * Tells of each chunk whether the tables of the layer at the standpoint are still what they were when a picture was made,
 * by reading them. Yields after each chunk. What lies below is not looked at.
 * @returns the indexes of those that are not
 * @throws DiskError where they can't be read
 */
export function* changedChunks(
  { layers }: Chain,
  from: WalkFrom,
  picture: Picture,
): Generator<undefined, number[], void> {
  const { layer } = layers[from.depth] ?? {};
  const { chunkBytes, chunkCount, guestSize } = picture;
  const changed: number[] = [];
  const kernel = Kernel.take();
  try {
    const scan = layer?.scan(from.view, kernel, { windowBytes: WINDOW_BYTES, fingerprints: true });
    for (let index = 0; index < chunkCount; index += 1) {
      scan?.readTables?.(index * chunkBytes, Math.min((index + 1) * chunkBytes, guestSize));
      const { fingerprint } = scan ?? {};
      if (fingerprint === undefined || fingerprint !== picture.fingerprintOf(index)) changed.push(index);
      yield undefined;
    }
    return changed;
  } finally {
    kernel.release();
  }
}
