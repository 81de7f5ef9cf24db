/** Chains of built images in memory, opened with the core. */
import type { Picture, ReadCache, Session as CoreSession } from '../../src/core';
import { finish, Session } from '../../src/core';
import type { BuiltQcow2, Qcow2Spec, SparseImage } from '../fixtures/build/index';
import { buildQcow2 } from '../fixtures/build/index';
import type { MemoryFile } from './memory';
import { MemoryDisk } from './memory';

export interface BuiltChain {
  readonly disk: MemoryDisk;
  /** The qcow2 layers as they were built, newest first. */
  readonly built: readonly BuiltQcow2[];
  readonly session: CoreSession;
  readonly picture: () => Picture;
}

export interface ChainSpec {
  /** Newest first; each stands on the next, the last on `base` where there is one. */
  readonly layers: readonly Qcow2Spec[];
  /** A raw base. */
  readonly base?: MemoryFile | Uint8Array | SparseImage;
  /** Keeps what is read at random, in all layers. */
  readonly cache?: ReadCache;
  /** Changes images after they are built; given the layers, newest first. */
  readonly damage?: (built: readonly BuiltQcow2[]) => void;
}

/** Files `/0` (the leaf), `/1` … and `/base`. */
export function openBuilt({ layers, base, cache, damage }: ChainSpec): BuiltChain {
  const disk = new MemoryDisk();
  const built = layers.map((spec, depth) => {
    const last = depth + 1 === layers.length;
    if (last && !base) return buildQcow2(spec);
    return buildQcow2({ backing: last ? 'base' : String(depth + 1), backingFormat: last ? 'raw' : 'qcow2', ...spec });
  });
  damage?.(built);
  built.forEach(({ image, dataFile, spec }, depth) => {
    disk.put(`/${depth}`, image);
    if (dataFile && spec.dataFile?.name !== undefined) disk.put(`/${spec.dataFile.name}`, dataFile);
  });
  if (base) disk.put('/base', base);
  const session = new Session(disk.environment, disk.leaf('/0'), { cache });
  return { disk, built, session, picture: () => finish(session.scan()) };
}
