import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';

export const ON_WINDOWS = process.platform === 'win32';

/** Makes a named pipe, which nobody writes to. Not on Windows. */
export function makePipe(file: string): void {
  const { status, error, stderr } = spawnSync('mkfifo', [file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mkfifo ${file}: ${error?.message ?? stderr}`);
}

/** Makes a socket that listens; close the server when done. Not on Windows. */
export function makeSocket(file: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(file, () => {
      resolve(server);
    });
  });
}

/** A block device of this machine, loop devices (mostly of nothing) first; undefined where there is none to see. */
export function someBlockDevice(): string | undefined {
  const names = fs.existsSync('/dev') ? fs.readdirSync('/dev').sort() : [];
  const loopsFirst = [...names.filter((name) => name.startsWith('loop')), ...names];
  return loopsFirst
    .map((name) => join('/dev', name))
    .find((file) => {
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return stat?.isBlockDevice();
    });
}

/** The files of this process that are open, as `descriptor → path`. Linux only. */
export function openDescriptors(): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of fs.readdirSync('/proc/self/fd')) {
    try {
      found.set(Number(name), fs.readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The one that the folder itself was read with.
    }
  }
  return found;
}

/**
 * Puts `before` ahead of every fs.openSync while `use` runs: the moment between looking at a file and opening it.
 * @returns how often a file was opened
 */
export function beforeOpening(before: (file: string, flags: number) => void, use: () => void): number {
  const real = fs.openSync;
  let count = 0;
  fs.openSync = (file, flags, mode) => {
    count += 1;
    before(String(file), Number(flags));
    return real(file, flags, mode);
  };
  try {
    use();
  } finally {
    fs.openSync = real;
  }
  return count;
}

/** Puts `before` ahead of the next look that openFile takes at a file, the one by which it knows it again. */
export function beforeLookingAgain(before: () => void, use: () => void): void {
  const real = fs.statSync;
  let looks = 0;
  const statSync = (file: string, options?: fs.StatSyncOptions): unknown => {
    if (options?.bigint) looks += 1;
    if (options?.bigint && looks === 1) before();
    return real(file, options);
  };
  Object.assign(fs, { statSync });
  try {
    use();
  } finally {
    Object.assign(fs, { statSync: real });
  }
  if (looks === 0) throw new Error('nothing was looked at');
}
