import * as fs from 'node:fs';
import type { ByteSource, HostExtents, OpenedSource } from '../core';
import { DiskError } from '../core/errors';
import { hostExtents } from './holes';
import type { HostSystem } from './hostPath';
import { resolveName } from './hostPath';

export const THIS_SYSTEM: HostSystem = {
  windows: process.platform === 'win32',
  exists: fs.existsSync,
  real: (file) => {
    try {
      return fs.realpathSync(file);
    } catch {
      return undefined;
    }
  },
};

/** Windows has no such flag, whatever the types say. */
const NON_BLOCKING = (fs.constants as { readonly O_NONBLOCK?: number }).O_NONBLOCK ?? 0;

export interface FileOptions {
  /** Programs found on PATH may be run to learn where the file has holes. */
  readonly platformTools: boolean;
}

/** Where Linux tells of its devices. */
export const SYSFS = '/sys';

/**
 * Opens a file or block device for reading only. Pipes, sockets, character devices and folders are refused before they
 * are opened, since opening one can block or do something.
 * @param name absolute, or relative to the working directory
 * @throws DiskError `not-found`, `refused`, `io`, `limit`
 */
export function openFile(name: string, options: FileOptions): OpenedSource {
  const file = resolveName(process.cwd(), name, THIS_SYSTEM);
  const stat = attempt(file, () => fs.statSync(file, { bigint: true }));
  assertReadableKind(file, stat);
  // Should the name have come to mean a pipe since, a non-blocking open still returns; the check below then refuses it.
  const flags = fs.constants.O_RDONLY | NON_BLOCKING;
  const descriptor = attempt(file, () => fs.openSync(file, flags));
  try {
    const opened = fs.fstatSync(descriptor, { bigint: true });
    if (opened.dev !== stat.dev || opened.ino !== stat.ino) {
      throw new DiskError('io', 'the file was replaced while it was being opened', { file }, 'Try again.');
    }
    const size = opened.isBlockDevice() ? deviceSize(file, opened.rdev) : Number(opened.size);
    if (!Number.isSafeInteger(size))
      throw new DiskError('limit', `the file says it has ${opened.size} bytes, more than can be`, { file });
    const source = new FileSource(file, descriptor, size, opened, options);
    return { identity: { id: `${opened.dev}:${opened.ino}`, path: file }, source };
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
}

/** Times of change come in steps: one that is no older may be followed by a change at the same time. */
const SETTLED_MS = 2000;

class FileSource implements ByteSource {
  readonly diskUsage: number;
  readonly modified: number;
  private last: Pick<fs.BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs'>;
  private known: HostExtents | undefined;
  private open = true;

  constructor(
    private readonly file: string,
    private readonly descriptor: number,
    readonly size: number,
    stat: fs.BigIntStats,
    private readonly options: FileOptions,
  ) {
    this.diskUsage = Number(stat.blocks) * 512;
    this.modified = Number(stat.mtimeMs);
    this.last = stat;
  }

  changed(): boolean {
    const before = this.last;
    try {
      const now = fs.fstatSync(this.descriptor, { bigint: true });
      this.last = now;
      const isSame = now.size === before.size && now.mtimeNs === before.mtimeNs && now.ctimeNs === before.ctimeNs;
      // Writing to a device leaves its times as they are.
      return !isSame || !now.isFile() || Date.now() - Number(now.mtimeMs) < SETTLED_MS;
    } catch {
      return true;
    }
  }

  readInto(target: Uint8Array, position: number): void {
    let done = 0;
    while (done < target.length) {
      const count = attempt(this.file, () =>
        fs.readSync(this.descriptor, target, done, target.length - done, position + done),
      );
      if (count === 0) {
        throw new DiskError(
          'short-read',
          'the file ends before what was to be read',
          { file: this.file, offset: position + done },
          'If it is being written to, refresh; else it was cut short.',
        );
      }
      done += count;
    }
  }

  readEach(target: Uint8Array, positions: readonly number[]): void {
    const { descriptor } = this;
    const each = target.length / positions.length;
    const short: number[] = [];
    // One loop and nothing in it: thousands of tables are read here.
    attempt(this.file, () => {
      for (let i = 0; i < positions.length; i += 1) {
        if (fs.readSync(descriptor, target, i * each, each, positions[i] ?? 0) < each) short.push(i);
      }
    });
    for (const i of short) this.readInto(target.subarray(i * each, (i + 1) * each), positions[i] ?? 0);
  }

  extents(): HostExtents {
    this.known ??= hostExtents(this.file, this.size, this.options);
    return this.known;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    fs.closeSync(this.descriptor);
  }
}

function assertReadableKind(file: string, stat: fs.BigIntStats): void {
  if (stat.isFile() || stat.isBlockDevice()) return;
  const what = stat.isDirectory()
    ? 'a folder'
    : stat.isFIFO()
      ? 'a pipe'
      : stat.isSocket()
        ? 'a socket'
        : 'a character device';
  throw new DiskError('refused', `this is ${what}, not a disk image`, { file });
}

/**
 * Linux tells a device's size in /sys, in sectors of 512 bytes whatever the device's own are; a plain stat says 0.
 * @param device its number, as stat has it
 * @returns bytes
 * @throws DiskError `io`
 */
export function deviceSize(file: string, device: bigint, sysfs = SYSFS): number {
  // glibc's gnu_dev_major and gnu_dev_minor.
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  const unknown = (cause?: unknown): DiskError =>
    new DiskError('io', 'the size of this device is not known on this system', { file }, undefined, { cause });
  let text: string;
  try {
    text = fs.readFileSync(`${sysfs}/dev/block/${major}:${minor}/size`, 'latin1').trim();
  } catch (cause) {
    throw unknown(cause);
  }
  if (!/^\d+$/.test(text)) throw unknown();
  return Number(text) * 512;
}

/** Runs a call of the file system and words its failure. @throws DiskError */
function attempt<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    throw new DiskError(
      code === 'ENOENT' || code === 'ENOTDIR' ? 'not-found' : 'io',
      wording(code, cause),
      { file },
      undefined,
      { cause },
    );
  }
}

function wording(code: string, cause: unknown): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read this file';
    case 'ELOOP':
      return 'the name is a loop of symbolic links';
    case 'ENAMETOOLONG':
      return 'the name is longer than a file name can be';
    default:
      return `reading failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
