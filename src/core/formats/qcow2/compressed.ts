import type { Codecs } from '../../model';
import type { Unpacker } from '../blocks/compressedBlocks';
import type { Compression } from './header';
import { zstdFrameLength } from './zstdFrame';

/** How clusters are compressed: docs/interop/qcow2.rst, "Compressed Clusters". */
export function clusterUnpacker(method: Compression, codecs: Codecs): Unpacker {
  const unpack = method === 'zlib' ? inflate : unzstd;
  return { block: 'cluster', method, unpack: (input, cluster) => unpack(codecs, input, cluster) };
}

/** @returns how many bytes there were */
function inflate(codecs: Codecs, input: Uint8Array, cluster: Uint8Array): number {
  const output = codecs.inflateRaw(input, cluster.length);
  cluster.set(output);
  return output.length;
}

/**
 * QEMU reads as many frames as fill a cluster, and writes one (block/qcow2-threads.c). More of them than the cluster has
 * sectors serve nothing but to keep who reads it busy: each costs a decoder's start and room for what is missing.
 */
const LEAST_PER_FRAME = 512;

/**
 * A cluster may be several frames; each is cut at its end, since decoders choke on the sector's padding.
 * @returns how many bytes there were
 */
function unzstd(codecs: Codecs, input: Uint8Array, cluster: Uint8Array): number {
  let filled = 0;
  let at = 0;
  for (let frames = 1; filled < cluster.length; frames += 1) {
    if (frames > cluster.length / LEAST_PER_FRAME) throw new Error('more zstd frames than the cluster has sectors');
    const length = zstdFrameLength(input.subarray(at));
    const part = codecs.zstd(input.subarray(at, at + length), cluster.length - filled);
    cluster.set(part, filled);
    filled += part.length;
    at += length;
  }
  return filled;
}
