import { ascii, readUpTo, u32le, u64le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { CUT_SHORT } from '../advice';
import { SECTOR } from '../parts/flatPart';
import { LARGEST_UNIT, unitWithin } from '../parts/part';
import { LIMITS } from './limits';

/** docs/interop/parallels.rst, "Header". */
export const HEADER_BYTES = 64;
export const BAT_ENTRY_BYTES = 4;
const MAGIC_BYTES = 16;
const VERSION = 2;
const IN_USE = 0x746f6e59;
const EMPTY_IMAGE = 1;
const AT = {
  version: 16,
  heads: 20,
  cylinders: 24,
  clusterSectors: 28,
  batEntries: 32,
  sectors: 36,
  inUse: 44,
  dataOffset: 48,
  flags: 52,
  extensionOffset: 56,
} as const;

/** The table counts in sectors under the first of these, in clusters under the second. */
const MAGICS = ['WithoutFreeSpace', 'WithouFreSpacExt'] as const;
export type Magic = (typeof MAGICS)[number];

export const magicOf = (head: Uint8Array): Magic | undefined =>
  MAGICS.find((magic) => head.length >= MAGIC_BYTES && ascii(head, 0, MAGIC_BYTES) === magic);

/** The header of an expanding image, each value checked as far as it can be by itself. Bytes, unless it says otherwise. */
export interface ParallelsHeader {
  readonly magic: Magic;
  readonly guestSize: number;
  readonly clusterSize: number;
  /** What one step of a table entry stands for. */
  readonly entryStep: number;
  readonly batEntries: number;
  /** Where clusters begin: as the header says, or as QEMU works it out where that can't be. */
  readonly dataStart: number;
  readonly isDataStartWrong: boolean;
  /** Somebody opened it for writing, and did not close it. */
  readonly inUse: boolean;
  readonly markedEmpty: boolean;
  /** Where the format extension is; undefined where there is none. */
  readonly extensionOffset: number | undefined;
  readonly heads: number;
  readonly cylinders: number;
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks the header.
 * @throws DiskError when no sense can be made of the image: magic, version, a cluster of no size, a value past its limit
 */
export function readHeader(source: ByteSource): ParallelsHeader {
  const head = readUpTo(source, 0, HEADER_BYTES);
  const magic = magicOf(head);
  if (!magic) {
    throw new DiskError(
      'not-this-format',
      `this is no Parallels image: it begins with neither "${MAGICS.join('" nor "')}"`,
      { offset: 0 },
    );
  }
  if (head.length < HEADER_BYTES) {
    throw new DiskError(
      'short-read',
      `the file ends inside the Parallels header, after ${head.length} bytes`,
      { offset: head.length },
      CUT_SHORT,
    );
  }
  const version = u32le(head, AT.version);
  if (version !== VERSION) {
    throw new DiskError('unsupported', `Parallels image version ${version} is not known (${VERSION} is)`, {
      offset: AT.version,
    });
  }
  const clusterSize = clusterSizeOf(head);
  const batEntries = batEntriesOf(head);
  const start = dataStartOf(head, magic, { clusterSize, batEntries, fileSize: source.size });
  const header = {
    magic,
    guestSize: guestSizeOf(head, magic, clusterSize),
    clusterSize,
    entryStep: magic === 'WithoutFreeSpace' ? SECTOR : clusterSize,
    batEntries,
    dataStart: start.used,
    isDataStartWrong: !start.isRight,
    inUse: u32le(head, AT.inUse) === IN_USE,
    markedEmpty: (u32le(head, AT.flags) & EMPTY_IMAGE) !== 0,
    extensionOffset: extensionOffsetOf(head),
    heads: u32le(head, AT.heads),
    cylinders: u32le(head, AT.cylinders),
  };
  return { ...header, findings: findingsOf(header, start.written) };
}

/** CVE-2014-0142: a cluster of no sectors is divided by. */
function clusterSizeOf(head: Uint8Array): number {
  const sectors = u32le(head, AT.clusterSectors);
  if (sectors === 0 || sectors > LIMITS.maxClusterSectors) {
    throw new DiskError('corrupt', `a cluster of ${sectors} sectors can't be (1 to ${LIMITS.maxClusterSectors} can)`, {
      offset: AT.clusterSectors,
    });
  }
  return sectors * SECTOR;
}

/** CVE-2014-0143: the table's size in bytes must not overflow. */
function batEntriesOf(head: Uint8Array): number {
  const entries = u32le(head, AT.batEntries);
  if (entries > LIMITS.maxBatEntries) {
    throw new DiskError('limit', `a table of ${entries} clusters can't be (at most ${LIMITS.maxBatEntries} can)`, {
      offset: AT.batEntries,
    });
  }
  return entries;
}

function guestSizeOf(head: Uint8Array, magic: Magic, clusterSize: number): number {
  const sectors =
    magic === 'WithoutFreeSpace' ? u32le(head, AT.sectors) : u64le(head, AT.sectors, 'number of sectors', AT.sectors);
  const most = Math.min(Number.MAX_SAFE_INTEGER, LIMITS.maxUnits * unitWithin(clusterSize, LARGEST_UNIT));
  if (sectors * SECTOR > most) {
    throw new DiskError(
      'limit',
      `a disk of ${sectors} sectors, in clusters of ${clusterSize} bytes, is more than is read`,
      {
        offset: AT.sectors,
      },
    );
  }
  return sectors * SECTOR;
}

/** As `parallels_test_data_off` of block/parallels.c judges it. */
function dataStartOf(
  head: Uint8Array,
  magic: Magic,
  of: { readonly clusterSize: number; readonly batEntries: number; readonly fileSize: number },
): { readonly written: number; readonly used: number; readonly isRight: boolean } {
  const unit = magic === 'WithoutFreeSpace' ? SECTOR : of.clusterSize;
  const least = roundUp(roundUp(HEADER_BYTES + of.batEntries * BAT_ENTRY_BYTES, SECTOR), unit);
  const written = u32le(head, AT.dataOffset) * SECTOR;
  if (written === 0 && magic === 'WithoutFreeSpace') return { written: least, used: least, isRight: true };
  const isRight = written >= least && written <= roundUp(of.fileSize, SECTOR);
  return { written, used: isRight ? written : least, isRight };
}

/** As a float: what is no safe integer lies past the end of any file. */
function extensionOffsetOf(head: Uint8Array): number | undefined {
  const sectors = u32le(head, AT.extensionOffset + 4) * 2 ** 32 + u32le(head, AT.extensionOffset);
  return sectors === 0 ? undefined : sectors * SECTOR;
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

function findingsOf(header: Omit<ParallelsHeader, 'findings'>, writtenStart: number): readonly Finding[] {
  const { inUse, markedEmpty, isDataStartWrong, dataStart, guestSize, batEntries, clusterSize } = header;
  const findings: Finding[] = [];
  if (inUse) {
    findings.push({
      code: 'dirty',
      severity: 'warning',
      message: 'the image was not closed cleanly: a program has it open for writing, or was stopped while it had',
      advice: 'If no VM is using it, check it.',
      offset: AT.inUse,
    });
  }
  if (isDataStartWrong) {
    const why =
      writtenStart < dataStart ? `inside the table, which ends at byte ${dataStart}` : 'past the end of the file';
    findings.push({
      code: 'data-offset',
      severity: 'error',
      message: `the data is said to begin at byte ${writtenStart}, ${why}`,
      advice: 'Reading does not depend on it; qemu-img check mends it.',
      offset: AT.dataOffset,
    });
  }
  if (markedEmpty) {
    findings.push({
      code: 'marked-empty',
      severity: 'info',
      message: 'the header says that the image is empty; what is shown is what its table says, as QEMU reads it',
      offset: AT.flags,
    });
  }
  if (batEntries * clusterSize < guestSize) {
    findings.push({
      code: 'table-too-small',
      severity: 'error',
      message: `the table maps ${batEntries * clusterSize} bytes of a disk of ${guestSize}: what is behind reads as empty`,
      offset: AT.batEntries,
    });
  }
  return findings;
}
