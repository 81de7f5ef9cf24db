import assert from 'node:assert/strict';
import type { Chain, ChainLayer } from '../../../../../src/core';
import { openChain } from '../../../../../src/core';
import type { SparseImage } from '../../../../fixtures/build/index';
import { MemoryDisk } from '../../../../support/memory';

/** A chain of what is in memory. */
export function openIn(disk: MemoryDisk, leaf: string): Chain {
  return openChain(disk.environment, disk.leaf(leaf));
}

/** The only layer of an image. @throws DiskError */
export function openOne(image: SparseImage | Uint8Array): ChainLayer {
  const chain = openIn(new MemoryDisk().put('/a.vdi', image), '/a.vdi');
  const [layer] = chain.layers;
  assert(layer);
  return layer;
}

/** `code severity` of an image's findings. */
export const findingsOf = ({ layer }: ChainLayer): readonly string[] =>
  layer.findings.map(({ code, severity }) => `${code} ${severity}`);
