import type { Sink } from '../model';
import type { ImageWriter } from './imageWriter';
import { GRAIN } from './imageWriter';
import { eachStretch } from '../zeros';

/** The block of most file systems, and of `qemu-img convert -S`: a smaller hole would take space all the same. */
const HOLE = 4096;

/** A raw image: the guest's bytes at their own offsets, blocks of zeros left out as holes. */
export class RawWriter implements ImageWriter {
  readonly step = 16 * GRAIN;

  /** @param guestSize bytes, whole sectors; the size of the file */
  constructor(
    private readonly sink: Sink,
    private readonly guestSize: number,
  ) {}

  write(offset: number, bytes: Uint8Array): void {
    eachStretch(bytes, HOLE, (start, end) => {
      this.sink.writeAt(bytes.subarray(start, end), offset + start);
    });
  }

  finish(): void {
    this.sink.setSize(this.guestSize);
  }
}
