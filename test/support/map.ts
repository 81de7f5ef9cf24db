import type { QemuMapEntry, Session } from '../../src/core';
import { qemuMap } from '../../src/core';

/** The whole map of a disk, as a session looks at it, in the words of qemu-img. */
export function mapEntries({ chain, from }: Session): QemuMapEntry[] {
  return [...qemuMap(chain, from)].filter((entry) => entry !== undefined);
}
