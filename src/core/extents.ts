import type { ByteSource, HostExtents } from './model';
import { DiskError } from './errors';

/** Reading less than this is quicker than asking where a file has holes, which may start another program. */
export const WORTH_ASKING_BYTES = 64 << 20;

/** Index `i` such that `[bounds[i], bounds[i + 1])` holds `offset`. */
export function extentAt({ bounds }: HostExtents, offset: number): number {
  let low = 0;
  let high = bounds.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((bounds[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function isData(extents: HostExtents, offset: number): boolean {
  return (extentAt(extents, offset) % 2 === 0) === extents.startsWithData;
}

/** Whether all of `[start, end)` is a hole; past the end of the file nothing is but that. */
export function isWithinHole(extents: HostExtents, start: number, end: number): boolean {
  const extent = extentAt(extents, start);
  if ((extent % 2 === 0) === extents.startsWithData) return false;
  return extent + 2 >= extents.bounds.length || (extents.bounds[extent + 1] ?? end) >= end;
}

/** A part of a file as a file of its own. Closing it closes the whole. */
export function windowOf(source: ByteSource, offset: number, size: number): ByteSource {
  return {
    size,
    origin: (source.origin ?? 0) + offset,
    diskUsage: source.diskUsage,
    modified: source.modified,
    readInto: (target, position) => {
      // Past the window is past the end, even where the file goes on.
      if (position + target.length > size) {
        throw new DiskError('short-read', `the part of the file that counts ends at byte ${offset + size}`, {
          offset: offset + position,
        });
      }
      source.readInto(target, offset + position);
    },
    ...(source.changed ? { changed: source.changed.bind(source) } : {}),
    ...(source.extents ? { extents: () => cut(source.extents?.(), offset, size) } : {}),
    close: () => {
      source.close();
    },
  };
}

function cut(extents: HostExtents | undefined, offset: number, size: number): HostExtents {
  if (!extents || size === 0) {
    return { bounds: Float64Array.of(0, size), startsWithData: true, certainty: extents?.certainty ?? 'assumed' };
  }
  const first = extentAt(extents, offset);
  const inner = extents.bounds.filter((bound) => bound > offset && bound < offset + size);
  return {
    // A file may be in millions of pieces: too many to be arguments of a call.
    bounds: Float64Array.from([0, ...Array.from(inner, (bound) => bound - offset), size]),
    startsWithData: (first % 2 === 0) === extents.startsWithData,
    certainty: extents.certainty,
  };
}
