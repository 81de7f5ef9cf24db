import { finish } from '../../src/core';
import { compressorOf } from '../../src/node/compressors';
import { TRUST_ALL } from '../../src/node/gate';
import { flatten } from '../../src/node/work/flatten';
import type { FlattenResult } from '../../src/protocol/worker';
import { withSession } from './session';

/** What an image is flattened into: format and, behind a colon, how it is compressed. */
export const TARGETS = ['raw', 'qcow2', 'qcow2:zlib', 'qcow2:zstd'] as const;
export type TargetName = (typeof TARGETS)[number];

export interface FlattenOptions {
  /** An internal snapshot's id or name. */
  readonly snapshot?: string | undefined;
  readonly verify?: boolean;
  readonly replace?: boolean;
  readonly salvage?: boolean;
}

/** Flattens an image in this process, as the command line and the worker do. @throws DiskError */
export async function flattenImage(
  image: string,
  out: string,
  target: TargetName,
  { snapshot, verify = false, replace = false, salvage = false }: FlattenOptions = {},
): Promise<FlattenResult> {
  const [format, type] = target.split(':') as ['raw' | 'qcow2', ('zlib' | 'zstd')?];
  const compressor = type && (await compressorOf(type));
  return withSession(image, snapshot, ({ session }) =>
    finish(flatten(session, { target: out, format, compressor, verify, replace, salvage, policy: TRUST_ALL })),
  );
}
