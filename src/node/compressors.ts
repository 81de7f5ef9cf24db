import * as zlib from 'node:zlib';
import type { Compressor } from '../core';

type ZstdSync = (input: Uint8Array) => Uint8Array;

/** Node has zstd of its own from 22.15 on; older ones get WebAssembly, which is loaded when it is asked for. */
const { zstdCompressSync: nodeZstd } = zlib as unknown as { readonly zstdCompressSync?: ZstdSync };

/** QEMU's own choice (block/qcow2-threads.c): its window is what it inflates with, so a larger one can't be read. */
const DEFLATE = { windowBits: 12, memLevel: 9 } as const;

let loading: Promise<Compressor> | undefined;

/** Resolves once content can be compressed that way. Both use the default level, as QEMU does. */
export async function compressorOf(type: Compressor['type']): Promise<Compressor> {
  if (type === 'zlib') return { type, compress: (input) => zlib.deflateRawSync(input, DEFLATE) };
  if (nodeZstd) return { type, compress: (input) => nodeZstd(input) };
  loading ??= loadZstd();
  return loading;
}

/** Only once: a second `init` would exchange the package's memory under what is being compressed. */
async function loadZstd(): Promise<Compressor> {
  const wasm = await import('@bokuweb/zstd-wasm');
  await wasm.init();
  return { type: 'zstd', compress: (input) => wasm.compress(input) };
}
