import type { Diagnosis } from '../core';
import { DiskError } from '../core';
import type { GatePolicy } from '../protocol/worker';
import type { Conduct } from './snapshots/conduct';

/**
 * Everything that is wrong with images, folders or storage domains, gravest first. Writes nothing.
 * @throws DiskError `not-found` for a path that is not there
 */
export function diagnose(
  paths: readonly string[],
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<readonly Diagnosis[]> {
  return Promise.reject(
    new DiskError('unsupported', `${paths.join(', ')}: not made yet (${policy.allowed.length}, ${typeof conduct})`),
  );
}
