/**
 * The shape of the qcow2 images that are written: QEMU's own defaults (docs/interop/qcow2.rst, version 3). Sizes are
 * bytes.
 */

export const CLUSTER_BITS = 16;
export const CLUSTER = 2 ** CLUSTER_BITS;
/** log2 of the bits of a reference count. */
export const REFCOUNT_ORDER = 4;
export const REFCOUNT_BYTES = 2 ** REFCOUNT_ORDER / 8;
/** Clusters that one refcount block counts. */
export const BLOCK_CLUSTERS = CLUSTER / REFCOUNT_BYTES;
export const ENTRY_BYTES = 8;
/** Guest bytes that one L2 table maps. */
export const L2_SPAN = (CLUSTER / ENTRY_BYTES) * CLUSTER;
