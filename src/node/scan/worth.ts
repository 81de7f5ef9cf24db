import type { Side } from '../../core';
import { sizesOnHost } from '../../core/hostSpace';
import { coresToUse } from '../crew/cores';

/** Less than this is read before another thread has started. */
const WORTH_A_THREAD = 24 << 20;

/** How many helper threads are to share the reading of a disk's tables. */
export const helpersFor = (disk: Side): number => (tableBytes(disk) < WORTH_A_THREAD ? 0 : coresToUse() - 1);

/** About how many bytes of tables the layers from the standpoint down have at most. */
export function tableBytes({ chain: { layers }, from }: Side): number {
  return layers.slice(from.depth).reduce((sum, chainLayer) => {
    const { layer } = chainLayer;
    const tables = layer.format === 'raw' ? 0 : (layer.guestSize / layer.grain) * 8;
    const { fileSize, diskUsage } = sizesOnHost(chainLayer);
    return sum + Math.min(tables, diskUsage ?? fileSize);
  }, 0);
}
