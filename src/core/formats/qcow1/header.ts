import { readUpTo, text, u32be, u64be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { CUT_SHORT } from '../advice';
import { LIMITS } from './limits';

/** block/qcow.c, `QCowHeader`; libqcow, "QEMU Copy-On-Write file format", "File header - version 1". */
const MAGIC = 0x514649fb; // 'Q' 'F' 'I' 0xfb
const VERSION = 1;
const HEADER_BYTES = 48;
const SECTOR = 512;
const AES = 1;

export const isQcow1 = (head: Uint8Array): boolean =>
  head.length >= 8 && u32be(head, 0) === MAGIC && u32be(head, 4) === VERSION;

/** The header, each value checked as far as it can be by itself. */
export interface Qcow1Header {
  /** Bytes; whole sectors, as QEMU takes it. */
  readonly guestSize: number;
  readonly clusterBits: number;
  /** log2 of the entries of an L2 table. */
  readonly l2Bits: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly encrypted: boolean;
  /** When the backing file was last changed, seconds since 1970, as old versions of QEMU wrote it; 0 where nobody did. */
  readonly backingTime: number;
  /** Where the name of the backing file stands, bytes; undefined without one. */
  readonly backing: { readonly name: string; readonly offset: number; readonly length: number } | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks the header.
 * @throws DiskError when no sense can be made of the image: signature, version, a value past its limit
 */
export function readHeader(source: ByteSource): Qcow1Header {
  const head = readUpTo(source, 0, HEADER_BYTES);
  if (!isQcow1(head)) {
    throw new DiskError(
      'not-this-format',
      'this is no qcow image of version 1: it does not begin with "QFI\\xfb" and 1',
      {
        offset: 0,
      },
    );
  }
  if (head.length < HEADER_BYTES) {
    throw new DiskError(
      'short-read',
      `the file ends inside the qcow header, after ${head.length} bytes`,
      { offset: head.length },
      CUT_SHORT,
    );
  }
  const clusterBits = bits(head, 32, 'clusters', LIMITS.minClusterBits, LIMITS.maxClusterBits);
  const l2Bits = bits(head, 33, 'L2 tables of entries,', LIMITS.minL2Bits, LIMITS.maxL2Bits);
  const size = diskSize(head);
  const l1Entries = Math.ceil(size / 2 ** (clusterBits + l2Bits));
  if (l1Entries > LIMITS.maxL1Entries) {
    throw new DiskError(
      'limit',
      `a disk of ${size} bytes needs an L1 table of ${l1Entries} entries, more than the ${LIMITS.maxL1Entries} that are read`,
      { offset: 24 },
    );
  }
  const l1Offset = u64be(head, 40, 'offset of the L1 table', 40);
  return {
    guestSize: Math.floor(size / SECTOR) * SECTOR,
    clusterBits,
    l2Bits,
    l1Offset,
    l1Entries,
    encrypted: isEncrypted(head),
    backingTime: u32be(head, 20),
    backing: backing(source, head),
    findings: cutL1(source, l1Offset, l1Entries * 8, size),
  };
}

function bits(head: Uint8Array, at: number, what: string, least: number, most: number): number {
  const value = head[at] ?? 0;
  if (value >= least && value <= most) return value;
  throw new DiskError('corrupt', `${what} 2^${value} of them, do not exist in qcow (2^${least} to 2^${most} do)`, {
    offset: at,
  });
}

function diskSize(head: Uint8Array): number {
  const size = u64be(head, 24, 'size of the disk', 24);
  if (size >= LIMITS.minDiskBytes) return size;
  throw new DiskError('corrupt', `a disk of ${size} bytes can't be (at least ${LIMITS.minDiskBytes} can)`, {
    offset: 24,
  });
}

function isEncrypted(head: Uint8Array): boolean {
  const method = u32be(head, 36);
  if (method > AES) throw new DiskError('unsupported', `encryption method ${method} is not known`, { offset: 36 });
  return method === AES;
}

function backing(source: ByteSource, head: Uint8Array): Qcow1Header['backing'] {
  const offset = u64be(head, 8, 'offset of the backing file name', 8);
  if (offset === 0) return undefined;
  const length = u32be(head, 16);
  if (length > LIMITS.maxBackingNameBytes) {
    const most = LIMITS.maxBackingNameBytes;
    throw new DiskError('limit', `a backing file name of ${length} bytes can't be (at most ${most} can)`, {
      offset: 16,
    });
  }
  const bytes = readUpTo(source, offset, length);
  if (bytes.length < length) {
    throw new DiskError(
      'short-read',
      'the file ends inside the name of its backing file',
      { offset: source.size },
      CUT_SHORT,
    );
  }
  return length === 0 ? undefined : { name: text(bytes), offset, length };
}

/** What of the L1 table is not there reads as zeros: nothing is mapped there. */
function cutL1(source: ByteSource, offset: number, length: number, size: number): readonly Finding[] {
  const there = Math.max(0, Math.floor((source.size - offset) / 8));
  if (there * 8 >= length) return [];
  const lost = Math.ceil(size * (1 - (there * 8) / length));
  return [
    {
      code: 'l1-past-end',
      severity: 'error',
      message: `the file ends inside or before the L1 table: ${there} of ${length / 8} entries are there, and what the others mapped reads as empty`,
      advice: CUT_SHORT,
      offset,
      lost,
    },
  ];
}
