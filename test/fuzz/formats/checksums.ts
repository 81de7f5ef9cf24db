const POLYNOMIAL = 0x82f63b78;

/** CRC-32C (Castagnoli), bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum of a VHD's structures: the complement of the sum of their bytes. */
export const complementOfSum = (bytes: Uint8Array): number => ~bytes.reduce((sum, byte) => sum + byte, 0) >>> 0;
