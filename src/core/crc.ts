/**
 * Checksums of file systems, partition tables and images: both with reflected bits, without turning them over at the
 * end.
 */

function table(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value >>> 0;
  });
}

/** IEEE 802.3: GPT, and LVM with another seed. */
const CRC32 = table(0xedb88320);
/** Castagnoli: ext4, btrfs and VHDX. */
const CRC32C = table(0x82f63b78);

function run(values: Uint32Array, seed: number, bytes: Uint8Array): number {
  let crc = seed >>> 0;
  for (const byte of bytes) crc = (crc >>> 8) ^ (values[(crc ^ byte) & 0xff] ?? 0);
  return crc >>> 0;
}

/** @param seed what came before, or what the format begins with */
export const crc32 = (seed: number, bytes: Uint8Array): number => run(CRC32, seed, bytes);
export const crc32c = (seed: number, bytes: Uint8Array): number => run(CRC32C, seed, bytes);
