import type { InternalRequest, QemuCommand } from '../../core';
import { DiskError } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { QemuImg } from '../qemuImg';
import type { Conduct } from './conduct';

/** The command, for consent. @throws DiskError `refused` with the reason */
export function planInternal(request: InternalRequest, policy: GatePolicy): Promise<QemuCommand> {
  return Promise.reject(new DiskError('unsupported', `${request.image}: not made yet (${policy.allowed.length})`));
}

/** Creates, applies or deletes an internal snapshot, and verifies what has to read as before. @throws DiskError */
export function internalSnapshot(
  request: InternalRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<InternalRequest> {
  return planInternal(request, policy).then(() => {
    throw new DiskError('unsupported', `${tool.path} ${typeof conduct}`);
  });
}
