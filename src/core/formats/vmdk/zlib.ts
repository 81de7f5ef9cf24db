import { u32be } from '../../bytes';
import type { Codecs } from '../../model';

/** RFC 1950: two bytes before the deflate stream, and the sum of what it holds behind it. */
const HEADER_BYTES = 2;
const SUM_BYTES = 4;
const DEFLATE = 8;
const PRESET_DICTIONARY = 0x20;

/**
 * Decompresses a zlib stream, which may be followed by padding.
 * @param target receives what the stream holds
 * @returns how many bytes that is
 * @throws when the stream is broken or is not what its sum was made of
 */
export function unzlib(codecs: Codecs, input: Uint8Array, target: Uint8Array): number {
  const [method = 0, flags = 0] = input;
  if ((method & 15) !== DEFLATE || (method * 256 + flags) % 31 !== 0 || (flags & PRESET_DICTIONARY) !== 0) {
    throw new Error('this is no zlib stream');
  }
  const output = codecs.inflateRaw(input.subarray(HEADER_BYTES), target.length);
  if (!holdsSum(input, adler32(output))) throw new Error('the sum of the zlib stream is another');
  target.set(output);
  return output.length;
}

/** Where the stream ends, and so where its sum stands, is not told: mostly at the end of the input. */
function holdsSum(input: Uint8Array, sum: number): boolean {
  for (let at = input.length - SUM_BYTES; at > HEADER_BYTES; at -= 1) {
    if (u32be(input, at) === sum) return true;
  }
  return false;
}

const MODULUS = 65_521;
/** So many bytes can be added before a sum of 32 bits has to be reduced. */
const MOST_UNREDUCED = 5552;

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; start += MOST_UNREDUCED) {
    const end = Math.min(start + MOST_UNREDUCED, bytes.length);
    for (let i = start; i < end; i += 1) {
      low += bytes[i] ?? 0;
      high += low;
    }
    low %= MODULUS;
    high %= MODULUS;
  }
  return high * 0x10000 + low;
}
