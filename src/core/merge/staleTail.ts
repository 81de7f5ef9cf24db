import { readPadded } from '../bytes';
import type { ChainLayer } from '../model';
import { Kind } from '../model';
import { isZero } from '../zeros';
import { LayerRuns } from './layerRuns';

/**
 * Whether a disk would show old bytes past its end if it became larger. A disk that was made smaller keeps what is in
 * the rest of its last cluster, and QEMU does not clear that when the disk grows again (block/qcow2.c,
 * qcow2_co_truncate), unless it stands on one that goes on there.
 * @param below guest size of what it stands on; 0 for nothing
 */
export function hasStaleTail(layer: ChainLayer, below: number): boolean {
  const { format, guestSize, grain } = layer.layer;
  const used = guestSize % grain;
  if (format !== 'qcow2' || used === 0 || below > guestSize) return false;
  const runs = new LayerRuns(layer);
  try {
    runs.seek(guestSize - 1);
    // What a compressed cluster holds past the end is not told.
    if (runs.kind === Kind.Compressed) return true;
    if (runs.host < 0) return false;
    const rest = new Uint8Array(grain - used);
    readPadded(layer.source, rest, runs.host + 1);
    return !isZero(rest, 0, rest.length);
  } finally {
    runs.close();
  }
}
