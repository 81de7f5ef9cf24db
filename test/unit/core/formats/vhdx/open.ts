import assert from 'node:assert/strict';
import type { Chain, ChainLayer } from '../../../../../src/core';
import { DiskError, guestOffset, openChain } from '../../../../../src/core';
import type { DiskErrorCode } from '../../../../../src/core/errors';
import { walk, walkLayer } from '../../../../../src/core/walk';
import type { SparseImage } from '../../../../fixtures/build/index';
import { MemoryDisk } from '../../../../support/memory';
import { joined, told, toldMap } from '../../../../support/runs';

export const MIB = 2 ** 20;
/** A parent that has the GUID which images of the builder have. */
export const PARENT_GUID = '{00010203-0405-0607-0809-0A0B0C0D0E0F}';

/** A chain of images, newest first, of which the first is `/0.vhdx` and so on. */
export function openImages(...images: readonly SparseImage[]): Chain {
  const disk = new MemoryDisk();
  for (const [index, image] of images.entries()) disk.put(`/${index}.vhdx`, image);
  return openChain(disk.environment, disk.leaf('/0.vhdx'));
}

/** @throws DiskError */
export function openOne(image: SparseImage): ChainLayer {
  const [layer] = openImages(image).layers;
  assert(layer);
  return layer;
}

/** `[start, end, kind letter, host offset]`, by a scan. */
export function runsOf(of: ChainLayer): unknown {
  const [view] = of.layer.views;
  assert(view);
  return told(joined(walkLayer(of, view)));
}

/** `[start, end, owner, kind letter]` of all of a disk. */
export function mapOf(chain: Chain): unknown {
  const view = chain.layers[0]?.layer.views[0];
  assert(view);
  return toldMap(joined(walk(chain, { depth: 0, view }), false));
}

export function read({ layer }: ChainLayer, offset: number, length: number): Uint8Array {
  const [view] = layer.views;
  assert(view);
  const target = new Uint8Array(length).fill(0x55);
  layer.read(view, guestOffset(offset), target);
  return target;
}

export const codesOf = ({ layer }: ChainLayer): readonly string[] => layer.findings.map(({ code }) => code);

/** It can't be opened, and why is told with the place in the file. */
export function assertRefused(
  image: SparseImage,
  code: DiskErrorCode,
  offset: number | undefined,
  message?: RegExp,
): void {
  assert.throws(
    () => openOne(image),
    (error) => {
      assert(error instanceof DiskError, String(error));
      assert.deepEqual([error.code, error.offset], [code, offset], error.message);
      if (message) assert.match(error.message, message);
      return true;
    },
  );
}

/** A number as a file has it. */
export const le = (value: number | bigint, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => Number((BigInt(value) >> BigInt(8 * index)) & 0xffn));
