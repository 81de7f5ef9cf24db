import { text, u16be, u32be } from '../../bytes';
import { DiskError } from '../../errors';
import type { Bitmap, ByteSource, Finding } from '../../model';
import { EntryReader } from './entryReader';
import type { Qcow2Header } from './header';
import { LIMITS } from './limits';

/** docs/interop/qcow2.rst, "Bitmap directory". */
const FIXED_BYTES = 24;
const FLAG_IN_USE = 1;
const FLAG_AUTO = 2;
const TYPE_DIRTY_TRACKING = 1;

/** An entry of the bitmap directory. */
export interface BitmapEntry {
  readonly bitmap: Bitmap;
  /** Why QEMU would refuse it, where it would. */
  readonly objection: string | undefined;
  /** Where the entry stands in the file, and where it ends with its padding. */
  readonly offset: number;
  readonly end: number;
  readonly tableOffset: number;
  readonly tableEntries: number;
}

/**
 * All entries of the bitmap directory, one at a time.
 * @throws DiskError where one can't be read: what follows can't be found then
 */
export function* bitmapEntries(source: ByteSource, header: Qcow2Header): Generator<BitmapEntry, void, void> {
  if (!header.bitmaps) return;
  const { count, directoryBytes, directoryOffset } = header.bitmaps;
  const table = { name: 'bitmap directory', offset: directoryOffset, maxBytes: directoryBytes };
  const reader = new EntryReader(source, table);
  for (let index = 0; index < count; index += 1) yield readEntry(reader, header);
}

/**
 * Lists the bitmaps; what can't be read is a finding, since the disk does not depend on them.
 * @param most how many are listed; the rest is counted
 */
export function readBitmaps(
  source: ByteSource,
  header: Qcow2Header,
  most: number,
): { bitmaps: readonly Bitmap[]; findings: readonly Finding[] } {
  if (!header.bitmaps) return { bitmaps: [], findings: [] };
  const { count, directoryOffset } = header.bitmaps;
  const bitmaps: Bitmap[] = [];
  const findings: Finding[] = [];
  const wanted = Math.min(count, most);
  let end = directoryOffset;
  try {
    for (const entry of bitmapEntries(source, header)) {
      end = entry.end;
      if (entry.objection !== undefined && findings.length === 0)
        findings.push(refusedBitmap(bitmaps.length, entry.objection, entry.offset));
      bitmaps.push(entry.bitmap);
      if (bitmaps.length === wanted) break;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const message = `the bitmap directory can't be read past entry ${bitmaps.length} of ${count}: ${error.message}`;
    findings.push({ code: 'bitmap-directory', severity: 'error', message, offset: end });
    return { bitmaps, findings };
  }
  if (count > wanted) {
    const message = `the image has ${count} bitmaps: the first ${wanted} are listed, ${count - wanted} more are not`;
    findings.push({ code: 'bitmaps-cut', severity: 'info', message, offset: directoryOffset });
  }
  return { bitmaps, findings };
}

const refusedBitmap = (index: number, objection: string, offset: number): Finding => ({
  code: 'bitmap-refused',
  severity: 'error',
  message: `bitmap ${index} of the directory can't be used, nor perhaps others: ${objection}`,
  offset,
  advice: 'QEMU refuses such an image.',
});

/** @throws DiskError where the entry has no end that can be found, or makes no sense */
function readEntry(reader: EntryReader, header: Qcow2Header): BitmapEntry {
  const entry = reader.position;
  const fixed = reader.take(FIXED_BYTES).slice();
  const granularityBits = fixed[17] ?? 0;
  if (granularityBits < LIMITS.minBitmapGranularityBits || granularityBits > LIMITS.maxBitmapGranularityBits) {
    const message = `one bit of it is said to stand for 2^${granularityBits} bytes (512 bytes to 2 GiB can be)`;
    throw new DiskError('corrupt', message, { offset: entry + 17 });
  }
  const nameBytes = u16be(fixed, 18);
  reader.skip(u32be(fixed, 20));
  const name = text(reader.take(nameBytes).subarray(0, LIMITS.maxBitmapNameBytes));
  reader.align(entry);
  const flags = u32be(fixed, 12);
  return {
    bitmap: {
      name,
      granularity: 2 ** granularityBits,
      flags: [
        ...((flags & FLAG_IN_USE) !== 0 ? (['in-use'] as const) : []),
        ...((flags & FLAG_AUTO) !== 0 ? (['auto'] as const) : []),
      ],
    },
    objection: objectionTo(fixed, header),
    offset: entry,
    end: reader.position,
    tableOffset: u32be(fixed, 0) * 2 ** 32 + u32be(fixed, 4),
    tableEntries: u32be(fixed, 8),
  };
}

/** What block/qcow2-bitmap.c, check_dir_entry, objects to. */
function objectionTo(fixed: Uint8Array, { clusterBits, guestSize }: Qcow2Header): string | undefined {
  const clusterSize = 2 ** clusterBits;
  const tableOffset = u32be(fixed, 0) * 2 ** 32 + u32be(fixed, 4);
  const tableEntries = u32be(fixed, 8);
  const type = fixed[16] ?? 0;
  const nameBytes = u16be(fixed, 18);
  if (type !== TYPE_DIRTY_TRACKING) return `it is of type ${type}, which is not known`;
  if (nameBytes > LIMITS.maxBitmapNameBytes) return `its name has ${nameBytes} bytes`;
  if (tableOffset === 0 || tableOffset % clusterSize !== 0)
    return `its table is said to begin at byte ${tableOffset}, where no cluster of its own begins`;
  if (tableEntries === 0) return 'its table is empty';
  if (tableEntries > LIMITS.maxBitmapTableEntries || tableEntries * clusterSize > LIMITS.maxBitmapBytes)
    return `its table of ${tableEntries} entries is past QEMU's limits`;
  if ((u32be(fixed, 12) & ~(FLAG_IN_USE | FLAG_AUTO)) !== 0) return 'it has flags that are not known';
  if (u32be(fixed, 20) !== 0) return 'it has extra data, which QEMU does not know';
  if (guestSize > tableEntries * clusterSize * 8 * 2 ** (fixed[17] ?? 0)) return 'it is too short for the disk';
  return undefined;
}
