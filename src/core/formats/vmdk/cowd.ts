import { ascii, readUpTo, u32le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import { Use } from '../../model';
import { CUT_SHORT } from '../advice';
import type { Structure } from '../check';
import { SectorEntries } from './grainEntries';
import type { GrainLayout } from './grainLayout';
import { LIMITS } from './limits';
import { SECTOR_BYTES } from './sectors';

/** Virtual Disk Format 5.0 (VMware), "ESX Server Sparse Extents"; block/vmdk.c, VMDK3Header. */
const MAGIC = 'COWD';
const HEADER_BYTES = 2048;
/** As much of it as is read. */
const FIELDS_BYTES = 32;
const VERSION = 1;
const ENTRIES_PER_TABLE = 4096;

export const isCowd = (head: Uint8Array): boolean => ascii(head, 0, 4) === MAGIC;

/**
 * Reads and checks the header of a copy-on-write extent of ESX.
 * @throws DiskError when no sense can be made of it
 */
export function readCowd(source: ByteSource): GrainLayout {
  const bytes = readUpTo(source, 0, FIELDS_BYTES);
  if (bytes.length < FIELDS_BYTES) {
    throw new DiskError('short-read', 'the file ends inside the COWD header', { offset: bytes.length }, CUT_SHORT);
  }
  const version = u32le(bytes, 4);
  if (version !== VERSION) {
    throw new DiskError('unsupported', `COWD version ${version} is not known (${VERSION} is)`, { offset: 4 });
  }
  const grainSize = u32le(bytes, 16) * SECTOR_BYTES;
  if (grainSize === 0 || grainSize > LIMITS.maxGrainBytes) {
    throw new DiskError(
      grainSize === 0 ? 'corrupt' : 'limit',
      `grains of ${grainSize} bytes can't be (at most ${LIMITS.maxGrainBytes} can)`,
      { offset: 16 },
    );
  }
  const entries = u32le(bytes, 24);
  if (entries > LIMITS.maxDirectoryEntries) {
    throw new DiskError('limit', `a grain directory of ${entries} entries is more than any image has`, { offset: 24 });
  }
  return {
    size: u32le(bytes, 12) * SECTOR_BYTES,
    grainSize,
    entriesPerTable: ENTRIES_PER_TABLE,
    entries: new SectorEntries({ zeroed: false, compressed: false, fileSize: source.size }),
    directory: { offset: u32le(bytes, 20) * SECTOR_BYTES, entries },
  };
}

/** What is in the file beside its directory, tables and grains. */
export const COWD_STRUCTURES: readonly Structure[] = [
  { what: 'the header', start: 0, end: HEADER_BYTES, use: Use.Header },
];
