/**
 * What a qcow2 image may ask of us, in one table. Every number is QEMU's own (block/qcow2.h, block/qcow2.c,
 * docs/interop/qcow2.rst) unless it says otherwise, and is checked before anything is allocated or looped over.
 */
export const LIMITS = {
  minClusterBits: 9,
  maxClusterBits: 21,
  /** Extended L2 entries need clusters of 16 KiB: 32 subclusters of 512 bytes. */
  minClusterBitsExtendedL2: 14,
  maxRefcountOrder: 6,
  maxL1Bytes: 32 * 2 ** 20,
  maxRefcountTableBytes: 8 * 2 ** 20,
  maxSnapshots: 65_536,
  /** `QCOW_MAX_SNAPSHOTS_SIZE`. */
  maxSnapshotTableBytes: 64 * 2 ** 20,
  maxSnapshotExtraBytes: 1024,
  /** Ours: how many internal snapshots are listed; an honest image has a few dozen. */
  maxSnapshotsListed: 1000,
  maxBackingNameBytes: 1023,
  /** `bs->backing_format` holds 16 bytes with its NUL. */
  maxBackingFormatBytes: 15,
  /** `PATH_MAX`, as for any name of a file. */
  maxDataFileNameBytes: 4095,
  maxBitmaps: 65_535,
  maxBitmapDirectoryBytes: 64 * 2 ** 20,
  minBitmapGranularityBits: 9,
  maxBitmapGranularityBits: 31,
} as const;
