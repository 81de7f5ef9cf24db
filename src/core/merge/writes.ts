/**
 * What qemu-img writes to an image, in the order of the disk: guest range `[start, end)` of the image written to.
 * `copy`: bytes, whatever they are. `zero`: told to read as zero; `unmap` lets go of the space that was there.
 */
export interface Write {
  readonly start: number;
  readonly end: number;
  readonly how: 'copy' | 'zero';
  readonly unmap: boolean;
}
