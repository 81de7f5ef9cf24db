import { isWithinHole, WORTH_ASKING_BYTES } from '../../extents';
import type { ByteSource, HostExtents } from '../../model';

/** Bytes of tables read of a file that has room for fewer, beside `MAX_PER_DISK_BYTE`: they may be named more than once. */
const FREE_BYTES = 2 ** 30;
/** A file system that compresses may store tables in a part of their size. */
const MAX_PER_DISK_BYTE = 8;

/**
 * L2 tables that lie in holes of the file. They map nothing, and reading them takes as long as reading others: a file of
 * a few kilobytes can have terabytes of them.
 */
export class TableHoles {
  /** How many bytes of tables may be read: an honest image's fit in its file, and take space there. */
  readonly budget: number;
  private readonly extents: HostExtents | undefined;

  /** @param mostBytes of tables that there may be, @param tableBytes how many there are, which may take a while to count */
  constructor(source: ByteSource, mostBytes: number, tableBytes: () => number) {
    const { size, diskUsage } = source;
    // A device has no number of its own.
    const known = diskUsage !== undefined && diskUsage > 0;
    const suspicious =
      known &&
      mostBytes > Math.max(WORTH_ASKING_BYTES, diskUsage) &&
      tableBytes() > Math.max(WORTH_ASKING_BYTES, diskUsage);
    const extents = suspicious ? source.extents?.() : undefined;
    this.extents = extents?.certainty === 'exact' ? extents : undefined;
    this.budget = suspicious ? Math.min(size, FREE_BYTES + diskUsage * MAX_PER_DISK_BYTE) : size;
  }

  hold(offset: number, length: number): boolean {
    return this.extents !== undefined && isWithinHole(this.extents, offset, offset + length);
  }
}
