/** What Linux says of locks on files: the text of /proc/locks, and where a file stands in it. Pure text. */

/** A file as the kernel's lists name it: its device as `major:minor`, two hexadecimal digits at least, and its inode. */
export interface LockPlace {
  readonly device: string;
  readonly inode: string;
}

/** What QEMU's locks on an image say of its users. */
export interface QemuLocks {
  /** Somebody has it open, for whatever. */
  readonly read: boolean;
  /** Somebody may write to it or change its size. */
  readonly written: boolean;
}

/**
 * QEMU's own locks, block/file-posix.c, raw_apply_lock_bytes: one byte of the file for each permission that a user has
 * (from 100 on) and one for each that it lets nobody else have (from 200 on). They are shared locks, so that a second
 * user may look at them; neighbours of one user are told as one range.
 */
const PERMISSIONS_AT = 100;
const UNSHARED_AT = 200;
/** include/block/block-common.h: `BLK_PERM_WRITE`, `BLK_PERM_WRITE_UNCHANGED` and `BLK_PERM_RESIZE` as bits. */
const WRITE_BITS = [1, 2, 3] as const;
/** `BLK_PERM_GRAPH_MOD` of older versions. */
const LAST_BIT = 4;

/**
 * A line of fs/locks.c, lock_get_status: number, kind, whether it binds, what for, the owner (-1 of a lock that belongs
 * to an open file), place, first and last byte. One that waits for another is marked `->`, and is not held.
 */
const LOCK =
  /^\d+: (?:OFDLCK|POSIX) +(?:ADVISORY|MANDATORY) +(?:READ|WRITE) +(-?\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) (\d+) (\d+|EOF)$/gm;

/**
 * QEMU's locks on a file.
 * @param text of /proc/locks
 * @param places how the file may be named in it. Where no lock at all is on any device of these, the file system shows
 * another one in its locks: then the inode has to do
 */
export function qemuLocksOn(text: string, places: readonly LockPlace[]): QemuLocks {
  const locks = [...text.matchAll(LOCK)].map(([, , device = '', inode = '', from, to]) => ({
    device,
    inode,
    first: Number(from),
    last: to === 'EOF' ? Infinity : Number(to),
  }));
  const devices = new Set(locks.map(({ device }) => device));
  const told = places.some(({ device }) => devices.has(device));
  const isHere = (device: string, inode: string): boolean =>
    places.some((place) => place.inode === inode && (!told || place.device === device));
  let read = false;
  let written = false;
  for (const { device, inode, first, last } of locks) {
    if (!isHere(device, inode)) continue;
    const covers = (byte: number): boolean => first <= byte && byte <= last;
    if (WRITE_BITS.some((bit) => covers(PERMISSIONS_AT + bit))) written = true;
    for (let bit = 0; bit <= LAST_BIT; bit += 1) {
      if (covers(PERMISSIONS_AT + bit) || covers(UNSHARED_AT + bit)) read = true;
    }
  }
  return { read, written };
}

/** `major:minor` as the kernel prints it in its list of locks. @param device a device number as `stat` packs it on Linux */
export function deviceText(device: bigint): string {
  // glibc's gnu_dev_major and gnu_dev_minor.
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  return hex(major, minor);
}

const hex = (major: bigint, minor: bigint): string =>
  `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`;

/**
 * How the kernel's locks name an open file. `stat` may tell another device (a subvolume of btrfs) or inode (a file of an
 * overlay) than the one the locks are on.
 * @param fdinfo of /proc/self/fdinfo/N: the mount that it was opened in and, from Linux 5.14 on, its inode
 * @param mountinfo of /proc/self/mountinfo: the device of each mount, in decimal
 * @param inode as `stat` tells it
 */
export function openPlace(fdinfo: string, mountinfo: string, inode: string): LockPlace | undefined {
  const mount = /^mnt_id:\s*(\d+)$/m.exec(fdinfo)?.[1];
  if (mount === undefined) return undefined;
  const [, major, minor] = new RegExp(`^${mount} \\d+ (\\d+):(\\d+) `, 'm').exec(mountinfo) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const own = /^ino:\s*(\d+)$/m.exec(fdinfo)?.[1] ?? inode;
  return { device: hex(BigInt(major), BigInt(minor)), inode: own };
}
