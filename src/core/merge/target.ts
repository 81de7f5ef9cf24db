import type { Write } from './writes';

/** What is written to an image, and what that does to it. In bytes. */
export interface Effect {
  /** Whole clusters that data is copied into; of raw, the bytes copied. */
  readonly moved: number;
  /** Clusters in use more than before, tables and counts included; negative where more is let go. */
  readonly growth: number;
  /** False where what the image has free in its middle may be used in more than one order. */
  readonly exact: boolean;
}

/** An image that is written to in thought. */
export interface Target {
  /** In rising order. */
  write(write: Write): void;
  /**
   * Makes the disk larger, before anything is written.
   * @param below guest size of what it stands on, 0 for nothing
   */
  grow(guestSize: number, below: number): void;
  finish(): Effect;
}
