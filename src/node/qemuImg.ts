import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { commandLine, DiskError } from '../core';
import { findTool } from './tools';

/** A qemu-img that can be run. */
export interface QemuImg {
  /** Absolute. */
  readonly path: string;
  /** As it tells it: `10.0.2`. */
  readonly version: string;
}

/** How a run went. */
export interface QemuImgEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface QemuImgRun {
  /** Ends the program; what it was doing is left as it is then. */
  readonly signal?: AbortSignal | undefined;
  /** 0 … 1, of a command that was given `-p`. */
  readonly progress?: (share: number) => void;
  /** Milliseconds after which a program that was asked to end is made to. */
  readonly grace?: number | undefined;
  /** Exit codes that are an answer; 0 when left out. */
  readonly fine?: readonly number[] | undefined;
}

/** `commit -d`, `rebase -F` and what is verified of them behave as expected from here on. */
const OLDEST = [4, 2] as const;
const INSTALL =
  'Install it (Debian: qemu-utils, Fedora: qemu-img, macOS: brew install qemu), or say where it is: --qemu-img PATH, in VS Code the setting vmDisk.qemuImgPath.';
/** More than a program says that has nothing to hide; the rest is dropped. */
const MAX_OUTPUT = 1 << 20;
const VERSION_TIMEOUT_MS = 10_000;
/** A program that was asked to end and has not is made to after this. */
const GRACE_MS = 5000;

/**
 * Finds qemu-img and asks for its version.
 * @param setting a path that a person has set; on PATH when empty
 * @throws DiskError `not-found` where there is none, `unsupported` where it is too old or no qemu-img
 */
export async function findQemuImg(setting = ''): Promise<QemuImg> {
  const file = setting === '' ? findTool('qemu-img') : setting;
  if (file === undefined) throw new DiskError('not-found', 'qemu-img is not on PATH', {}, INSTALL);
  if (!path.isAbsolute(file)) {
    throw new DiskError('not-found', 'the path of qemu-img has to be a whole one', { file }, INSTALL);
  }
  if (!isFile(file)) throw new DiskError('not-found', 'there is no qemu-img', { file }, INSTALL);
  const signal = AbortSignal.timeout(VERSION_TIMEOUT_MS);
  const { stdout } = await spawnCollected(file, ['--version'], { signal, grace: 0 });
  const match = /^qemu-img version (\d+)\.(\d+)(\.\d+)?/m.exec(stdout);
  if (!match) throw new DiskError('unsupported', 'this does not answer as qemu-img does', { file }, INSTALL);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const version = `${major}.${minor}${match[3] ?? ''}`;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new DiskError(
      'unsupported',
      `qemu-img ${version} is too old: ${OLDEST.join('.')} is needed`,
      { file },
      INSTALL,
    );
  }
  return { path: file, version };
}

/** The command as a person may run it. */
export function commandText(args: readonly string[], tool?: Pick<QemuImg, 'path'>): string {
  return commandLine([tool?.path ?? 'qemu-img', ...args], process.platform === 'win32');
}

/**
 * Runs qemu-img to its end. Names of images among `args` are absolute, so that none is taken for an option or a protocol.
 * @throws DiskError `io` with what it said when it fails; `AbortError` of the signal when that ended it
 */
export async function runQemuImg(tool: QemuImg, args: readonly string[], run: QemuImgRun = {}): Promise<QemuImgEnd> {
  const ended = await spawnCollected(tool.path, args, run);
  run.signal?.throwIfAborted();
  if (!(run.fine ?? [0]).includes(ended.code)) {
    const said = (ended.stderr.trim() || ended.stdout.trim()).replace(/^qemu-img: /, '').replace(/\s+/g, ' ');
    throw new DiskError('io', `qemu-img ${args[0] ?? ''} failed: ${said || `it ended with code ${ended.code}`}`);
  }
  return ended;
}

function spawnCollected(file: string, args: readonly string[], run: QemuImgRun): Promise<QemuImgEnd> {
  return new Promise((resolve, reject) => {
    if (run.signal?.aborted) {
      resolve({ code: -1, stdout: '', stderr: '' });
      return;
    }
    // Messages in one language, since they are shown and searched.
    const env = { ...process.env, LC_ALL: 'C' };
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env, windowsHide: true });
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill();
      killing = setTimeout(() => child.kill('SIGKILL'), run.grace ?? GRACE_MS);
    };
    run.signal?.addEventListener('abort', stop, { once: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const shares = [...text.matchAll(/\((\d+(?:\.\d+)?)\/100%\)/g)];
      const last = shares.at(-1)?.[1];
      if (last !== undefined) run.progress?.(Math.min(1, Number(last) / 100));
      if (stdout.length < MAX_OUTPUT) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_OUTPUT) stderr += text;
    });
    const done = (): void => {
      clearTimeout(killing);
      run.signal?.removeEventListener('abort', stop);
    };
    child.on('error', (cause) => {
      done();
      reject(new DiskError('io', `qemu-img could not be started: ${cause.message}`, { file }, INSTALL, { cause }));
    });
    child.on('close', (code) => {
      done();
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

function isFile(file: string): boolean {
  try {
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
