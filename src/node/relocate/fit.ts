import type { Evidence, Suspect } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { Conduct } from '../snapshots/conduct';
import type { Mended } from './trial';

/** What reading the overlay with a file beneath it tells about whether they belong together. @throws `AbortError` */
export function fitOf(
  _mended: Mended,
  _suspect: Suspect,
  _policy: GatePolicy,
  _conduct: Conduct,
): Promise<readonly Evidence[]> {
  return Promise.resolve([]);
}
