/**
 * What a qcow2 image may ask of us, in one table. Every number is QEMU's own (block/qcow2.h, block/qcow2.c,
 * block/qcow2-bitmap.c, docs/interop/qcow2.rst) unless it says otherwise, and is checked before anything is allocated
 * or looped over. Limits that are no format's own stand where they are kept: `MAX_DEPTH` (chain.ts), `MAX_BYTES`
 * (picture/chunk.ts), `MAX_CELLS` (pixels.ts), `CACHE_BYTES` (cache/readCache.ts).
 */
export const LIMITS = {
  minClusterBits: 9,
  maxClusterBits: 21,
  /** Extended L2 entries need clusters of 16 KiB: 32 subclusters of 512 bytes. */
  minClusterBitsExtendedL2: 14,
  maxRefcountOrder: 6,
  /** `QCOW_MAX_L1_SIZE`, for the current state's table and for each snapshot's. */
  maxL1Bytes: 32 * 2 ** 20,
  /** `QCOW_MAX_REFTABLE_SIZE`. */
  maxRefcountTableBytes: 8 * 2 ** 20,

  /** Ours: QEMU reads as many as fit in the header's cluster, and knows six kinds. */
  maxHeaderExtensions: 256,
  /** Ours: how much of the header's cluster is read for them. */
  maxExtensionAreaBytes: 64 * 2 ** 10,
  /** Also the longest `json:` name: it stands in the same field. */
  maxBackingNameBytes: 1023,
  /** `bs->backing_format` holds 16 bytes with its NUL. */
  maxBackingFormatBytes: 15,
  /** `PATH_MAX`, as for any name of a file. */
  maxDataFileNameBytes: 4095,

  /** `QCOW_MAX_SNAPSHOTS`. */
  maxSnapshots: 65_536,
  /** `QCOW_MAX_SNAPSHOTS_SIZE`. */
  maxSnapshotTableBytes: 64 * 2 ** 20,
  /** `QCOW_MAX_SNAPSHOT_EXTRA_DATA`. */
  maxSnapshotExtraBytes: 1024,
  /** Ours: how many internal snapshots, and how many bitmaps, are listed; an honest image has a few dozen. */
  maxListed: 1000,
  /** Ours: the same of an image below the newest; a chain has hundreds of them at worst. */
  maxListedBelow: 100,
  /** As much of an id as QEMU tells: `QEMUSnapshotInfo.id_str` holds 128 bytes with its NUL. */
  maxSnapshotIdShown: 127,
  /** As much of a name as QEMU tells: `QEMUSnapshotInfo.name` holds 256 bytes with its NUL. */
  maxSnapshotNameShown: 255,

  /** `QCOW2_MAX_BITMAPS`. */
  maxBitmaps: 65_535,
  /** `QCOW2_MAX_BITMAP_DIRECTORY_SIZE`. */
  maxBitmapDirectoryBytes: 1024 * 65_535,
  /** `BME_MAX_NAME_SIZE`. */
  maxBitmapNameBytes: 1023,
  minBitmapGranularityBits: 9,
  maxBitmapGranularityBits: 31,
  /** `BME_MAX_TABLE_SIZE`. */
  maxBitmapTableEntries: 0x800_0000,
  /** `BME_MAX_PHYS_SIZE`: the clusters that the table stands for. */
  maxBitmapBytes: 512 * 2 ** 20,
} as const;
