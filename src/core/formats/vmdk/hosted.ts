import { ascii, readUpTo, u16le, u32le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { Use } from '../../model';
import { CUT_SHORT } from '../advice';
import type { Structure } from '../check';
import { SectorEntries } from './grainEntries';
import type { GrainLayout } from './grainLayout';
import { LIMITS } from './limits';
import { SECTOR_BYTES, sectorsLe } from './sectors';

/** Virtual Disk Format 5.0 (VMware), "Hosted Sparse Extents"; block/vmdk.c, VMDK4Header. */
export const HOSTED_MAGIC = 'KDMV';
const HEADER_BYTES = 79;

const FLAG = {
  newlines: 1,
  redundant: 1 << 1,
  zeroedGrains: 1 << 2,
  compressed: 1 << 16,
  markers: 1 << 17,
} as const;
const KNOWN_FLAGS = FLAG.newlines | FLAG.redundant | FLAG.zeroedGrains | FLAG.compressed | FLAG.markers;
/** What stands at byte 73, unless a transfer as text has changed it. */
const NEWLINES = '\n \r\n';
const DEFLATE = 1;

/** Behind the last grain of a stream: a marker, the header once more, and the end of the stream, a sector each. */
const FOOTER_BYTES = 3 * SECTOR_BYTES;
const MARKER = { endOfStream: 0, footer: 3 } as const;

/** The header of a hosted sparse extent. All in bytes. */
export interface HostedHeader {
  readonly version: number;
  /** Of the disk in this extent. */
  readonly capacity: number;
  readonly grainSize: number;
  readonly entriesPerTable: number;
  /** Where the descriptor is in the file, and how much room it has there. */
  readonly descriptor: { readonly offset: number; readonly length: number } | undefined;
  readonly directoryOffset: number;
  readonly redundantOffset: number | undefined;
  /** What comes before the first grain. */
  readonly overhead: number;
  readonly compressed: boolean;
  /** Each compressed grain is preceded by its place on the disk and its length. */
  readonly markers: boolean;
  readonly zeroedGrains: boolean;
  /** It was not closed by who wrote to it. */
  readonly unclean: boolean;
  /** Where the footer that stands in for the header is, with the markers around it. */
  readonly footerOffset: number | undefined;
  readonly findings: readonly Finding[];
}

export const isHosted = (head: Uint8Array): boolean => ascii(head, 0, 4) === HOSTED_MAGIC;

/**
 * Reads and checks the header, or what stands in for it at the end of the file.
 * @throws DiskError when no sense can be made of it
 */
export function readHosted(source: ByteSource): HostedHeader {
  const first = readUpTo(source, 0, SECTOR_BYTES);
  if (first.length < HEADER_BYTES) {
    throw new DiskError(
      'short-read',
      `the file ends inside the VMDK header, after ${first.length} bytes`,
      { offset: first.length },
      CUT_SHORT,
    );
  }
  const footer = isAtEnd(first) ? readFooter(source) : undefined;
  return { ...parse(source, footer?.bytes ?? first, footer?.findings ?? []), footerOffset: footer?.offset };
}

/** The header does not say where the grain directory is: it was written before that was known. */
const isAtEnd = (header: Uint8Array): boolean => u32le(header, 56) === 0xffff_ffff && u32le(header, 60) === 0xffff_ffff;

function readFooter(source: ByteSource): {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly findings: readonly Finding[];
} {
  const at = Math.max(0, Math.ceil(source.size / SECTOR_BYTES) * SECTOR_BYTES - FOOTER_BYTES);
  const end = readUpTo(source, at, FOOTER_BYTES);
  const bytes = end.subarray(SECTOR_BYTES, 2 * SECTOR_BYTES);
  if (bytes.length < HEADER_BYTES || !isHosted(bytes) || isAtEnd(bytes)) {
    throw new DiskError(
      'corrupt',
      'the header says that the grain directory is named at the end of the file, and no footer is there',
      { offset: at + SECTOR_BYTES },
      CUT_SHORT,
    );
  }
  const isMarked = isMarker(end, MARKER.footer) && isMarker(end.subarray(2 * SECTOR_BYTES), MARKER.endOfStream);
  return {
    bytes,
    offset: at,
    findings: isMarked
      ? []
      : [
          {
            code: 'footer-markers',
            severity: 'warning',
            message: 'the footer at the end of the file is not between its markers',
            advice: 'QEMU refuses such an image.',
            offset: at,
          },
        ],
  };
}

const isMarker = (bytes: Uint8Array, type: number): boolean => u32le(bytes, 8) === 0 && u32le(bytes, 12) === type;

function parse(source: ByteSource, bytes: Uint8Array, noted: readonly Finding[]): HostedHeader {
  const version = u32le(bytes, 4);
  const flags = u32le(bytes, 8);
  if (version === 0 || version > LIMITS.maxVersion) {
    throw new DiskError('unsupported', `VMDK version ${version} is not known (1 to ${LIMITS.maxVersion} are)`, {
      offset: 4,
    });
  }
  const compression = u16le(bytes, 77);
  if (compression > DEFLATE) {
    throw new DiskError('unsupported', `compression method ${compression} is not known (1, deflate, is)`, {
      offset: 77,
    });
  }
  const compressed = compression === DEFLATE;
  const descriptorOffset = sectorsLe(bytes, 28, 'offset of the descriptor');
  const descriptorLength = sectorsLe(bytes, 36, 'size of the descriptor');
  const hasDescriptor = descriptorOffset > 0 && descriptorLength > 0;
  const header: HostedHeader = {
    version,
    capacity: sectorsLe(bytes, 12, 'capacity'),
    grainSize: grainSize(bytes, compressed),
    entriesPerTable: entriesPerTable(bytes),
    descriptor: hasDescriptor ? { offset: descriptorOffset, length: descriptorLength } : undefined,
    directoryOffset: sectorsLe(bytes, 56, 'offset of the grain directory'),
    redundantOffset:
      (flags & FLAG.redundant) === 0 ? undefined : sectorsLe(bytes, 48, 'offset of the redundant grain directory'),
    overhead: sectorsLe(bytes, 64, 'offset of the first grain'),
    compressed,
    markers: (flags & FLAG.markers) !== 0,
    zeroedGrains: (flags & FLAG.zeroedGrains) !== 0,
    unclean: bytes[72] !== 0,
    footerOffset: undefined,
    findings: [],
  };
  if (directoryEntries(header) > LIMITS.maxDirectoryEntries) {
    throw new DiskError(
      'limit',
      `a disk of ${header.capacity} bytes takes ${directoryEntries(header)} grain tables of ${header.entriesPerTable} grains, more than any image has`,
      { offset: 12 },
    );
  }
  return { ...header, findings: [...noted, ...headerFindings(source, bytes, header, flags)] };
}

function grainSize(bytes: Uint8Array, compressed: boolean): number {
  const size = sectorsLe(bytes, 20, 'grain size');
  const most = compressed ? LIMITS.maxCompressedGrainBytes : LIMITS.maxGrainBytes;
  if (size > 0 && size <= most) return size;
  throw new DiskError(size === 0 ? 'corrupt' : 'limit', `grains of ${size} bytes can't be (at most ${most} can)`, {
    offset: 20,
  });
}

function entriesPerTable(bytes: Uint8Array): number {
  const entries = u32le(bytes, 44);
  if (entries > 0 && entries <= LIMITS.maxEntriesPerTable) return entries;
  throw new DiskError(
    entries === 0 ? 'corrupt' : 'limit',
    `grain tables of ${entries} entries can't be (at most ${LIMITS.maxEntriesPerTable} can)`,
    { offset: 44 },
  );
}

const directoryEntries = ({ capacity, grainSize, entriesPerTable }: HostedHeader): number =>
  Math.ceil(capacity / (grainSize * entriesPerTable));

function headerFindings(
  source: ByteSource,
  bytes: Uint8Array,
  { overhead, unclean }: HostedHeader,
  flags: number,
): readonly Finding[] {
  const findings: Finding[] = [];
  const unknown = (flags & ~KNOWN_FLAGS) >>> 0;
  if (unknown !== 0) {
    const message = `the header has flags that are not known (0x${unknown.toString(16)})`;
    findings.push({ code: 'unknown-flags', severity: 'warning', message, offset: 8 });
  }
  if ((flags & FLAG.newlines) !== 0 && ascii(bytes, 73, 4) !== NEWLINES) {
    findings.push({
      code: 'newlines',
      severity: 'error',
      message:
        'the line ends that the header keeps to tell by were changed: the file was transferred as if it were text',
      advice: 'Copy it anew from where it came, as binary data.',
      offset: 73,
    });
  }
  if (unclean) {
    findings.push({
      code: 'unclean',
      severity: 'warning',
      message: 'the file was not closed by who wrote to it last: a VM runs on it, or has crashed',
      offset: 72,
    });
  }
  if (source.size < overhead) {
    findings.push({
      code: 'truncated',
      severity: 'error',
      message: `the file ends at byte ${source.size}, before its first grain can begin (byte ${overhead})`,
      advice: `QEMU refuses such an image. ${CUT_SHORT}`,
    });
  }
  return findings;
}

/** Where the extent keeps its grains, by its grain directory or by the redundant one. */
export function hostedLayout(header: HostedHeader, fileSize: number, directoryOffset: number): GrainLayout {
  const { capacity, grainSize, entriesPerTable, zeroedGrains, compressed } = header;
  return {
    size: capacity,
    grainSize,
    entriesPerTable,
    entries: new SectorEntries({ zeroed: zeroedGrains, compressed, fileSize }),
    directory: { offset: directoryOffset, entries: directoryEntries(header) },
  };
}

/** What is in the file beside its directories, tables and grains. */
export function hostedStructures(
  { descriptor, footerOffset }: HostedHeader,
  { size }: ByteSource,
): readonly Structure[] {
  const structures = [{ what: 'the header', start: 0, end: SECTOR_BYTES, use: Use.Header }];
  if (descriptor) {
    const { offset: start, length } = descriptor;
    structures.push({ what: 'the descriptor', start, end: start + length, use: Use.Header });
  }
  if (footerOffset !== undefined) {
    structures.push({ what: 'the footer', start: footerOffset, end: size, use: Use.Header });
  }
  return structures;
}
