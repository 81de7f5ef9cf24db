import { u32be } from '../../bytes';

const TWO_32 = 2 ** 32;

/** Whether a structure's checksum is right: the ones' complement of the sum of all its bytes but those of the checksum. */
export function isSound(bytes: Uint8Array, checksumAt: number): boolean {
  let sum = 0;
  for (const [at, byte] of bytes.entries()) if (at < checksumAt || at >= checksumAt + 4) sum += byte;
  return TWO_32 - 1 - sum === u32be(bytes, checksumAt);
}
