import * as fs from 'node:fs';
import * as path from 'node:path';
import { DiskError } from '../core';

/**
 * A file in the making that is either complete or not there: written beside its place under another name, brought to
 * the disk, then renamed. A file that had the name is replaced in that last step.
 */
export class NewFile {
  private readonly temporary: string;
  private descriptor: number | undefined;

  /** @throws DiskError `io` */
  constructor(private readonly target: string) {
    this.temporary = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.${Date.now()}.tmp`);
    this.descriptor = this.attempt(() => fs.openSync(this.temporary, 'wx'));
  }

  /** @throws DiskError `io`; the file is then abandoned */
  append(text: string): void {
    const { descriptor } = this;
    if (descriptor === undefined) throw new Error('the file is finished');
    this.attempt(() => {
      fs.appendFileSync(descriptor, text);
    });
  }

  /** Gives the file its name. @throws DiskError `io`; the file is then abandoned */
  commit(): void {
    const { descriptor } = this;
    if (descriptor === undefined) throw new Error('the file is finished');
    this.attempt(() => {
      fs.fsyncSync(descriptor);
      this.close();
      fs.renameSync(this.temporary, this.target);
    });
  }

  /** Removes what was written, unless it has its name already. */
  abandon(): void {
    this.close();
    fs.rmSync(this.temporary, { force: true });
  }

  private close(): void {
    if (this.descriptor !== undefined) fs.closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private attempt<T>(call: () => T): T {
    try {
      return call();
    } catch (cause) {
      this.abandon();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DiskError(
        'io',
        `the file could not be written: ${why}`,
        { file: this.target },
        'Choose another folder, or make room.',
        { cause },
      );
    }
  }
}
