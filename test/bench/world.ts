/** What all parts of the bench are told. */
export interface World {
  /** Inputs are kept here between runs; what is written while measuring goes there and is removed. */
  readonly cache: string;
  readonly out: string;
  /** The programs that are measured: bundles, as users get them. */
  readonly worker: string;
  readonly cli: string;
  readonly rounds: number;
  /** Leaves out what takes minutes: qemu-img on the large chains. */
  readonly quick: boolean;
  /** Bytes of the disks that hold data. */
  readonly dataSize: number;
  /** Whether there is a qemu-img to compare with. */
  readonly qemu: boolean;
}
