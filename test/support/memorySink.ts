import type { Sink } from '../../src/core';

/** A file in the making that is only in memory; every write is counted. */
export class MemorySink implements Sink {
  bytes = new Uint8Array();
  readonly writes: { readonly position: number; readonly length: number }[] = [];

  writeAt(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.writes.push({ position, length: bytes.length });
    if (position + bytes.length > this.bytes.length) this.setSize(position + bytes.length);
    this.bytes.set(bytes, position);
  }

  setSize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, size));
    this.bytes = bytes;
  }
}
