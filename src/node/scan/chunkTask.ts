import type { Chunk } from '../../core/picture/chunk';
import { buffersOf } from '../../core/picture/chunk';
import type { ChunkScanResult } from '../../core/picture/scanChunks';
import { scanChunks } from '../../core/picture/scanChunks';
import type { SharedClaims } from '../crew/claims';
import { Claims } from '../crew/claims';
import type { TellPart } from '../crew/task';
import type { DiskElsewhere } from '../sameDisk';
import { withSameDisk } from '../sameDisk';

export interface ScanChunksParams {
  readonly disk: DiskElsewhere;
  readonly chunkBytes: number;
  /** Indexes of the chunks to scan, in the order in which they are claimed. */
  readonly order: readonly number[];
  /** A piece is a place in that order. */
  readonly claims: SharedClaims;
}

export interface IndexedChunk {
  readonly index: number;
  readonly chunk: Chunk;
}

export function claimFrom(order: readonly number[], claims: Claims): () => number | undefined {
  return () => {
    const piece = claims.next();
    return piece === undefined ? undefined : order[piece];
  };
}

/** Scans what it claims. @returns undefined when the disk is not the same any more, and nothing was claimed */
export function scanChunksTask(
  { disk, chunkBytes, order, claims }: ScanChunksParams,
  tell: TellPart<IndexedChunk>,
): Promise<ChunkScanResult | undefined> {
  return withSameDisk(disk, ({ chain, from }) => {
    const job = scanChunks(chain, from, chunkBytes, claimFrom(order, Claims.from(claims)));
    for (;;) {
      const step = job.next();
      if (step.done) return step.value;
      if (step.value) tell(step.value, buffersOf(step.value.chunk));
    }
  });
}
