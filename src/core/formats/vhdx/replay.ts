import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import type { LogWrite, PendingLog } from './log';

/** What stands in place of a part of the file: bytes, or zeros. */
interface Patch {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array | undefined;
}

/**
 * A file as it is once its log was replayed, which happens here and not in the file. Places in it are those of the file;
 * what the log makes longer reads as zeros there.
 */
export class ReplayedSource implements ByteSource {
  readonly size: number;
  private readonly patches: readonly Patch[];
  private readonly patchEnds: Float64Array;

  constructor(
    private readonly file: ByteSource,
    log: PendingLog,
  ) {
    this.size = Math.max(file.size, log.fileSize);
    this.patches = patchesOf(log.writes);
    this.patchEnds = Float64Array.from(this.patches, ({ end: patchEnd }) => patchEnd);
  }

  readInto(target: Uint8Array, position: number): void {
    const end = position + target.length;
    if (end > this.size) throw new DiskError('short-read', 'the file ends', { offset: this.size });
    readPadded(this.file, target, position);
    for (let index = firstFrom(this.patchEnds, position + 1); index < this.patches.length; index += 1) {
      const patch = this.patches[index];
      if (!patch || patch.start >= end) break;
      const from = Math.max(patch.start, position);
      const to = Math.min(patch.end, end);
      if (patch.bytes) target.set(patch.bytes.subarray(from - patch.start, to - patch.start), from - position);
      else target.fill(0, from - position, to - position);
    }
  }

  close(): void {
    this.file.close();
  }
}

/** The index of the first of rising numbers that is at least `least`. */
function firstFrom(numbers: Float64Array, least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is left of writes once later ones have gone over earlier ones: in rising order, none over another. */
function patchesOf(writes: readonly LogWrite[]): readonly Patch[] {
  const bounds = Float64Array.from(new Set(writes.flatMap(({ offset, length }) => [offset, offset + length]))).sort();
  const patches: Patch[] = [];
  // Of each stretch between bounds, the next one from there on that no later write has taken.
  const free = Uint32Array.from(bounds, (_, index) => index);
  const firstFree = (from: number): number => {
    let index = from;
    while (free[index] !== index) {
      const next = free[index] ?? index;
      free[index] = free[next] ?? next;
      index = next;
    }
    return index;
  };
  for (const { offset, length, bytes } of [...writes].reverse()) {
    const last = firstFrom(bounds, offset + length);
    for (let index = firstFree(firstFrom(bounds, offset)); index < last; index = firstFree(index + 1)) {
      const start = bounds[index] ?? 0;
      const end = bounds[index + 1] ?? start;
      patches.push({ start, end, bytes: bytes?.subarray(start - offset, end - offset) });
      free[index] = index + 1;
    }
  }
  return patches.sort((a, b) => a.start - b.start);
}
