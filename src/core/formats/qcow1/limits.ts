/**
 * What a qcow image of version 1 may ask of us. Every number is QEMU's own (block/qcow.c, `qcow_open`) unless it says
 * otherwise, and is checked before anything is allocated or looped over.
 */
export const LIMITS = {
  minClusterBits: 9,
  maxClusterBits: 16,
  /** Of tables of 512 bytes to 64 KiB: CVE-2014-0222. */
  minL2Bits: 6,
  maxL2Bits: 13,
  minDiskBytes: 2,
  /**
   * Ours: the header tells no length of the L1 table, the size of the disk alone gives it (CVE-2014-0223), and QEMU
   * takes one of 2 GiB. So many entries map 32 TiB in images as QEMU makes them.
   */
  maxL1Entries: 2 ** 24,
  maxBackingNameBytes: 1023,
} as const;
