import type { Kernel } from '../kernel/kernel';

/** Copies of arrays in the kernel's memory, in one buffer: large numbers first, so that each is where its type may be. */
export class Packed {
  private readonly buffer: ArrayBuffer;
  private end = 0;

  /** @param room how many numbers of each size there will be: 8, 4 and 2 bytes */
  constructor(
    private readonly kernel: Kernel,
    room: { readonly doubles: number; readonly words: number; readonly halves: number },
  ) {
    this.buffer = new ArrayBuffer(room.doubles * 8 + room.words * 4 + room.halves * 2);
  }

  doubles(pointer: number, count: number): Float64Array {
    const copy = new Float64Array(this.buffer, this.end, count);
    copy.set(this.kernel.f64.subarray(pointer / 8, pointer / 8 + count));
    this.end += copy.byteLength;
    return copy;
  }

  words(pointer: number, count: number): Uint32Array {
    const copy = new Uint32Array(this.buffer, this.end, count);
    copy.set(this.kernel.u32.subarray(pointer / 4, pointer / 4 + count));
    this.end += copy.byteLength;
    return copy;
  }

  halves(pointer: number, count: number): Uint16Array {
    const copy = new Uint16Array(this.buffer, this.end, count);
    copy.set(this.kernel.u16.subarray(pointer / 2, pointer / 2 + count));
    this.end += copy.byteLength;
    return copy;
  }
}
