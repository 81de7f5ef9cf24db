import type { ChainLayer } from '../model';
import { LayerRuns, sliceSpan } from './layerRuns';
import type { Write } from './writes';

/** block/mirror.c: what is copied at a time, and how much may be under way. */
const MAX_IO_BYTES = 2 ** 20;
const BUFFER_BYTES = 16 * MAX_IO_BYTES;
/** Pieces of a granule that one request may be made of (IOV_MAX). */
const MAX_PIECES = 1024;

/** The image that is committed into, as the job sees it. */
export interface CommitTarget {
  /** Bytes of a cluster; undefined for raw. */
  readonly clusterSize: number | undefined;
  /** Smallest part of it that can read as zero by itself; undefined for raw. */
  readonly subclusterSize: number | undefined;
}

/** Default granularity of the job's dirty bitmap (block/dirty-bitmap.c): a cluster of the target, from 4 to 64 KiB. */
export const granularityFor = ({ clusterSize }: CommitTarget): number =>
  clusterSize === undefined ? 2 ** 16 : Math.min(2 ** 16, Math.max(2 ** 12, clusterSize));

/**
 * What `qemu-img commit` writes to the parent of a layer: every granule in which the layer holds anything (block/mirror.c,
 * mirror_dirty_init), as a copy, or as zeros where whole granules read so in one piece and fill whole subclusters of the
 * target (mirror_iteration).
 */
export function* commitWrites(
  top: ChainLayer,
  extendedL2: boolean,
  target: CommitTarget,
): Generator<Write, void, void> {
  const granularity = granularityFor(target);
  const slice = sliceSpan(top.layer, extendedL2);
  const runs = new LayerRuns(top);
  const size = runs.guestSize;
  const unit = target.subclusterSize ?? 1;
  try {
    for (const dirty of dirtyRanges(top, granularity)) {
      for (let groupStart = dirty.start; groupStart < dirty.end;) {
        const groupEnd = Math.min(dirty.end, groupStart + BUFFER_BYTES);
        for (let at = groupStart; at < groupEnd && at < size;) {
          runs.seek(at);
          // Of what lies below the layer no whole granule comes: it would not be dirty.
          const isZero = runs.readsAsZero;
          const told = Math.min(runs.end, sliceEnd(at, slice), groupEnd, size) - at;
          let length = isZero ? told : Math.min(told, MAX_IO_BYTES);
          length -= length % granularity;
          const short = length < granularity;
          if (short) length = granularity;
          const asZero = !short && isZero && at % unit === 0 && length % unit === 0;
          if (!asZero) length = Math.min(length, BUFFER_BYTES, granularity * MAX_PIECES);
          const end = Math.min(at + length, size);
          yield { start: at, end, how: asZero ? 'zero' : 'copy', unmap: true };
          at += length;
        }
        groupStart = groupEnd;
      }
    }
  } finally {
    runs.close();
  }
}

const sliceEnd = (at: number, slice: number): number => (slice === Infinity ? Infinity : at - (at % slice) + slice);

/** Whole granules in which the layer holds anything, neighbours joined. */
function* dirtyRanges(top: ChainLayer, granularity: number): Generator<{ start: number; end: number }, void, void> {
  const runs = new LayerRuns(top);
  let start = -1;
  let end = -1;
  try {
    for (let at = 0; at < runs.guestSize; at = runs.end) {
      runs.seek(at);
      if (!runs.allocated) continue;
      const from = at - (at % granularity);
      const to = Math.ceil(Math.min(runs.end, runs.guestSize) / granularity) * granularity;
      if (from <= end) end = Math.max(end, to);
      else {
        if (start >= 0) yield { start, end };
        start = from;
        end = to;
      }
    }
    if (start >= 0) yield { start, end };
  } finally {
    runs.close();
  }
}
