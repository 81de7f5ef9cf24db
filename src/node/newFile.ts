import * as fs from 'node:fs';
import * as path from 'node:path';
import { DiskError } from '../core';

/**
 * Makes a file that is either complete or not there: written beside its place under another name, brought to the disk,
 * then renamed. A file that had the name is replaced in that last step.
 * @param write is given a function that appends text
 * @throws DiskError `io`
 */
export function writeNewFile(target: string, write: (append: (text: string) => void) => void): void {
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.${Date.now()}.tmp`);
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(temporary, 'wx');
    const open = descriptor;
    write((text) => {
      fs.appendFileSync(open, text);
    });
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
    descriptor = undefined;
    fs.renameSync(temporary, target);
  } catch (cause) {
    if (descriptor !== undefined) fs.closeSync(descriptor);
    fs.rmSync(temporary, { force: true });
    if (cause instanceof DiskError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DiskError('io', `the file could not be written: ${why}`, { file: target }, 'Choose another folder, or make room.', { cause });
  }
}
