import { Use } from '../../../model';
import { formatOffset } from '../../../units';
import type { Geometry } from '../mapping';
import type { Refcounts } from '../refcounts';
import { Claim } from './hostClusters';
import type { Notes } from './notes';
import type { References } from './references';

const RESERVED_LOW = 0x1ff;
/** Entries between two yields: a few milliseconds of work, when something is wrong with each. */
const SLICE = 1024;
const ADVICE = 'A repair of all makes new reference counts, on a copy.';

/**
 * Checks the entries of the reference count table and counts the blocks that they refer to, last of all: a block that
 * something else refers to as well can't be trusted (block/qcow2-refcount.c, check_refblocks). Yields now and then.
 */
export function* checkRefblocks(
  refcounts: Refcounts,
  references: References,
  geometry: Geometry,
  notes: Notes,
  fileClusters: number,
): Generator<undefined, void, void> {
  const { table } = refcounts;
  const { clusterSize, header } = geometry;
  const { clusters, telling } = references;
  for (let index = 0; index * 8 < table.byteLength; index += 1) {
    if (index % SLICE === SLICE - 1) yield undefined;
    const high = table.getUint32(index * 8);
    const low = table.getUint32(index * 8 + 4);
    if (high === 0 && low === 0) continue;
    const entry = header.refcountTableOffset + index * 8;
    const tell = (code: string, message: string, offset = entry, length = 8): void => {
      const host = { start: offset, end: offset + length };
      notes.add('corruption', 1, code, () => ({ message, advice: ADVICE, offset, host }));
    };
    const offset = high * 2 ** 32 + ((low & ~RESERVED_LOW) >>> 0);
    const what = `entry ${index} of the reference count table`;
    if ((low & RESERVED_LOW) !== 0) {
      if (telling) tell('refcount-table-entry', `${what} has reserved bits set`);
      continue;
    }
    if (offset % clusterSize !== 0) {
      if (telling)
        tell('refcount-table-entry', `${what} points into the middle of a cluster (${formatOffset(offset)})`);
      continue;
    }
    const cluster = offset / clusterSize;
    if (cluster >= fileClusters && !(cluster < clusters.clusters && clusters.references(cluster) > 0)) {
      if (telling) tell('refcount-table-entry', `${what} points past the end of the file (${formatOffset(offset)})`);
      continue;
    }
    const block = { what: 'a block of reference counts', offset, length: clusterSize, use: Use.Refcounts };
    references.add({ ...block, claim: Claim.Metadata, times: 1 });
    const inWindow = cluster >= clusters.start && cluster < clusters.end;
    const seen = Math.min(clusters.references(cluster), refcounts.most);
    if (!inWindow || seen === 1) continue;
    const message = `the block of reference counts at ${formatOffset(offset)} is referred to ${seen} times`;
    tell('refcount-block', message, offset, clusterSize);
  }
}
