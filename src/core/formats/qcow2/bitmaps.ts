import { readUpTo, text, u16be, u32be } from '../../bytes';
import type { Bitmap, ByteSource, Finding } from '../../model';
import type { Qcow2Header } from './header';
import { LIMITS } from './limits';

/** docs/interop/qcow2.rst, "Bitmap directory". */
const FIXED_BYTES = 24;
const FLAG_IN_USE = 1;
const FLAG_AUTO = 2;

/** Lists the bitmaps; what can't be read is a finding, since the disk does not depend on them. */
export function readBitmaps(
  source: ByteSource,
  header: Qcow2Header,
): { bitmaps: readonly Bitmap[]; findings: readonly Finding[] } {
  if (!header.bitmaps) return { bitmaps: [], findings: [] };
  const { count, directoryBytes, directoryOffset } = header.bitmaps;
  const directory = readUpTo(source, directoryOffset, directoryBytes);
  const bitmaps: Bitmap[] = [];
  let at = 0;
  while (bitmaps.length < count) {
    const nameBytes = u16be(directory, at + 18);
    const nameAt = at + FIXED_BYTES + u32be(directory, at + 20);
    const end = nameAt + nameBytes;
    const granularityBits = directory[at + 17] ?? 0;
    const sane =
      granularityBits >= LIMITS.minBitmapGranularityBits && granularityBits <= LIMITS.maxBitmapGranularityBits;
    if (at + FIXED_BYTES > directory.length || end > directory.length || !sane) {
      const message = `the bitmap directory can't be read past entry ${bitmaps.length} of ${count}`;
      return {
        bitmaps,
        findings: [{ code: 'bitmap-directory', severity: 'error', message, offset: directoryOffset + at }],
      };
    }
    const flags = u32be(directory, at + 12);
    bitmaps.push({
      name: text(directory.subarray(nameAt, end)),
      granularity: 2 ** granularityBits,
      flags: [
        ...((flags & FLAG_IN_USE) !== 0 ? (['in-use'] as const) : []),
        ...((flags & FLAG_AUTO) !== 0 ? (['auto'] as const) : []),
      ],
    });
    at += Math.ceil((end - at) / 8) * 8;
  }
  return { bitmaps, findings: [] };
}
