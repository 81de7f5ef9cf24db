/**
 * What a VDI may ask of us. Each number is checked before anything is looped over; nothing is allocated by what a header
 * says.
 */
export const LIMITS = {
  /**
   * Blocks of a disk: QEMU's `VDI_BLOCKS_IN_IMAGE_MAX` (block/vdi.c), a map of 2 GiB. With blocks of 1 MiB, which are all
   * that QEMU knows, it is its `VDI_DISK_SIZE_MAX` too.
   */
  maxBlocks: 0x1fffff80,
  /** A block is a power of two (VirtualBox, VDICore.h, `cbBlock`), and of a disk that is told in sectors no less than one. */
  minBlockBytes: 512,
  /** `VDIHEADER1` of VDICore.h. `VDIHEADER1PLUS` adds the geometry that BIOSes see. */
  minHeaderBytes: 384,
} as const;
