/** Edits of qcow2 files that qemu-img has no command for (docs/interop/qcow2.rst). */

/** Offsets of header fields. */
const HEADER = {
  size: 24,
  l1Size: 36,
  l1Offset: 40,
  refcountTable: 48,
  snapshots: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  length: 100,
};
const INCOMPATIBLE = { dirty: 1n, corrupt: 2n };
const BACKING_FORMAT_EXTENSION = 0xe2792aca;

export interface SnapshotEntry {
  /** Where the entry stands in the file. */
  readonly at: number;
  readonly l1Offset: bigint;
  readonly l1Size: number;
  readonly id: string;
  readonly name: string;
  /** The disk's size when it was taken; undefined where the entry doesn't tell (old images). */
  readonly diskSize?: number;
  readonly extraSize: number;
}

export function snapshotEntries(bytes: Buffer): SnapshotEntry[] {
  const entries: SnapshotEntry[] = [];
  let at = Number(bytes.readBigUInt64BE(HEADER.snapshotsOffset));
  for (let count = bytes.readUInt32BE(HEADER.snapshots); count > 0; count -= 1) {
    const idSize = bytes.readUInt16BE(at + 12);
    const nameSize = bytes.readUInt16BE(at + 14);
    const extraSize = bytes.readUInt32BE(at + 36);
    const idAt = at + 40 + extraSize;
    entries.push({
      at,
      l1Offset: bytes.readBigUInt64BE(at),
      l1Size: bytes.readUInt32BE(at + 8),
      id: bytes.toString('utf8', idAt, idAt + idSize),
      name: bytes.toString('utf8', idAt + idSize, idAt + idSize + nameSize),
      ...(extraSize >= 16 ? { diskSize: Number(bytes.readBigUInt64BE(at + 48)) } : {}),
      extraSize,
    });
    at = Math.ceil((idAt + idSize + nameSize) / 8) * 8;
  }
  return entries;
}

/** Gives each snapshot a date that depends on nothing but its place, so that the same images come out every time. */
export function dateSnapshots(bytes: Buffer): void {
  snapshotEntries(bytes).forEach(({ at }, index) => {
    bytes.writeUInt32BE(1_700_000_000 + 3600 * index, at + 16);
    bytes.writeUInt32BE(123_456_000 + index, at + 20);
    bytes.writeBigUInt64BE(BigInt(index) * 61_000_000_007n, at + 24);
  });
}

/** Says that a snapshot holds that much VM state (which `qemu-io write -b` put behind the disk before it was taken). */
export function setVmStateSize(bytes: Buffer, name: string, size: number): void {
  for (const { at, extraSize, name: found } of snapshotEntries(bytes)) {
    if (found !== name) continue;
    bytes.writeUInt32BE(size, at + 32);
    if (extraSize >= 8) bytes.writeBigUInt64BE(BigInt(size), at + 40);
  }
}

/** Makes a snapshot the active state, with its own disk size, and changes nothing else. */
export function activateSnapshot(bytes: Buffer, { l1Offset, l1Size, diskSize }: SnapshotEntry): void {
  bytes.writeBigUInt64BE(l1Offset, HEADER.l1Offset);
  bytes.writeUInt32BE(l1Size, HEADER.l1Size);
  if (diskSize !== undefined) bytes.writeBigUInt64BE(BigInt(diskSize), HEADER.size);
}

export function setVirtualSize(bytes: Buffer, size: number): void {
  bytes.writeBigUInt64BE(BigInt(size), HEADER.size);
}

export function setIncompatible(bytes: Buffer, flag: keyof typeof INCOMPATIBLE): void {
  bytes.writeBigUInt64BE(bytes.readBigUInt64BE(HEADER.incompatible) | INCOMPATIBLE[flag], HEADER.incompatible);
}

/** Turns the extension that names the backing format into one that every reader must skip. */
export function forgetBackingFormat(bytes: Buffer): void {
  const version = bytes.readUInt32BE(4);
  for (let at = version === 2 ? 72 : bytes.readUInt32BE(HEADER.length); bytes.readUInt32BE(at) !== 0;) {
    if (bytes.readUInt32BE(at) === BACKING_FORMAT_EXTENSION) {
      bytes.writeUInt32BE(0x7e57_0000, at);
      return;
    }
    at += 8 + Math.ceil(bytes.readUInt32BE(at + 4) / 8) * 8;
  }
  throw new Error('the image names no backing format');
}

/** Clusters of 64 KiB with counts of 16 bits, all in the first block: what the functions below are for. */
const CLUSTER = 65_536;
const OFFSET_BITS = 0x00ff_ffff_ffff_fe00n;

/** Where in the file the data of one of the first 8192 clusters of the disk is, as a number of clusters. */
export function hostClusterOf(bytes: Buffer, guestCluster: number): number {
  const l2 = bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(HEADER.l1Offset))) & OFFSET_BITS;
  return Number(bytes.readBigUInt64BE(Number(l2) + 8 * guestCluster) & OFFSET_BITS) / CLUSTER;
}

/** Says how often a cluster of the file is used, whether or not it is. */
export function setRefcount(bytes: Buffer, hostCluster: number, count: number): void {
  const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(HEADER.refcountTable))));
  bytes.writeUInt16BE(count, block + 2 * hostCluster);
}

/** The image with so many clusters more at its end, counted as used by nobody. */
export function withLeaks(bytes: Buffer, leaks: number): Buffer {
  const end = Math.ceil(bytes.length / CLUSTER);
  const longer = Buffer.alloc((end + leaks) * CLUSTER);
  bytes.copy(longer);
  for (let cluster = end; cluster < end + leaks; cluster += 1) setRefcount(longer, cluster, 1);
  return longer;
}
