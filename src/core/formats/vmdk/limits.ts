/**
 * What a VMDK may ask of us, in one table. Every number is QEMU's own (block/vmdk.c) unless it says otherwise, and is
 * checked before anything is allocated or looped over.
 */
export const LIMITS = {
  /** `vmdk_open_vmdk4`. Version 3 is version 1 with changed blocks tracked in another file. */
  maxVersion: 3,
  /** `vmdk_add_extent`. */
  maxGrainBytes: 2 ** 30,
  /** `vmdk_open_vmdk4`, for hosted sparse extents. */
  maxEntriesPerTable: 512,
  /** `vmdk_add_extent`. */
  maxDirectoryEntries: 32 * 2 ** 20,
  /** Ours: a compressed grain is decompressed as a whole, and every writer makes grains of 64 KiB. */
  maxCompressedGrainBytes: 16 * 2 ** 20,
  /** `vmdk_read_extent`: what a compressed grain takes in the file, with its marker, in grains. */
  maxCompressedGrains: 2,

  /** `vmdk_read_desc`. */
  maxDescriptorBytes: 2 ** 20 - 1,
  /** `bs->auto_backing_file` holds 1024 bytes with its NUL. */
  maxParentNameBytes: 1023,
  /** `vmdk_parse_extents`: `fname` holds 512 bytes with its NUL. */
  maxExtentNameBytes: 511,
  /** Ours: each is a file of its own. The largest disk in pieces of 2 GiB that VMware makes, 2 TiB, has 1024. */
  maxExtents: 2048,
  /** Ours: lines that are not understood and told of one by one. */
  maxLineNotes: 20,
} as const;
