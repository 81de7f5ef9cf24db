import type { Pixels } from '../../core/model';
import { isUnknown } from './cells';

/** What can be told of the cells of a picture while the disk is still being read. */
export interface Estimate {
  /** How much of each cell is known, 0 … 1. */
  readonly known: Float64Array;
  /** The cell whose known parts stand for each: itself, or the nearest of which anything is known; -1 without one. */
  readonly like: Int32Array;
}

/** Pieces all over the disk are read first, so that what lies nearest says something of what is not read yet. */
export function estimate(pixels: Pixels): Estimate {
  const { cells, first, owner, kind, bytes } = pixels;
  const known = new Float64Array(cells);
  const like = new Int32Array(cells).fill(-1);
  let last = -1;
  for (let cell = 0; cell < cells; cell += 1) {
    let all = 0;
    let told = 0;
    for (let part = first[cell] ?? 0; part < (first[cell + 1] ?? 0); part += 1) {
      const size = bytes[part] ?? 0;
      all += size;
      if (!isUnknown(owner[part] ?? 0, kind[part] ?? 0)) told += size;
    }
    known[cell] = all === 0 ? 0 : told / all; // no parts: nobody was asked about it yet
    if (told > 0) last = cell;
    like[cell] = last;
  }
  let next = -1;
  for (let cell = cells - 1; cell >= 0; cell -= 1) {
    const before = like[cell] ?? -1;
    if (before === cell) next = cell;
    else if (next >= 0 && (before < 0 || next - cell < cell - before)) like[cell] = next;
  }
  return { known, like };
}
