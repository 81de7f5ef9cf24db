import { u16le, u32le } from '../bytes';
import { crc32c } from '../crc';
import type { TrialDisk } from './trialDisk';
import { partOf } from './trialDisk';
import type { Volume } from './volumes';

/**
 * Linux, fs/ext4: the descriptor of each block group keeps the checksums of its two bitmaps, or at least how many bits of
 * them are not set. Where the overlay holds the descriptor and the file beneath it the bitmap, or the other way round,
 * these fit only in the very state of the disk that the overlay was made on.
 */
export interface Fits {
  readonly fit: number;
  readonly misfit: number;
  /** By checksums; otherwise by counts, which are sometimes equal by chance. */
  readonly summed: boolean;
  /** Its journal was not played back: what is on the disk may be of two moments. */
  readonly unclean: boolean;
}

const INCOMPATIBLE = { recover: 0x4, metaBlockGroups: 0x10, wide: 0x80, seed: 0x2000 } as const;
const CHECKSUMS = 0x400;
const CRC32C = 1;
const UNUSED = { inodes: 1, blocks: 2 } as const;
/** Groups whose descriptors are read: half a terabyte in blocks of 4 KiB. */
const MAX_GROUPS = 4096;
/** Bitmaps that are read, each at most a block. */
const MAX_BITMAPS = 256;

/** What of a superblock is needed. */
interface Super {
  /** What checksums begin with; undefined where there are none. */
  readonly seed: number | undefined;
  readonly blockSize: number;
  readonly groups: number;
  readonly descriptors: number;
  readonly descriptorBytes: number;
  readonly blockBytes: number;
  readonly inodeBytes: number;
  readonly unclean: boolean;
}

export function extFits(disk: TrialDisk, { start, length }: Volume): Fits | undefined {
  const volume = partOf(disk, start, length);
  const found = superOf(volume);
  if (!found) return undefined;
  let [fit, misfit, read] = [0, 0, 0];
  for (let group = 0; group < found.groups && read < MAX_BITMAPS; group += 1) {
    const descriptor = volume.read(found.descriptors + group * found.descriptorBytes, found.descriptorBytes);
    if (!descriptor || descriptor.origin === 'both') continue;
    for (const { block, bytes, ...told } of bitmapsOf(descriptor.bytes, found)) {
      // Most descriptors and bitmaps are of one side: whose bytes they are is known without reading them.
      const bitmap = volume.read(block * found.blockSize, bytes);
      if (!bitmap || bitmap.origin === 'both' || bitmap.origin === descriptor.origin) continue;
      read += 1;
      if (isRight(bitmap.bytes, told, found.seed)) fit += 1;
      else misfit += 1;
    }
  }
  return { fit, misfit, summed: found.seed !== undefined, unclean: found.unclean };
}

function isRight(
  bitmap: Uint8Array,
  { sum, free, wide }: Pick<Bitmap, 'sum' | 'free' | 'wide'>,
  seed: number | undefined,
): boolean {
  if (seed === undefined) return zeroBits(bitmap) === free;
  const computed = crc32c(seed, bitmap);
  return (wide ? computed : computed & 0xffff) === sum;
}

function zeroBits(bytes: Uint8Array): number {
  let zeros = 0;
  for (const byte of bytes) for (let bit = 0; bit < 8; bit += 1) zeros += ((byte >> bit) & 1) ^ 1;
  return zeros;
}

function superOf(volume: TrialDisk): Super | undefined {
  const bytes = volume.read(1024, 1024)?.bytes;
  if (!bytes || u16le(bytes, 0x38) !== 0xef53) return undefined;
  const incompatible = u32le(bytes, 0x60);
  const blockBits = u32le(bytes, 0x18);
  const [perGroup, clustersPerGroup, inodesPerGroup] = [0x20, 0x24, 0x28].map((at) => u32le(bytes, at));
  if ((incompatible & INCOMPATIBLE.metaBlockGroups) !== 0 || blockBits > 6) return undefined;
  if (perGroup === undefined || perGroup === 0) return undefined;
  const blockSize = 1024 * 2 ** blockBits;
  const wide = (incompatible & INCOMPATIBLE.wide) !== 0;
  const descriptorBytes = wide ? u16le(bytes, 0xfe) : 32;
  if (descriptorBytes < 32 || descriptorBytes > 1024) return undefined;
  return {
    seed: seedOf(bytes, incompatible),
    blockSize,
    groups: Math.min(MAX_GROUPS, Math.ceil(volume.size / (perGroup * blockSize))),
    descriptors: (u32le(bytes, 0x14) + 1) * blockSize,
    descriptorBytes,
    blockBytes: Math.min(blockSize, (clustersPerGroup ?? 0) / 8),
    inodeBytes: Math.min(blockSize, (inodesPerGroup ?? 0) / 8),
    unclean: (incompatible & INCOMPATIBLE.recover) !== 0,
  };
}

function seedOf(bytes: Uint8Array, incompatible: number): number | undefined {
  if ((u32le(bytes, 0x64) & CHECKSUMS) === 0 || bytes[0x175] !== CRC32C) return undefined;
  if ((incompatible & INCOMPATIBLE.seed) !== 0) return u32le(bytes, 0x270);
  return crc32c(0xffff_ffff, bytes.subarray(0x68, 0x78));
}

interface Bitmap {
  readonly block: number;
  readonly bytes: number;
  readonly sum: number;
  /** Bits that are not set. */
  readonly free: number;
  /** The sum has 32 bits, not 16. */
  readonly wide: boolean;
}

/** struct ext4_group_desc. Bitmaps that were never written are none, nor are sizes that are no whole bytes. */
function bitmapsOf(bytes: Uint8Array, { blockBytes, inodeBytes }: Super): Bitmap[] {
  const wide = bytes.length >= 64;
  const flags = u16le(bytes, 0x12);
  const one = (at: number, freeAt: number, sumAt: number, length: number): Bitmap => ({
    block: u32le(bytes, at) + (wide ? u32le(bytes, at + 0x20) * 2 ** 32 : 0),
    bytes: length,
    sum: (u16le(bytes, sumAt) | (wide ? u16le(bytes, sumAt + 0x20) << 16 : 0)) >>> 0,
    free: u16le(bytes, freeAt) + (wide ? u16le(bytes, freeAt + 0x20) * 2 ** 16 : 0),
    wide,
  });
  return [
    ...((flags & UNUSED.blocks) === 0 ? [one(0, 0x0c, 0x18, blockBytes)] : []),
    ...((flags & UNUSED.inodes) === 0 ? [one(4, 0x0e, 0x1a, inodeBytes)] : []),
  ].filter(({ block, bytes: length }) => block > 0 && length > 0 && Number.isInteger(length));
}
