import type { QemuCommand, Repaired, RepairMode } from '../../core';
import { DiskError } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { QemuImg } from '../qemuImg';
import type { Conduct } from './conduct';

export interface RepairRequest {
  readonly image: string;
  readonly mode: RepairMode;
}

/** The command that mends, for consent. @throws DiskError `refused` with the reason */
export function planRepair(request: RepairRequest, policy: GatePolicy): Promise<QemuCommand> {
  return Promise.reject(new DiskError('unsupported', `${request.image}: not made yet (${policy.allowed.length})`));
}

/** Mends an image, all of it that may change kept in a file beside it first. @throws DiskError */
export function repair(
  request: RepairRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<Repaired> {
  return planRepair(request, policy).then(() => {
    throw new DiskError('unsupported', `${tool.path} ${typeof conduct}`);
  });
}
