import type { Deleted, DeletePlan, Direction } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { QemuImg } from '../qemuImg';
import type { Conduct } from './conduct';
import { drawUp } from './merge/drawUp';
import { carryOut } from './merge/carryOut';
import { finishGone, goneLayer, planForGone } from './merge/gone';

export interface DeleteRequest {
  readonly image: string;
  /** The better way where it is left out. */
  readonly direction?: Direction | undefined;
  /** Reads what has to be read to tell how much is really moved; otherwise only where that is little. */
  readonly exact?: boolean | undefined;
  /** Further folders in which images that stand on this one are looked for. */
  readonly folders?: readonly string[] | undefined;
}

/** What deleting a layer would do. Writes nothing. @throws DiskError when the image can't be opened at all */
export async function planDelete(
  request: DeleteRequest,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<DeletePlan> {
  const gone = goneLayer(request.image);
  if (gone) return planForGone(gone);
  const { plan } = await drawUp(request, policy, conduct);
  return plan;
}

/**
 * Deletes a layer by the plan that holds at that moment: verifies before the file is removed, and after.
 * @param planned is told the plan before anything is done by it
 * @throws DiskError `refused` with the plan's reasons; `corrupt` when a leaf would not read as before: then nothing was
 * removed; `AbortError` when it was cancelled: then every leaf reads as before
 */
export async function deleteLayer(
  request: DeleteRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
  planned?: (plan: DeletePlan) => void,
): Promise<Deleted> {
  const gone = goneLayer(request.image);
  if (gone) return finishGone(gone, policy);
  const drawn = await drawUp(request, policy, conduct);
  planned?.(drawn.plan);
  return carryOut(drawn, tool, policy, conduct);
}
