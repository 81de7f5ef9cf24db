import type { ParentCandidate, QemuCommand, Relocated, RelocateRequest } from '../../core';
import { DiskError } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { QemuImg } from '../qemuImg';
import type { Conduct } from './conduct';

/** Looks for files that may be the parent an image misses, best first. Writes nothing. @throws DiskError */
export function findCandidates(
  image: string,
  folders: readonly string[],
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<readonly ParentCandidate[]> {
  return Promise.reject(
    new DiskError(
      'unsupported',
      `${image}: not made yet (${folders.length + policy.allowed.length}, ${typeof conduct})`,
    ),
  );
}

/** The command that writes the parent's name anew, for consent. @throws DiskError `refused` with the reason */
export function planRelocate(request: RelocateRequest, policy: GatePolicy): Promise<QemuCommand> {
  return Promise.reject(new DiskError('unsupported', `${request.image}: not made yet (${policy.allowed.length})`));
}

/** Writes the parent's name anew, the old header kept beside the image until the chain is verified. @throws DiskError */
export function relocateParent(
  request: RelocateRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<Relocated> {
  return planRelocate(request, policy).then(() => {
    throw new DiskError('unsupported', `${tool.path} ${typeof conduct}`);
  });
}
