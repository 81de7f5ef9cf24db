import type { ChainLayer, Ranges } from '../model';
import { LayerRuns, sliceSpan } from './layerRuns';
import type { Write } from './writes';

/** qemu-img.c: what a rebase compares at a time. */
const BUFFER_BYTES = 2 ** 21;

export interface PullSource {
  /** The layer that goes. */
  readonly layer: ChainLayer;
  readonly extendedL2: boolean;
  /** False where the child stands on nothing afterwards: then there is no layer in its chain to compare with. */
  readonly hasParent: boolean;
  /** Where its disk and that of its parent differ, in rising order; past the end of either counts as zeros. */
  readonly different: Ranges;
}

/**
 * What `qemu-img rebase` in safe mode writes to an image on the layer (qemu-img.c, img_rebase): whole subclusters that
 * the image does not hold itself and in which the old and the new parent differ; as zeros past the old parent's end.
 * @param unit bytes of a subcluster of the image
 */
export function* pullWrites(
  child: ChainLayer,
  extendedL2: boolean,
  unit: number,
  source: PullSource,
): Generator<Write, void, void> {
  const own = new LayerRuns(child);
  const old = new LayerRuns(source.layer);
  const ownSlice = sliceSpan(child.layer, extendedL2);
  const oldSlice = sliceSpan(source.layer.layer, source.extendedL2);
  const oldSize = old.guestSize;
  const size = own.guestSize;
  const differs = new Differences(source.different);
  try {
    for (let at = 0; at < size;) {
      own.seek(at);
      let end = Math.min(own.end, sliceEnd(at, ownSlice), at + BUFFER_BYTES, size);
      if (own.allocated) {
        at = end;
        continue;
      }
      if (source.hasParent && at < oldSize) {
        old.seek(at);
        end = Math.min(end, old.end, sliceEnd(at, oldSlice), oldSize);
        if (!old.allocated) {
          at = end;
          continue;
        }
      }
      const start = at - (at % unit);
      end = Math.min(Math.ceil(end / unit) * unit, size, start + BUFFER_BYTES);
      yield* writesIn(start, end, unit, differs, oldSize);
      at = end;
    }
  } finally {
    own.close();
    old.close();
  }
}

const sliceEnd = (at: number, slice: number): number => (slice === Infinity ? Infinity : at - (at % slice) + slice);

/** Neighbouring subclusters that differ go in one write, which is one of zeros only where it begins past the old end. */
function* writesIn(start: number, end: number, unit: number, differs: Differences, oldSize: number): Generator<Write> {
  let from = -1;
  for (let at = start; at < end; at += unit) {
    const stop = Math.min(at + unit, end);
    const differ = differs.within(at, stop);
    if (differ && from < 0) from = at;
    if (from >= 0 && (!differ || stop === end)) {
      yield { start: from, end: differ ? stop : at, how: from >= oldSize ? 'zero' : 'copy', unmap: false };
      from = -1;
    }
  }
}

/** Rising ranges, asked in (nearly) rising order. */
class Differences {
  private index = 0;

  constructor(private readonly ranges: Ranges) {}

  within(start: number, end: number): boolean {
    const { ranges } = this;
    while (this.index > 0 && (ranges.end[this.index - 1] ?? 0) > start) this.index -= 1;
    while (this.index < ranges.count && (ranges.end[this.index] ?? 0) <= start) this.index += 1;
    return this.index < ranges.count && (ranges.start[this.index] ?? 0) < end;
  }
}
