import type { ByteSource, HostExtents } from '../../model';

/** A file of a disk, and where it begins in the layer's host space. */
export interface DiskFile {
  readonly source: ByteSource;
  readonly base: number;
  /** Whether it is a part of the disk as it stands, so that its holes are holes of the disk. */
  readonly isFlat: boolean;
}

/**
 * Where the flat files of a disk have holes, in the layer's host space; what follows the end of one is as good as a hole.
 * All else counts as data. Undefined where there is no such file.
 * @param files in rising order
 */
export function holesOf(files: readonly DiskFile[]): HostExtents | undefined {
  if (!files.some(({ isFlat }) => isFlat)) return undefined;
  const bounds = [0];
  let isData = true;
  let certainty: HostExtents['certainty'] = 'exact';
  const turn = (at: number, toData: boolean): void => {
    if (toData === isData) return;
    bounds.push(at);
    isData = toData;
  };
  for (const { source, base, isFlat } of files) {
    if (!isFlat || source.size === 0) {
      turn(base, !isFlat);
      continue;
    }
    const extents = source.extents?.();
    if (extents?.certainty !== 'exact') certainty = 'assumed';
    turn(base, extents?.startsWithData ?? true);
    const inner = extents?.bounds ?? [];
    for (let i = 1; i < inner.length - 1; i += 1) turn(base + (inner[i] ?? 0), !isData);
    turn(base + source.size, false);
  }
  bounds.push(Infinity);
  return { bounds: Float64Array.from(bounds), startsWithData: true, certainty };
}
