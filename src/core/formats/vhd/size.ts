import { DiskError } from '../../errors';
import { formatBytes } from '../../units';
import { SECTOR } from '../parts/flatPart';
import type { Footer, Geometry } from './footer';
import { LIMITS } from './limits';

/** A disk whose geometry says no more than that its size can't be told as one: 65535 cylinders, 16 heads, 255 sectors. */
const LARGEST_GEOMETRY = 65_535 * 16 * 255;

/**
 * Whose disks are as large as the footer's current size says: Hyper-V, QEMU (`force_size`), Disk2vhd, XenConverter. Virtual
 * PC and everybody else take the geometry, which is rounded down.
 */
const BY_CURRENT_SIZE: ReadonlySet<string> = new Set(['win ', 'qem2', 'd2v ', 'CTXS']);
/** XenServer, which ends its name in any byte. */
const XEN = 'tap';

/** Bytes of the disk by its geometry. */
export const geometrySize = ({ cylinders, heads, sectorsPerTrack }: Geometry): number =>
  cylinders * heads * sectorsPerTrack * SECTOR;

/**
 * How large the guest sees the disk, in bytes: by the rules of block/vpc.c (`vpc_open`, `vpc_ignore_current_size`).
 * @throws DiskError `limit` past 2040 GiB
 */
export function diskSize({ creator, currentSize, geometry }: Footer): number {
  const byGeometry = geometrySize(geometry);
  const isBySize = BY_CURRENT_SIZE.has(creator) || creator.startsWith(XEN) || byGeometry === LARGEST_GEOMETRY * SECTOR;
  const sectors = isBySize ? currentSize / BigInt(SECTOR) : BigInt(byGeometry / SECTOR);
  if (sectors > BigInt(LIMITS.maxSectors)) {
    throw new DiskError(
      'limit',
      `a disk of ${sectors} sectors is more than VHD has room for (${formatBytes(LIMITS.maxSectors * SECTOR)})`,
    );
  }
  return Number(sectors) * SECTOR;
}
