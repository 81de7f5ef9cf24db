import { ascii, readUpTo, u16be, u32be, u64be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { CUT_SHORT } from '../advice';
import { isSound } from './checksum';
import type { Footer } from './footer';
import { uuidOf } from './identity';
import { LIMITS } from './limits';

export const DYNAMIC_HEADER_BYTES = 1024;
const COOKIE = 'cxsparse';
const CHECKSUM_AT = 36;
const NAME_AT = 64;
const NAME_BYTES = 512;
const LOCATORS_AT = 576;
const LOCATORS = 8;
export const LOCATOR_BYTES = 24;

/** Specification, "Dynamic Disk Header Format". */
export interface DynamicHeader {
  /** Where the header stands in the file. */
  readonly at: number;
  /** Where the block allocation table begins in the file, and how many entries it has. */
  readonly tableOffset: number;
  readonly tableEntries: number;
  readonly blockSize: number;
  readonly parentUuid: string;
  /** Seconds since 2000; 0 where it was not recorded. */
  readonly parentTimeStamp: number;
  /** The parent's name, UTF-16. */
  readonly parentName: Uint8Array;
  readonly locators: readonly Locator[];
  readonly findings: readonly Finding[];
}

/** Where the image has one of the names of its parent. */
export interface Locator {
  /** Four characters: `W2ru`, `W2ku`, `MacX` … */
  readonly platform: string;
  /** Where its entry stands in the file. */
  readonly at: number;
  readonly length: number;
  readonly offset: bigint;
}

/** Whether these bytes begin with a dynamic disk header whose checksum holds. */
export const isDynamicHeader = (bytes: Uint8Array): boolean =>
  bytes.length >= DYNAMIC_HEADER_BYTES &&
  ascii(bytes, 0, COOKIE.length) === COOKIE &&
  isSound(bytes.subarray(0, DYNAMIC_HEADER_BYTES), CHECKSUM_AT);

/** @throws DiskError when the disk can't be mapped by it */
export function readDynamicHeader(source: ByteSource, { dataOffset }: Footer): DynamicHeader {
  if (dataOffset + BigInt(DYNAMIC_HEADER_BYTES) > BigInt(source.size)) {
    throw new DiskError(
      'short-read',
      `the dynamic disk header is said to stand at byte ${dataOffset}, past the end of the file`,
      { offset: source.size },
      CUT_SHORT,
    );
  }
  const at = Number(dataOffset);
  const bytes = readUpTo(source, at, DYNAMIC_HEADER_BYTES);
  if (ascii(bytes, 0, COOKIE.length) !== COOKIE) {
    throw new DiskError('corrupt', `there is no dynamic disk header ("${COOKIE}") where the footer says it is`, {
      offset: at,
    });
  }
  const major = u16be(bytes, 24);
  if (major !== 1) {
    throw new DiskError('unsupported', `version ${major} of the dynamic disk header is not known (1 is)`, {
      offset: at + 24,
    });
  }
  return {
    at,
    tableOffset: u64be(bytes, 16, 'offset of the block allocation table', at + 16),
    tableEntries: tableEntries(bytes, at),
    blockSize: blockSize(bytes, at),
    parentUuid: uuidOf(bytes, 40),
    parentTimeStamp: u32be(bytes, 56),
    parentName: bytes.subarray(NAME_AT, NAME_AT + NAME_BYTES),
    locators: locators(bytes, at),
    findings: isSound(bytes, CHECKSUM_AT) ? [] : [wrongChecksum(at)],
  };
}

function tableEntries(bytes: Uint8Array, at: number): number {
  const entries = u32be(bytes, 28);
  if (entries > LIMITS.maxTableEntries) {
    throw new DiskError(
      'limit',
      `a block allocation table of ${entries} entries is past QEMU's limit (${LIMITS.maxTableEntries})`,
      { offset: at + 28 },
    );
  }
  return entries;
}

function blockSize(bytes: Uint8Array, at: number): number {
  const size = u32be(bytes, 32);
  if (size < LIMITS.minBlockBytes || !Number.isInteger(Math.log2(size))) {
    throw new DiskError(
      'corrupt',
      `blocks of ${size} bytes do not exist in VHD (a power of two from ${LIMITS.minBlockBytes} bytes on does)`,
      { offset: at + 32 },
      'Copy the image anew from where it came.',
    );
  }
  return size;
}

function locators(bytes: Uint8Array, at: number): readonly Locator[] {
  return Array.from({ length: LOCATORS }, (_, index) => {
    const entry = LOCATORS_AT + index * LOCATOR_BYTES;
    const view = new DataView(bytes.buffer, bytes.byteOffset + entry, LOCATOR_BYTES);
    return {
      platform: ascii(bytes, entry, 4),
      at: at + entry,
      length: view.getUint32(8),
      offset: view.getBigUint64(16),
    };
  }).filter(({ platform }) => platform !== '\0\0\0\0');
}

function wrongChecksum(at: number): Finding {
  return {
    code: 'header-checksum',
    severity: 'error',
    message: 'the checksum of the dynamic disk header is wrong; it has no copy, so it was used all the same',
    offset: at + CHECKSUM_AT,
    advice: 'QEMU does not look; Hyper-V refuses such an image. Compare what is read with a backup.',
  };
}
