import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import type { Codecs } from '../core';
import { unzstd, zstdReady } from './zstd';

interface Output {
  readonly chunkSize: number;
  readonly maxOutputLength: number;
}
type ZstdSync = (input: Uint8Array, output: Output) => Uint8Array;

/** Node has zstd of its own from 22.15 on; older ones, such as VS Code's in our oldest supported version, get WebAssembly. */
const { zstdDecompressSync: nodeZstd } = zlib as unknown as { readonly zstdDecompressSync?: ZstdSync };

/** Await `codecsReady` before the first use. */
export const codecs: Codecs = {
  // A cluster's stream may be followed by padding or, in a damaged image, be cut short: the caller checks the length.
  inflateRaw: (input, size) =>
    zlib.inflateRawSync(input, { ...atOnce(size), finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  zstd: (input, size) => (nodeZstd ? nodeZstd(input, atOnce(size)) : unzstd(input, size)),
  md5,
  sha256: (input) => createHash('sha256').update(input).digest('hex'),
};

function md5(input: Uint8Array): string | undefined {
  try {
    return createHash('md5').update(input).digest('hex');
  } catch {
    return undefined; // A host that keeps to FIPS 140 refuses it.
  }
}

/** All of the answer in one piece; where no room is left in it, more is asked for before the end is noticed. */
function atOnce(size: number): Output {
  return { chunkSize: Math.max(size + 1, zlib.constants.Z_MIN_CHUNK), maxOutputLength: size };
}

/** Resolves once content can be decompressed. Mapping needs no content, so opening an image does not wait for this. */
export function codecsReady(): Promise<void> {
  return nodeZstd ? Promise.resolve() : zstdReady();
}
