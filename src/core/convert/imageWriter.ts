/** Writes an image of one format from the guest's bytes. */
export interface ImageWriter {
  /** How many bytes to hand over at a time, so that the work in between stays short. */
  readonly step: number;
  /**
   * The guest's bytes from `offset` on, a multiple of `GRAIN` and past all that came before. What no call covers reads
   * as zero. `bytes` may be used again afterwards.
   * @throws DiskError `io`
   */
  write(offset: number, bytes: Uint8Array): void;
  /** Makes the image complete. @throws DiskError `io` */
  finish(): void;
}

/** Stretches of the guest's bytes begin at multiples of this, and end there or at the end of the disk. */
export const GRAIN = 64 * 1024;

/** Bytes that are read at a time where they lie together: whole grains. */
export const CHUNK = 2 ** 21;
