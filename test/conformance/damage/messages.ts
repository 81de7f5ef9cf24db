/**
 * Every complaint that `qemu-img check` has about a qcow2 image that it opens (QEMU 10: check functions of
 * block/qcow2-refcount.c, and qcow2_check_read_snapshot_table of block/qcow2-snapshot.c), by a few of its words.
 *
 * Left out is what only repairing (`-r`) or a failing disk can bring about. What is wrong with a bitmap is counted
 * without a word, after which the check breaks off.
 */
export const MESSAGES = {
  'past the end': /exceeding the end of the file/,
  overflow: /overflow cluster offset=/,
  'L1 reserved bits': /L1 entry with reserved bits/,
  'L2 unaligned': /l2_offset=\w+: Table is not cluster aligned/,
  'L2 reserved bits': /l2 entry with reserved bits/,
  'compressed and COPIED': /copied flag must never be set/,
  'compressed with data file': /compressed cluster \d+ with data file/,
  'compressed with subclusters': /compressed cluster \d+ with non-zero subcluster/,
  'data and zero': /corrupted subcluster allocation bitmap/,
  'preallocated unaligned': /Preallocated cluster is not properly aligned/,
  'data unaligned': /Data cluster is not properly aligned/,
  'subclusters of nothing': /Unallocated cluster has non-zero subcluster/,
  'COPIED missing of L2': /OFLAG_COPIED L2 cluster: .* refcount=1$/m,
  'COPIED wrong of L2': /OFLAG_COPIED L2 cluster: .* refcount=(?:0|[2-9]|\d{2,})$/m,
  'COPIED missing of data': /OFLAG_COPIED data cluster: .* refcount=1$/m,
  'COPIED wrong of data': /OFLAG_COPIED data cluster: .* refcount=(?:0|[2-9]|\d{2,})$/m,
  'refcount table reserved bits': /refcount table entry \d+ has reserved bits/,
  'refcount block unaligned': /refcount block \d+ is not cluster aligned/,
  'refcount block outside': /refcount block \d+ is outside/,
  'refcount block shared': /refcount block \d+ refcount=\d+/,
  'no refcount': /Can't get refcount for cluster/,
  'too small': /^ERROR cluster \d+ refcount=/m,
  leaked: /^Leaked cluster \d+ refcount=/m,
  'snapshots with data file': /\d+ snapshots in image with data file/,
  'snapshot L1 unaligned': /snapshot .* L1 table is not cluster aligned/,
  'snapshot L1 too large': /snapshot .* L1 table is too large/,
  'snapshot entry incomplete': /snapshot table entry \d+ is incomplete/,
  'snapshot table misplaced': /snapshot table offset invalid/,
  'snapshot table too large': /snapshot table too large/,
  'snapshot extra data': /failed to read the snapshot table: Too much extra metadata/,
  'snapshot table too long': /failed to read the snapshot table: Snapshot table is too big/,
} as const satisfies Readonly<Record<string, RegExp>>;

export type Message = keyof typeof MESSAGES;
