import * as fs from 'node:fs';

/** Bytes that are written between two calls. */
const STEP = 64 << 20;

/**
 * Has a file that is being written brought to the disk from time to time, so that the disk is not idle until all is written,
 * and little is left to wait for in the end. What goes wrong is not told here: who brings the file to the disk in the end by
 * another descriptor, which this leaves alone, hears of it. It happens while the thread's own work lets messages in; a thread that ends waits for what is under way.
 */
export class EarlySync {
  private written = 0;
  private atWork = false;

  constructor(private readonly file: string) {}

  wrote(bytes: number): void {
    this.written += bytes;
    if (this.atWork || this.written < STEP) return;
    this.written = 0;
    this.atWork = true;
    const done = (): void => {
      this.atWork = false;
    };
    fs.open(this.file, 'r+', (error, descriptor) => {
      if (error) {
        done();
        return;
      }
      fs.fdatasync(descriptor, () => {
        fs.close(descriptor, done);
      });
    });
  }
}
