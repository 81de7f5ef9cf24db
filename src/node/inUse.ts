import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Who has an image open, as far as this machine tells. */
export interface Use {
  /**
   * `written`: a QEMU may write to it, or it changed while it was looked at. `read`: a QEMU reads it (a VM's older
   * layer). `free`: nobody on this machine holds QEMU's locks on it. `unknown`: the system does not tell locks.
   */
  readonly state: 'written' | 'read' | 'free' | 'unknown';
  /** Processes that have the file open, where they can be seen: `qemu-system-x86 (4711)`. */
  readonly by: readonly string[];
  /** Milliseconds since its last change, where that was lately. */
  readonly changedAgo?: number | undefined;
}

/**
 * QEMU's own locks, block/file-posix.c: one byte for each permission that a user has (from 100 on) and one for each
 * that it does not share (from 200 on). Held as "open file description" locks, whose owner `/proc/locks` gives as -1.
 */
const PERMISSIONS_AT = 100;
const UNSHARED_AT = 200;
/** block-common.h, `BLK_PERM_WRITE`, `BLK_PERM_WRITE_UNCHANGED` and `BLK_PERM_RESIZE` as bits. */
const WRITE_BITS = [1, 2, 3] as const;
const LAST_BIT = 4;

/** A change that is not older may be one of many: it is looked again. */
const JUST_NOW_MS = 3000;
const LOOK_AGAIN_MS = 1200;
/** A change that is not older is told. */
const LATELY_MS = 10 * 60_000;

/**
 * Looks for users of an image. A file that changed a moment ago is looked at twice.
 * @param again false where the second look is not worth the second that it takes
 */
export async function useOf(file: string, again = true): Promise<Use> {
  const stat = statOf(file);
  if (!stat) return { state: 'unknown', by: [] };
  const locks = locksOn(stat);
  const age = Date.now() - Number(stat.mtimeMs);
  const changedAgo = age >= 0 && age < LATELY_MS ? age : undefined;
  if (locks.written) return { state: 'written', by: holders(stat), changedAgo };
  if (again && age >= -JUST_NOW_MS && age < JUST_NOW_MS) {
    await setTimeout(LOOK_AGAIN_MS);
    const later = statOf(file);
    if (later && (later.mtimeNs !== stat.mtimeNs || later.size !== stat.size)) {
      return { state: 'written', by: holders(stat), changedAgo: 0 };
    }
  }
  if (locks.read) return { state: 'read', by: holders(stat), changedAgo };
  return { state: locks.told ? 'free' : 'unknown', by: [], changedAgo };
}

type Stat = fs.BigIntStats;

function statOf(file: string): Stat | undefined {
  try {
    return fs.statSync(file, { bigint: true });
  } catch {
    return undefined;
  }
}

interface Locks {
  readonly told: boolean;
  readonly read: boolean;
  readonly written: boolean;
}

function locksOn({ dev, ino }: Stat): Locks {
  let text: string;
  try {
    text = fs.readFileSync('/proc/locks', 'latin1');
  } catch {
    return { told: false, read: false, written: false };
  }
  const device = deviceText(dev);
  const devicesAgree = text.includes(` ${device}:`);
  let read = false;
  let written = false;
  // 1: OFDLCK ADVISORY  READ -1 fe:00:2146375 100 101
  for (const [, place = '', from, to] of text.matchAll(
    /^\d+:\s+(?:->\s+)?(?:OFDLCK|POSIX)\s+\S+\s+\S+\s+-?\d+\s+(\S+)\s+(\d+)\s+(\d+|EOF)$/gm,
  )) {
    // Some file systems (btrfs, overlays) show another device in `stat` than in locks: then the inode has to do.
    if (!place.endsWith(`:${ino}`) || (place !== `${device}:${ino}` && devicesAgree)) continue;
    const first = Number(from);
    const last = to === 'EOF' ? Infinity : Number(to);
    const covers = (byte: number): boolean => first <= byte && byte <= last;
    if (WRITE_BITS.some((bit) => covers(PERMISSIONS_AT + bit))) written = true;
    for (let bit = 0; bit <= LAST_BIT; bit += 1) {
      if (covers(PERMISSIONS_AT + bit) || covers(UNSHARED_AT + bit)) read = true;
    }
  }
  return { told: true, read, written };
}

/** `major:minor` in hexadecimal, two digits at least, as the kernel prints it; Linux' own packing of a device number. */
function deviceText(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const hex = (value: bigint): string => value.toString(16).padStart(2, '0');
  return `${hex(major)}:${hex(minor)}`;
}

/** Processes, ours left out, that have the file open; those of other users can't be seen without being root. */
function holders({ dev, ino }: Stat): string[] {
  const found: string[] = [];
  for (const pid of entries('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    if (entries(`/proc/${pid}/fd`).some((fd) => isSame(`/proc/${pid}/fd/${fd}`, dev, ino))) {
      found.push(`${nameOf(pid)} (${pid})`);
    }
  }
  return found;
}

function isSame(link: string, dev: bigint, ino: bigint): boolean {
  const stat = statOf(link);
  return stat?.dev === dev && stat.ino === ino;
}

function entries(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function nameOf(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'process';
  }
}
