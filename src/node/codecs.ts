import * as zlib from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';
import type { Codecs } from '../core';

type ZstdSync = (input: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

/** Node has zstd of its own from 22.15 on; older ones, such as VS Code's in our oldest supported version, get WebAssembly. */
export async function loadCodecs(): Promise<Codecs> {
  return { inflateRaw, zstd: nodeZstd() ?? (await wasmZstd()) };
}

function inflateRaw(input: Uint8Array, size: number): Uint8Array {
  // A cluster's stream may be followed by padding or, in a damaged image, be cut short: the caller checks the length.
  return zlib.inflateRawSync(input, { maxOutputLength: size, finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

function nodeZstd(): Codecs['zstd'] | undefined {
  const { zstdDecompressSync } = zlib as unknown as { readonly zstdDecompressSync?: ZstdSync };
  return zstdDecompressSync && ((input, size) => zstdDecompressSync(input, { maxOutputLength: size }));
}

async function wasmZstd(): Promise<Codecs['zstd']> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (input, size) => decoder.decode(input, size);
}
