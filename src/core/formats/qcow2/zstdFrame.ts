import { u16le, u32le } from '../../bytes';

/** RFC 8878, section 3.1.1: the layout of a zstd frame. */
const MAGIC = 0xfd2fb528;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/**
 * Length in bytes of the frame that `input` begins with, found by walking the headers of its blocks.
 * @throws Error when it begins with none, or ends inside it
 */
export function zstdFrameLength(input: Uint8Array): number {
  if (u32le(input, 0) !== MAGIC) throw new Error('no zstd frame');
  const descriptor = input[4] ?? 0;
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >>> 6;
  const contentSizeBytes = contentSizeFlag === 0 && singleSegment ? 1 : (CONTENT_SIZE_BYTES[contentSizeFlag] ?? 0);
  let at = 5 + (singleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSizeBytes;
  let last = false;
  while (!last) {
    const header = u16le(input, at) | ((input[at + 2] ?? 0) << 16);
    const type = (header >>> 1) & 3;
    if (type === BLOCK_RESERVED) throw new Error('a zstd block of a reserved type');
    last = (header & 1) !== 0;
    at += 3 + (type === BLOCK_RLE ? 1 : header >>> 3);
    if (at > input.length) throw new Error('the zstd frame is cut short');
  }
  at += (descriptor & 4) === 0 ? 0 : 4;
  if (at > input.length) throw new Error('the zstd frame is cut short');
  return at;
}
