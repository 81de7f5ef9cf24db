import * as fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Finding } from '../core';
import { deviceText, openPlace, qemuLocksOn } from './procLocks';
import type { LockPlace, QemuLocks } from './procLocks';

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
  if (!stat || !(stat.isFile() || stat.isBlockDevice())) return { state: 'unknown', by: [] };
  const locks = await locksOn(file, stat);
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

/** What to know of an image that is only looked at while somebody may write to it. */
export function writtenMeanwhile({ state, by }: Use): Finding | undefined {
  if (state !== 'written') return undefined;
  return {
    code: 'in-use',
    severity: 'info',
    message: `it is open for writing by ${by.length === 0 ? 'another process' : by.join(', ')}: what is shown may be of no one moment`,
    advice: 'Look again once the VM is off before you rely on it.',
  };
}

type Stat = fs.BigIntStats;

function statOf(file: string): Stat | undefined {
  try {
    return fs.statSync(file, { bigint: true });
  } catch {
    return undefined;
  }
}

interface Locks extends QemuLocks {
  /** False where the system has no list of locks. */
  readonly told: boolean;
}

async function locksOn(file: string, stat: Stat): Promise<Locks> {
  try {
    // Not at once: whoever reads it waits for every other processor, some 15 ms.
    const text = await readFile('/proc/locks', 'latin1');
    return { told: true, ...qemuLocksOn(text, placesOf(file, stat)) };
  } catch {
    return { told: false, read: false, written: false };
  }
}

/** How locks on a file may name it. A device is asked for by its own node: QEMU locks that, not the disk behind it. */
function placesOf(file: string, { dev, ino }: Stat): LockPlace[] {
  const byStat = { device: deviceText(dev), inode: String(ino) };
  const opened = openedPlace(file, dev, ino);
  return opened ? [opened, byStat] : [byStat];
}

function openedPlace(file: string, dev: bigint, ino: bigint): LockPlace | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const stat = fs.fstatSync(descriptor, { bigint: true });
    if (stat.dev !== dev || stat.ino !== ino) return undefined;
    const fdinfo = fs.readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
    return openPlace(fdinfo, fs.readFileSync('/proc/self/mountinfo', 'latin1'), String(ino));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
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
