import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Sink } from '../core';
import { DiskError } from '../core';
import { EarlySync } from './earlySync';
import { attempt, WritableFile } from './writableFile';

export interface NewFileOptions {
  /** A file that has the name already is replaced; without, there must be none, neither now nor at the end. */
  readonly replace: boolean;
}

/** In bytes: of the file, and what it takes on the host, where the platform tells. */
export interface FileSize {
  readonly size: number;
  readonly diskUsage: number | undefined;
}

/**
 * A file in the making that is either complete or not there: written beside its place under another name
 * (`.NAME.PID.TIME.tmp`), brought to the disk, then given its name. A process that is killed leaves that other name behind
 * at most.
 */
export class NewFile implements Sink {
  /** Where it is while it is in the making. */
  readonly temporary: string;
  /** The name that it is to have. */
  readonly target: string;
  private readonly replace: boolean;
  private file: WritableFile | undefined;
  private readonly early: EarlySync;
  private appended = 0;

  /**
   * @param target where a name is a link to a file, that file is what is replaced
   * @throws DiskError `refused` when the name is taken by what is not to be replaced, `io`
   */
  constructor(target: string, { replace }: NewFileOptions) {
    this.replace = replace;
    this.target = replaceable(target, replace);
    const { dir, base } = path.parse(this.target);
    this.temporary = path.join(dir, `.${base}.${process.pid}.${Date.now()}.tmp`);
    this.file = WritableFile.create(this.temporary, this.target);
    this.early = new EarlySync(this.temporary);
  }

  /** Writes text, or its bytes, behind all that was appended before. @throws DiskError `io`; the file is then abandoned */
  append(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
    this.writeAt(bytes, this.appended);
    this.appended += bytes.length;
  }

  /** @throws DiskError `io`; the file is then abandoned */
  writeAt(bytes: Uint8Array, position: number): void {
    const file = this.open();
    this.attempt(() => {
      file.writeAt(bytes, position);
    });
    this.early.wrote(bytes.length);
  }

  /** @throws DiskError `io`; the file is then abandoned */
  setSize(size: number): void {
    const file = this.open();
    this.attempt(() => {
      file.setSize(size);
    });
  }

  /**
   * Gives the file its name.
   * @throws DiskError `refused` when the name was taken meanwhile, `io`; the file is then abandoned
   */
  commit(): FileSize {
    const file = this.open();
    return this.attempt(() => {
      const { size, blocks } = file.sync() as { readonly size: number; readonly blocks?: number };
      this.close();
      if (this.replace) fs.renameSync(this.temporary, this.target);
      else this.nameAnew();
      syncFolder(path.dirname(this.target));
      return { size, diskUsage: blocks === undefined ? undefined : blocks * 512 };
    });
  }

  /** Removes what was written, unless it has its name already. */
  abandon(): void {
    this.close();
    fs.rmSync(this.temporary, { force: true });
  }

  private open(): WritableFile {
    if (!this.file) throw new Error('the file is finished');
    return this.file;
  }

  private close(): void {
    const { file } = this;
    // A close that fails has closed it all the same.
    this.file = undefined;
    file?.close();
  }

  /** Unlike a rename, a link fails where the name is taken. Not every file system has links. */
  private nameAnew(): void {
    try {
      fs.linkSync(this.temporary, this.target);
    } catch (error) {
      if (isTaken(this.target)) throw taken(this.target, error);
      fs.renameSync(this.temporary, this.target);
      return;
    }
    fs.unlinkSync(this.temporary);
  }

  private attempt<T>(call: () => T): T {
    try {
      return attempt(this.target, call);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }
}

/** The file that is to have the name. @throws DiskError `refused` when what has it now is not to be replaced */
function replaceable(target: string, replace: boolean): string {
  if (!isTaken(target)) return target;
  if (!replace) throw taken(target);
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  // A link that leads nowhere is replaced itself.
  if (!stat) return target;
  if (stat.isFile()) return fs.realpathSync(target);
  const what = stat.isDirectory() ? 'a folder' : 'a device or a pipe';
  throw new DiskError('refused', `this is ${what}, which is not replaced by a file`, { file: target });
}

/** Whether anything has that name, be it a link that leads nowhere. */
export const isTaken = (file: string): boolean => fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;

function taken(file: string, cause?: unknown): DiskError {
  return new DiskError('refused', 'there is a file of this name already', { file }, 'Choose another name.', { cause });
}

/** What systems say that do not bring folders to the disk. */
const NOT_FOR_FOLDERS: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EBADF',
  'EINVAL',
  'EISDIR',
  'ENOTSUP',
  'EPERM',
]);

/** Names are in their folder: without this a new one may be gone, or an old one be back, after a power failure. */
export function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(folder, 'r');
    fs.fsyncSync(descriptor);
  } catch (error) {
    if (!NOT_FOR_FOLDERS.has((error as NodeJS.ErrnoException).code)) throw error;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}
