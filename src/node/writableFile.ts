import * as fs from 'node:fs';
import type { Sink } from '../core/model';
import { DiskError } from '../core/errors';

/** A file that is open for writing. What fails is worded for the name that it is to have, or has. */
export class WritableFile implements Sink {
  private constructor(
    private readonly descriptor: number,
    private readonly target: string,
  ) {}

  /** Makes a file. @throws DiskError `io`, also when there is one of this name */
  static create(file: string, target: string): WritableFile {
    return new WritableFile(
      attempt(target, () => fs.openSync(file, 'wx')),
      target,
    );
  }

  /**
   * Opens a file that another thread made.
   * @param id as `fileId` has it
   * @throws DiskError `io`, also when the name has come to be another file's
   */
  static openAgain(file: string, id: string, target: string): WritableFile {
    const descriptor = attempt(target, () => fs.openSync(file, 'r+'));
    const { dev, ino } = fs.fstatSync(descriptor, { bigint: true });
    if (`${dev}:${ino}` === id) return new WritableFile(descriptor, target);
    fs.closeSync(descriptor);
    throw new DiskError('io', 'the file was replaced while it was being written', { file: target });
  }

  writeAt(bytes: Uint8Array, position: number): void {
    attempt(this.target, () => {
      for (let done = 0; done < bytes.length;) {
        done += fs.writeSync(this.descriptor, bytes, done, bytes.length - done, position + done);
      }
    });
  }

  setSize(size: number): void {
    attempt(this.target, () => {
      fs.ftruncateSync(this.descriptor, size);
    });
  }

  /** Brings the file to the disk. @throws DiskError `io` */
  sync(): fs.Stats {
    return attempt(this.target, () => {
      fs.fsyncSync(this.descriptor);
      return fs.fstatSync(this.descriptor);
    });
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/** Runs a call of the file system and words its failure. @throws DiskError */
export function attempt<T>(target: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof DiskError) throw cause;
    const { code, message = String(cause) } = cause as Partial<NodeJS.ErrnoException>;
    const why = code === undefined ? message : (WORDS[code] ?? message);
    throw new DiskError(
      'io',
      `the file could not be written: ${why}`,
      { file: target },
      'Choose another folder, or make room.',
      { cause },
    );
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder is not there',
  ENOTDIR: 'its folder is not there',
  EACCES: 'there is no permission to write to its folder',
  EPERM: 'there is no permission to write to its folder',
  EROFS: 'its file system is read-only',
  ENOSPC: 'there is no room left',
  EDQUOT: 'there is no room left for this user',
  ENAMETOOLONG: 'its name is too long',
};
