/**
 * What a QED image may ask of us: docs/interop/qed_spec.rst and block/qed.h in QEMU's sources. Each number is checked before
 * anything is allocated or looped over.
 */
export const LIMITS = {
  /** `QED_MIN_CLUSTER_SIZE`, `QED_MAX_CLUSTER_SIZE`; powers of two. */
  minClusterBytes: 2 ** 12,
  maxClusterBytes: 2 ** 26,
  /** `QED_MIN_TABLE_SIZE`, `QED_MAX_TABLE_SIZE`, in clusters; powers of two. */
  minTableClusters: 1,
  maxTableClusters: 16,
  /** The header in bytes is a number of 32 bits (block/qed.c, `bdrv_qed_do_open`). */
  maxHeaderBytes: 2 ** 32 - 1,
  /** `bs->backing_file` holds 1024 bytes with its NUL. */
  maxBackingNameBytes: 1023,
} as const;
