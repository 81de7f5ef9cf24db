import type { Chunk, ChunkScanResult } from '../../core';
import { buffersOf, scanChunks, spread } from '../../core';
import type { SharedClaims } from '../crew/claims';
import { Claims } from '../crew/claims';
import type { DiskTicket } from '../crew/sameDisk';
import { openSame } from '../crew/sameDisk';
import type { TellPart } from '../crew/task';

export interface ScanChunksParams {
  readonly disk: DiskTicket;
  readonly chunkBytes: number;
  /** A piece is a place in the order that `spread` gives the chunks. */
  readonly claims: SharedClaims;
}

export interface IndexedChunk {
  readonly index: number;
  readonly chunk: Chunk;
}

/** Claims chunks in the order that makes a picture coarse before it is fine. */
export function claimSpread(claims: Claims): () => { readonly first: number; readonly end: number } | undefined {
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
): ChunkScanResult | undefined {
  const session = openSame(disk);
  if (!session) return undefined;
  try {
    const job = scanChunks(session.chain, session.from, chunkBytes, claimSpread(Claims.from(claims)));
    for (;;) {
      const step = job.next();
      if (step.done) return step.value;
      if (step.value) tell(step.value, buffersOf(step.value.chunk));
    }
  } finally {
    session.close();
  }
}
