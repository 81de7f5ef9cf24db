/** What `vmdisk compare --output json` prints, held against the bytes of both disks. */
import assert from 'node:assert/strict';

const SECTOR = 512;

export interface CompareOutput {
  readonly sizeA: number;
  readonly sizeB: number;
  readonly differences: readonly { readonly start: number; readonly length: number }[];
  readonly unknown: readonly unknown[];
  readonly identical: boolean;
}

/** Sectors that differ; what one disk has past the end of the other is compared with zeroes. */
function differingSectors(a: Buffer, b: Buffer): number[] {
  const size = Math.max(a.length, b.length);
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]);
  const [left, right] = [padded(a), padded(b)];
  const sectors: number[] = [];
  for (let at = 0; at < size; at += SECTOR) {
    if (!left.subarray(at, at + SECTOR).equals(right.subarray(at, at + SECTOR))) sectors.push(at / SECTOR);
  }
  return sectors;
}

/** @throws AssertionError unless exactly the sectors that differ are told, in rising ranges */
export function assertDifferences(output: CompareOutput, a: Buffer, b: Buffer, title: string): void {
  assert.deepEqual([output.sizeA, output.sizeB], [a.length, b.length], `${title}: sizes`);
  assert.deepEqual(output.unknown, [], `${title}: all of it can be compared`);
  const told = output.differences.flatMap(({ start, length }) => {
    const first = Math.floor(start / SECTOR);
    return Array.from({ length: Math.ceil((start + length) / SECTOR) - first }, (_, index) => first + index);
  });
  assert.deepEqual(told, differingSectors(a, b), `${title}: sectors that differ`);
  assert.equal(output.identical, told.length === 0, title);
}
