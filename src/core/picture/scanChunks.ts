import { Kernel } from '../kernel/kernel';
import type { Chain, Finding, Oddities } from '../model';
import { openScans } from '../scan/chainScans';
import { Resolver } from '../scan/resolver';
import type { WalkFrom } from '../walk';
import type { Chunk } from './chunk';
import { ChunkBuilder } from './chunk';

/** Bytes of the disk `[from, to)`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a scan gives: a chunk by its index, or undefined for a pause. */
export type ScannedChunk = { readonly index: number; readonly chunk: Chunk } | undefined;

/** What is told when all is scanned that was asked for. */
export interface ChunkScanResult {
  /** By index of the layer from the standpoint down; undefined for one that can't be scanned. */
  readonly oddities: readonly (Oddities | undefined)[];
  /** By depth, layers whose tables can't be read somewhere. */
  readonly failures: ReadonlyMap<number, Finding>;
}

/** Chunks that are scanned one after the other: `[first, end)`. */
export interface Claim {
  readonly first: number;
  readonly end: number;
}

/**
 * Scans what is claimed, in chunks.
 * @param chunkBytes how much of the disk one chunk is
 * @param claim asks for the next part of the work; undefined when there is none
 */
export function* scanChunks(
  chain: Chain,
  from: WalkFrom,
  chunkBytes: number,
  claim: () => Claim | undefined,
): Generator<ScannedChunk, ChunkScanResult, void> {
  const kernel = Kernel.take();
  const failures = new Map<number, Finding>();
  try {
    const { guestSize } = from.view;
    const scans = openScans(chain, from, kernel, (depth, finding) => failures.set(depth, finding));
    const options = { hosts: false, holdings: true };
    const resolver = new Resolver(kernel, scans.layers, chain.end.kind, options, scans.failed);
    const builder = new ChunkBuilder(kernel, chunkBytes, chain.layers.length);
    for (let range = claim(); range; range = claim()) {
      let index = range.first;
      const end = Math.min(range.end * chunkBytes, guestSize);
      for (const part of resolver.parts(index * chunkBytes, end, chunkBytes)) {
        builder.add(part);
        if (part.to % chunkBytes === 0 || part.to === end) {
          const chunk = builder.take(part.to, resolver.held.slice());
          resolver.held.fill(0);
          yield { index, chunk };
          index += 1;
        } else yield undefined;
      }
    }
    return { oddities: scans.layers.map(({ scan }) => scan?.oddities), failures };
  } finally {
    kernel.release();
  }
}
