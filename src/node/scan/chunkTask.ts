import type { Chunk } from '../../core/picture/chunk';
import { buffersOf } from '../../core/picture/chunk';
import type { Claim, ChunkScanResult } from '../../core/picture/scanChunks';
import { scanChunks } from '../../core/picture/scanChunks';
import { spread } from '../../core/picture/spread';
import type { SharedClaims } from '../crew/claims';
import { Claims } from '../crew/claims';
import type { TellPart } from '../crew/task';
import type { DiskElsewhere } from '../sameDisk';
import { withSameDisk } from '../sameDisk';

export interface ScanChunksParams {
  readonly disk: DiskElsewhere;
  readonly chunkBytes: number;
  /** A piece is a place in the order that `spread` gives the chunks. */
  readonly claims: SharedClaims;
}

export interface IndexedChunk {
  readonly index: number;
  readonly chunk: Chunk;
}

/** Claims chunks in the order that makes a picture coarse before it is fine. */
export function claimSpread(claims: Claims): () => Claim | undefined {
  const order = spread(claims.shared.count);
  return () => {
    const piece = claims.next();
    const first = piece === undefined ? undefined : order[piece];
    return first === undefined ? undefined : { first, end: first + 1 };
  };
}

/** Scans what it claims. @returns undefined when the disk is not the same any more, and nothing was claimed */
export function scanChunksTask(
  { disk, chunkBytes, claims }: ScanChunksParams,
  tell: TellPart<IndexedChunk>,
): Promise<ChunkScanResult | undefined> {
  return withSameDisk(disk, ({ chain, from }) => {
    const job = scanChunks(chain, from, chunkBytes, claimSpread(Claims.from(claims)));
    for (;;) {
      const step = job.next();
      if (step.done) return step.value;
      if (step.value) tell(step.value, buffersOf(step.value.chunk));
    }
  });
}
