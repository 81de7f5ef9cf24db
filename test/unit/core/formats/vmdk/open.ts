import assert from 'node:assert/strict';
import type { Chain, ChainLayer } from '../../../../../src/core';
import { guestOffset, openChain } from '../../../../../src/core';
import { walk, walkLayer } from '../../../../../src/core/walk';
import type { SparseImage } from '../../../../fixtures/build/index';
import { MemoryDisk } from '../../../../support/memory';
import type { MemoryFile } from '../../../../support/memory';
import { joined, told } from '../../../../support/runs';

export function openIn(disk: MemoryDisk, leaf: string): Chain {
  return openChain(disk.environment, disk.leaf(leaf));
}

/** The newest layer of what is in memory. @throws DiskError */
export function leafOf(disk: MemoryDisk, leaf: string): ChainLayer {
  const [layer] = openIn(disk, leaf).layers;
  assert(layer);
  return layer;
}

/** An image of one file. @throws DiskError */
export const openOne = (image: SparseImage | Uint8Array | MemoryFile): ChainLayer =>
  leafOf(new MemoryDisk().put('/a.vmdk', image), '/a.vmdk');

/** `code severity` of an image's findings. */
export const findingsOf = ({ layer }: ChainLayer): readonly string[] =>
  layer.findings.map(({ code, severity }) => `${code} ${severity}`);

/** The layer's own map: `[start, end, kind, host]`. */
export function runsOf(of: ChainLayer): readonly (readonly [number, number, string, number?])[] {
  const [view] = of.layer.views;
  assert(view);
  return told(joined(walkLayer(of, view)));
}

/** The same without where things are. */
export const kindsOf = (of: ChainLayer): readonly unknown[] =>
  runsOf(of).map(([start, end, kind]) => [start, end, kind]);

export function read({ layer }: ChainLayer, offset: number, length: number): Uint8Array {
  const [view] = layer.views;
  assert(view);
  const target = new Uint8Array(length).fill(0x55);
  layer.read(view, guestOffset(offset), target);
  return target;
}

export const bytesOf = (of: ChainLayer): Uint8Array => read(of, 0, of.layer.guestSize);

/** The map of an image by itself, `[start, end, kind]`, where what can't be read is unknown. */
export const kindsOfReadable = (file: MemoryFile): readonly unknown[] =>
  kindsOfReadableIn(new MemoryDisk().put('/a.vmdk', file), '/a.vmdk');

/** The same of an image among others. */
export function kindsOfReadableIn(disk: MemoryDisk, leaf: string): readonly unknown[] {
  const chain = openIn(disk, leaf);
  const [view] = chain.layers[0]?.layer.views ?? [];
  assert(view);
  const runs = told(
    joined(
      walk(chain, { depth: 0, view }, () => undefined),
      false,
    ),
  );
  return runs.map(([start, end, kind]) => [start, end, kind]);
}
