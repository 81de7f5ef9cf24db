import type { Created, CreateRequest } from '../../core';
import { DiskError } from '../../core';
import type { GatePolicy } from '../../protocol/worker';

/**
 * Makes an overlay on an image: a qcow2 of metadata only, complete before it gets its name. The base is only read.
 * @throws DiskError `refused` with the reason, `limit`, `io`
 */
export function createSnapshot(request: CreateRequest, policy: GatePolicy): Promise<Created> {
  return Promise.reject(new DiskError('unsupported', `${request.overlay}: not made yet (${policy.allowed.length})`));
}

/**
 * A free name beside the base by libvirt's habit: what stands after the last dot replaced by the snapshot's name.
 * @param name as a person types it: `before-upgrade`
 */
export function suggestOverlay(base: string, name: string): string {
  return `${base}.${name}`;
}
