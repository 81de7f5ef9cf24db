/**
 * What a VHD image may ask of us, in one table. "Specification" is Microsoft's "Virtual Hard Disk Image Format
 * Specification", version 1.0 (October 11, 2006); block/vpc.c is QEMU's. Every number is checked before anything is
 * allocated or looped over.
 */
export const LIMITS = {
  /** `VHD_MAX_SECTORS` of block/vpc.c: 2040 GiB, the largest disk that the specification knows. */
  maxSectors: 0xff00_0000,
  /** Specification, "Block Size": sectors per block are a power of two. block/vpc.c takes one sector and more. */
  minBlockBytes: 512,
  /** block/vpc.c: `INT_MAX / 4`. */
  maxTableEntries: Math.floor(0x7fff_ffff / 4),
  /** Ours: the longest path of Windows, 32,767 UTF-16 units; no locator is longer. */
  maxLocatorBytes: 2 * 32_767,
} as const;
