/**
 * What a VHDX file may ask of us, in one table. Numbers are those of [MS-VHDX] by section, or of QEMU's block/vhdx.c, unless
 * they say otherwise; each is checked before anything is allocated or looped over.
 */
export const LIMITS = {
  /** 2.2.3.1. */
  maxRegions: 2047,
  /** 2.6.1.1. */
  maxMetadataEntries: 2047,
  /** 2.6.1.2: of one item. */
  maxMetadataItemBytes: 2 ** 20,
  /** 2.6.2.1, and `VHDX_BLOCK_SIZE_MIN`, `VHDX_BLOCK_SIZE_MAX`. */
  minBlockBytes: 2 ** 20,
  maxBlockBytes: 2 ** 28,
  /** 2.6.2.4 and 2.6.2.5. */
  sectorBytes: [512, 4096],
  /** 2.6.2.2. */
  maxDiskBytes: 64 * 2 ** 40,
  /** 2.2.2, 2.2.3.2 and 2.5.1: what the header section takes, and what places in the file are multiples of. */
  alignment: 2 ** 20,

  /**
   * Ours, of a log that has to be replayed: it is held in memory meanwhile. Hyper-V and QEMU (`DEFAULT_LOG_SIZE`) make
   * logs of 1 MiB.
   */
  maxLogBytes: 64 * 2 ** 20,
  /**
   * Ours: how many times over the bytes of a log are summed up. Entries lie one behind the other; what is left of older ones,
   * whose ends were written over, comes on top.
   */
  maxLogSums: 4,
  /** Ours: what an entry may be filled up with, where the host's sectors are larger than 4 KiB (2.3.1). */
  maxLogPadding: 2 ** 16,
} as const;
