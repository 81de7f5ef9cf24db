import * as zlib from 'node:zlib';
import type { Compressor } from '../core';

/** QEMU's own choice (block/qcow2-threads.c): its window is what it inflates with, so a larger one can't be read. */
const DEFLATE = { windowBits: 12, memLevel: 9 } as const;

let loading: Promise<Compressor> | undefined;

/** Resolves once content can be compressed that way. Both use the default level, as QEMU does. */
export async function compressorOf(type: Compressor['type']): Promise<Compressor> {
  if (type === 'zlib') return { type, compress: (input) => zlib.deflateRawSync(input, DEFLATE) };
  loading ??= loadZstd();
  return loading;
}

/**
 * Node's own zstd (22.15 and later) is not used: each call leaves megabytes outside the heap to the garbage collector,
 * which sees no reason to run, so that memory grows with the disk.
 * Only once: a second `init` would exchange the package's memory under what is being compressed.
 */
async function loadZstd(): Promise<Compressor> {
  const wasm = await import('@bokuweb/zstd-wasm');
  if (!isLoaded(wasm.compress)) await wasm.init();
  return { type: 'zstd', compress: (input) => wasm.compress(input) };
}

/** Whether other code of this process has loaded it already. */
function isLoaded(compress: (input: Uint8Array) => Uint8Array): boolean {
  try {
    return compress(new Uint8Array(1)).length > 0;
  } catch {
    return false;
  }
}
