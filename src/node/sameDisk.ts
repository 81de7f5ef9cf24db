import { closeChain, openChain } from '../core/chain';
import { DiskError } from '../core/errors';
import type { Chain } from '../core/model';
import type { Side } from '../core/compareSide';
import type { Session, Standpoint } from '../core/session';
import type { GatePolicy } from '../protocol/worker';
import { createEnvironment } from './environment';
import { openDiskFile } from './diskFile';
import { openFile } from './files';

/** A disk that one thread has open, as another finds it again. */
export interface DiskElsewhere {
  readonly path: string;
  /** Whether the disk is a member of the archive that the path is of. */
  readonly archived: boolean;
  readonly format: string | undefined;
  readonly policy: GatePolicy;
  readonly standpoint: Standpoint;
  /** Equal where the same files in the same state make up the disk. */
  readonly files: string;
}

/** @param policy by which the session's chain was opened */
export function elsewhere({ chain, standpoint }: Session, policy: GatePolicy): DiskElsewhere {
  const [leaf] = chain.layers;
  return {
    path: leaf?.identity.path ?? '',
    archived: leaf?.identity.archive !== undefined,
    format: leaf?.layer.format,
    policy,
    standpoint: { ...standpoint },
    files: filesOf(chain),
  };
}

/**
 * Opens the disk once more, by the same policy, and gives it to `use`.
 * @returns undefined where it is no longer the same: a file was changed, replaced or removed
 */
export async function withSameDisk<T>(
  disk: DiskElsewhere,
  use: (disk: Side) => T | Promise<T>,
): Promise<T | undefined> {
  const { standpoint, files } = disk;
  const chain = open(disk);
  if (!chain) return undefined;
  try {
    const view = chain.layers[standpoint.depth]?.layer.views.find(({ id }) => id === standpoint.view);
    if (!view || filesOf(chain) !== files) return undefined;
    return await use({ chain, from: { depth: standpoint.depth, view } });
  } finally {
    closeChain(chain);
  }
}

function open({ path, archived, format, policy }: DiskElsewhere): Chain | undefined {
  try {
    const leaf = archived ? openDiskFile(path, policy) : openFile(path, policy);
    return openChain(createEnvironment(policy), leaf, { format });
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

function filesOf({ layers, end }: Chain): string {
  const files = layers.map(({ identity, source, layer, dataFile }) => {
    const held = layer.files?.map(({ identity: { id }, size, modified }) => [id, size, modified]);
    return [identity.id, source.size, source.modified, layer.format, dataFile?.id, held];
  });
  return JSON.stringify([files, end]);
}
