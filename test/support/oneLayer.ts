/** One image in memory, opened by itself, and what is told of it. */
import assert from 'node:assert/strict';
import type { ChainLayer, CheckReport } from '../../src/core';
import { DiskError, guestOffset, openChain } from '../../src/core';
import { walkLayer } from '../../src/core/walk';
import { MemoryDisk } from './memory';
import type { Peekable } from './memory';
import { joined, told } from './runs';

/** @throws DiskError */
export function openOne(image: Uint8Array | Peekable): ChainLayer {
  const disk = new MemoryDisk().put('/image', image);
  const [layer] = openChain(disk.environment, disk.leaf('/image')).layers;
  assert(layer);
  return layer;
}

/** `code severity` of an image's findings. */
export const findingsOf = ({ layer }: ChainLayer): readonly string[] =>
  layer.findings.map(({ code, severity }) => `${code} ${severity}`);

/** `[start, end, kind letter, host offset]` of each range. */
export function runsOf(of: ChainLayer): readonly (readonly [number, number, string, number?])[] {
  const [view] = of.layer.views;
  assert(view);
  return told(joined(walkLayer(of, view)));
}

/** What the layer holds of a part of the disk, of all of it when left out. @throws DiskError */
export function bytesOf({ layer }: ChainLayer, offset = 0, length = layer.guestSize - offset): Uint8Array {
  const [view] = layer.views;
  assert(view);
  const target = new Uint8Array(length).fill(0x55);
  layer.read(view, guestOffset(offset), target);
  return target;
}

/** What a check of the image says. */
export function checkOf({ layer }: ChainLayer): CheckReport {
  const job = layer.check?.();
  assert(job);
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
  }
}

/** That something is refused: with what code, at which byte of the file, in which words. */
export function refusedWith(action: () => unknown, code: string, offset: number, words: RegExp): void {
  assert.throws(action, (error) => {
    assert(error instanceof DiskError);
    assert.deepEqual([error.code, error.offset], [code, offset]);
    assert.match(error.message, words);
    return true;
  });
}
