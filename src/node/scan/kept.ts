import type { ChunkScanResult, Picture, Session } from '../../core';
import { changedChunks, DiskError } from '../../core';
import { sizesOnHost } from '../../core/hostSpace';
import type { StopToken } from '../slices';
import { inSlices } from '../slices';

/** A complete picture, and what tells whether it is one of a disk that is opened anew. */
export interface KeptPicture {
  readonly picture: Picture;
  readonly results: readonly ChunkScanResult[];
  /** Equal where nothing but the content of the layer at the standpoint can have changed. */
  readonly disk: string;
  /** Of the files, by depth. */
  readonly sizes: readonly number[];
}

export function keepPicture(session: Session, picture: Picture, results: readonly ChunkScanResult[]): KeptPicture {
  const sizes = session.chain.layers.map((layer) => sizesOnHost(layer).fileSize);
  return { picture, results, disk: diskOf(session), sizes };
}

/** Whether a kept picture is one of the session's disk, but for what changed in the layer at the standpoint. */
export const isOf = ({ disk }: KeptPicture, session: Session): boolean => disk === diskOf(session);

/**
 * Which chunks of a kept picture are to be scanned again. Of a VM that is running only its newest layer changes: its
 * tables are read and compared with what they were, those of the others are not looked at.
 * @returns undefined when all are, since more may have changed than tables tell; or when it was stopped
 */
export async function outdatedChunks(
  session: Session,
  { picture, results, sizes }: KeptPicture,
  token: StopToken,
): Promise<number[] | undefined> {
  // What was odd may no longer be, without a change of its table: a file that has grown holds what it did not.
  const cut = session.chain.layers.some((layer, depth) => sizesOnHost(layer).fileSize < (sizes[depth] ?? 0));
  if (cut || results.some(isOdd)) return undefined;
  const job = changedChunks(session.chain, session.from, picture);
  try {
    return await inSlices(job, token, () => undefined);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  } finally {
    job.return([]);
  }
}

/** Whether something is odd about the layer at the standpoint, or the tables of any can't be read somewhere. */
const isOdd = ({ oddities, failures }: ChunkScanResult): boolean => failures.size > 0 || (oddities[0]?.size ?? 1) > 0;

/**
 * What is known when chunks of a kept picture were scanned again: of layers below, what was known before. Where nothing is
 * odd nothing is added, however often a VM that is running has them scanned.
 */
export function mergeResults(
  before: readonly ChunkScanResult[],
  again: readonly ChunkScanResult[],
): readonly ChunkScanResult[] {
  const below = again.filter(isOdd).map(({ oddities, failures }) => ({
    oddities: oddities.map((each, index) => (index === 0 ? each : undefined)),
    failures,
  }));
  return [...before, ...below];
}

function diskOf({ chain: { layers, end }, standpoint, view }: Session): string {
  const files = layers.slice(standpoint.depth).map(({ depth, identity, source, layer }) => {
    const what = [identity.id, layer.format, layer.grain, layer.guestSize, layer.info];
    // The layer that is written to has another size and date each time.
    const held = layer.files?.map(({ identity: { id }, size, modified }) => [id, size, modified]);
    return depth === standpoint.depth ? what : [...what, source.size, source.modified, held];
  });
  return JSON.stringify([standpoint, view.guestSize, layers.length, files, end]);
}
