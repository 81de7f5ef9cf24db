/**
 * What a Parallels image or bundle may ask of us. Numbers are QEMU's own (block/parallels.c, `parallels_open`) unless
 * it says otherwise, and are checked before anything is allocated or looped over.
 */
export const LIMITS = {
  /** `INT32_MAX / 513`: sectors in a cluster. */
  maxClusterSectors: 4_186_127,
  /** `INT_MAX / sizeof(uint32_t)`: 2 GiB of table, which is read as it is asked. */
  maxBatEntries: 536_870_911,
  /**
   * Ours, since the disk may go on behind what its table maps, and a scan goes through all of it: pieces of the largest
   * power of two that a cluster is a multiple of. 64 TiB where clusters have an odd number of sectors; old versions, whose
   * clusters have 63, count 32 bits of sectors.
   */
  maxUnits: 2 ** 37,

  /** Ours: QEMU reads and hashes the whole cluster; the largest that Parallels makes has 1 MiB (parallels.rst, "Definitions"). */
  maxExtensionBytes: 16 * 2 ** 20,
  /** Ours: of all images of a bundle's state, which may be one file that is named a thousand times. */
  maxExtensionBytesOfBundle: 64 * 2 ** 20,
  /** Ours: bitmaps that are listed; backup programs keep one or a few. */
  maxBitmaps: 100,

  /** Ours, of `DiskDescriptor.xml`: one of a disk with a hundred snapshots has some 40 KiB. */
  maxDescriptorBytes: 4 * 2 ** 20,
  /** Ours: parts of a split disk. Parallels splits at 2 GiB, so a disk of 2 TiB has as many; each is an open file. */
  maxStorages: 1024,
  /** Ours: 64 TiB, of which a part may begin and end at any sector. */
  maxDescribedSectors: 2 ** 37,
  /** Ours: files that all parts and snapshots have together. */
  maxImages: 65_536,
} as const;
