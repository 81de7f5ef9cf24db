import { bigU64be, readUpTo, text, u32be, u64be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { CUT_SHORT } from '../advice';
import { LIMITS } from './limits';

/** docs/interop/qcow2.rst, "Header". */
export const MAGIC = 0x514649fb; // 'Q' 'F' 'I' 0xfb
const V2_LENGTH = 72;
const V3_MIN_LENGTH = 104;
const COMPRESSION_TYPE_AT = 104;
/** As far as the header's own fields go that are known. */
const MAX_FIELDS_BYTES = 112;
/** The header, with the extensions and the name of the parent that most images have. */
const FIRST_READ_BYTES = 4096;

export const EXTENSION = {
  end: 0,
  backingFormat: 0xe2792aca,
  featureNames: 0x6803f857,
  bitmaps: 0x23852875,
  luksHeader: 0x0537be77,
  dataFile: 0x44415441,
} as const;

const EXTENSION_HEADER_BYTES = 8;
export const FEATURE_NAME_BYTES = 48;

/** Incompatible bits, "Header" byte 72. The spec's prose on raw data files says bit 1; the bit is 2. */
export const INCOMPATIBLE = ['dirty', 'corrupt', 'data-file', 'compression', 'extended-l2'] as const;
type Incompatible = (typeof INCOMPATIBLE)[number];

export type Encryption = 'none' | 'aes' | 'luks';
export type Compression = 'zlib' | 'zstd';

/** The header and its extensions, each value checked as far as it can be by itself. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  /** Bytes; whole sectors, as QEMU takes it. */
  readonly guestSize: number;
  readonly encryption: Encryption;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  /** log2 of the bits of a reference count. */
  readonly refcountOrder: number;
  readonly snapshotCount: number;
  readonly snapshotsOffset: number;
  readonly headerLength: number;
  readonly compression: Compression;
  readonly dirty: boolean;
  readonly corrupt: boolean;
  readonly lazyRefcounts: boolean;
  readonly extendedL2: boolean;
  readonly externalData: boolean;
  /** The external data file is a plain raw image of the disk. */
  readonly rawExternalData: boolean;
  readonly backingName: string | undefined;
  readonly backingFormat: string | undefined;
  readonly dataFileName: string | undefined;
  /** Where the LUKS header stands in the file. */
  readonly luksOffset: number | undefined;
  /** Bytes of the LUKS header with its key material. */
  readonly luksLength: number;
  /** Present when the bitmaps extension is there and up to date (autoclear bit 0). */
  readonly bitmaps:
    { readonly count: number; readonly directoryBytes: number; readonly directoryOffset: number } | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks the header.
 * @throws DiskError when no sense can be made of the image: magic, version, an unknown incompatible feature, a value
 * past its limit
 */
export function readHeader(source: ByteSource): Qcow2Header {
  if (source.size === 0)
    throw new DiskError('not-this-format', 'the file is empty', { offset: 0 }, 'Copy it anew from where it came.');
  const first = readUpTo(source, 0, FIRST_READ_BYTES);
  const head = new Uint8Array(MAX_FIELDS_BYTES);
  head.set(first.subarray(0, head.length));
  const available = Math.min(first.length, head.length);
  if (u32be(head, 0) !== MAGIC) {
    throw new DiskError('not-this-format', 'this is no qcow2 image: it does not begin with "QFI\\xfb"', { offset: 0 });
  }
  if (available < (u32be(head, 4) === 3 ? V3_MIN_LENGTH : V2_LENGTH)) {
    throw new DiskError(
      'short-read',
      `the file ends inside the qcow2 header, after ${available} bytes`,
      { offset: available },
      CUT_SHORT,
    );
  }
  return new HeaderReader(source, first, head).read();
}

class HeaderReader {
  private readonly findings: Finding[] = [];
  private readonly clusterSize: number;

  constructor(
    private readonly source: ByteSource,
    /** The first bytes of the file. */
    private readonly first: Uint8Array,
    /** The header's own fields, with zeros past the end of the file. */
    private readonly head: Uint8Array,
  ) {
    const bits = u32be(head, 20);
    if (bits < LIMITS.minClusterBits || bits > LIMITS.maxClusterBits) {
      throw new DiskError('corrupt', `clusters of 2^${bits} bytes do not exist in qcow2 (512 bytes to 2 MiB do)`, {
        offset: 20,
      });
    }
    this.clusterSize = 2 ** bits;
  }

  read(): Qcow2Header {
    const version = this.version();
    const features = this.features(version);
    const headerLength = version === 2 ? V2_LENGTH : this.headerLength();
    const { name: backingName, endOfExtensions } = this.backing();
    const extensions = this.extensions(headerLength, endOfExtensions);
    this.refuseUnknownFeatures(features.unknown, extensions.featureNames);
    const extendedL2 = features.known.has('extended-l2');
    const clusterBits = u32be(this.head, 20);
    if (extendedL2 && clusterBits < LIMITS.minClusterBitsExtendedL2) {
      throw new DiskError(
        'corrupt',
        `extended L2 entries need clusters of at least 16 KiB, this image has ${this.clusterSize} bytes`,
        { offset: 20 },
      );
    }
    return {
      version,
      clusterBits,
      guestSize: this.guestSize(),
      encryption: this.encryption(),
      l1Entries: u32be(this.head, 36),
      l1Offset: this.tableOffset(40, 'L1 table'),
      ...this.refcounts(version),
      ...this.snapshotTable(),
      headerLength,
      compression: this.compression(version, headerLength, features.known.has('compression')),
      dirty: features.known.has('dirty'),
      corrupt: features.known.has('corrupt'),
      lazyRefcounts: version === 3 && (u32be(this.head, 84) & 1) !== 0,
      extendedL2,
      externalData: features.known.has('data-file'),
      rawExternalData: features.known.has('data-file') && version === 3 && (u32be(this.head, 92) & 2) !== 0,
      backingName,
      backingFormat: extensions.backingFormat,
      dataFileName: extensions.dataFileName,
      luksOffset: extensions.luksOffset,
      luksLength: extensions.luksLength ?? 0,
      bitmaps: this.bitmaps(version, extensions.bitmaps),
      findings: this.allFindings(features.known),
    };
  }

  private version(): 2 | 3 {
    const version = u32be(this.head, 4);
    if (version === 2 || version === 3) return version;
    const advice = version === 1 ? 'It is a "qcow" image of version 1, an older format.' : undefined;
    throw new DiskError('unsupported', `qcow2 version ${version} is not known (2 and 3 are)`, { offset: 4 }, advice);
  }

  private guestSize(): number {
    const size = u64be(this.head, 24, 'virtual size', 24);
    // QEMU counts the disk in whole sectors and drops the rest.
    return size - (size % 512);
  }

  private encryption(): Encryption {
    const method = u32be(this.head, 32);
    const known = (['none', 'aes', 'luks'] as const)[method];
    if (known === undefined)
      throw new DiskError('unsupported', `encryption method ${method} is not known`, { offset: 32 });
    return known;
  }

  private tableOffset(at: number, what: string): number {
    const offset = u64be(this.head, at, `offset of the ${what}`, at);
    if (offset % this.clusterSize !== 0) {
      throw new DiskError('corrupt', `the ${what} is said to begin at byte ${offset}, in the middle of a cluster`, {
        offset: at,
      });
    }
    return offset;
  }

  private features(version: 2 | 3): { known: ReadonlySet<Incompatible>; unknown: readonly number[] } {
    const bits = version === 2 ? 0n : bigU64be(this.head, 72);
    const known = new Set<Incompatible>();
    const unknown: number[] = [];
    for (let bit = 0; bit < 64; bit += 1) {
      if (((bits >> BigInt(bit)) & 1n) === 0n) continue;
      const name = INCOMPATIBLE[bit];
      if (name === undefined) unknown.push(bit);
      else known.add(name);
    }
    return { known, unknown };
  }

  private refuseUnknownFeatures(bits: readonly number[], names: ReadonlyMap<number, string>): void {
    if (bits.length === 0) return;
    const all = bits.map((bit) => {
      const name = names.get(bit) ?? '';
      return name === '' ? `incompatible feature bit ${bit}` : `"${name}" (incompatible feature bit ${bit})`;
    });
    throw new DiskError(
      'unsupported',
      `the image uses ${all.join(', ')}, which must be understood to read it`,
      { offset: 72 },
      'Open it with the program that made it, or convert it there to a plain qcow2.',
    );
  }

  private headerLength(): number {
    const length = u32be(this.head, 100);
    if (length < V3_MIN_LENGTH || length > this.clusterSize) {
      throw new DiskError('corrupt', `a header of ${length} bytes can't be (${V3_MIN_LENGTH} to a cluster can)`, {
        offset: 100,
      });
    }
    return length;
  }

  private compression(version: 2 | 3, headerLength: number, flagged: boolean): Compression {
    const type = version === 3 && headerLength > COMPRESSION_TYPE_AT ? this.head[COMPRESSION_TYPE_AT] : 0;
    if (type !== 0 && type !== 1) {
      throw new DiskError('unsupported', `compression type ${type} is not known (0 zlib and 1 zstd are)`, {
        offset: COMPRESSION_TYPE_AT,
      });
    }
    if ((type === 1) !== flagged) {
      this.note(
        'error',
        'compression-type',
        'the compression type and its feature bit disagree',
        COMPRESSION_TYPE_AT,
        'QEMU refuses such an image.',
      );
    }
    return type === 1 ? 'zstd' : 'zlib';
  }

  private refcounts(
    version: 2 | 3,
  ): Pick<Qcow2Header, 'refcountOrder' | 'refcountTableOffset' | 'refcountTableClusters'> {
    const refcountOrder = version === 2 ? 4 : u32be(this.head, 96);
    if (refcountOrder > LIMITS.maxRefcountOrder) {
      throw new DiskError('corrupt', `reference counts of 2^${refcountOrder} bits do not exist (1 to 64 bits do)`, {
        offset: 96,
      });
    }
    const refcountTableClusters = u32be(this.head, 56);
    // Reference counts matter to writers alone: a reader goes on without them.
    if (refcountTableClusters * this.clusterSize > LIMITS.maxRefcountTableBytes) {
      this.note(
        'error',
        'refcount-table-size',
        `the reference count table is said to take ${refcountTableClusters} clusters, more than 8 MiB`,
        56,
      );
      return { refcountOrder, refcountTableOffset: 0, refcountTableClusters: 0 };
    }
    if (refcountTableClusters === 0) {
      this.note(
        'error',
        'refcount-table-absent',
        'the image has no reference count table',
        56,
        'QEMU refuses it; a repair of all makes a new one.',
      );
    }
    const refcountTableOffset = this.optional(this.head, 48, 'offset of the reference count table', 48) ?? 0;
    if (refcountTableOffset % this.clusterSize !== 0) {
      this.note(
        'error',
        'refcount-table-offset',
        `the reference count table is said to begin at byte ${refcountTableOffset}, in the middle of a cluster`,
        48,
      );
    }
    return { refcountOrder, refcountTableOffset, refcountTableClusters };
  }

  private backing(): { name: string | undefined; endOfExtensions: number } {
    const offset = u64be(this.head, 8, 'offset of the backing file name', 8);
    if (offset === 0) return { name: undefined, endOfExtensions: this.clusterSize };
    const length = u32be(this.head, 16);
    if (offset > this.clusterSize) {
      throw new DiskError(
        'corrupt',
        `the backing file name is said to stand at byte ${offset}, past the header's cluster`,
        { offset: 8 },
      );
    }
    const room = Math.min(LIMITS.maxBackingNameBytes, this.clusterSize - offset);
    if (length > room) {
      throw new DiskError('limit', `a backing file name of ${length} bytes can't be (at most ${room} can)`, {
        offset: 16,
      });
    }
    const bytes = this.bytes(offset, length);
    if (bytes.length < length) {
      throw new DiskError(
        'short-read',
        'the file ends inside the name of its backing file',
        { offset: this.source.size },
        CUT_SHORT,
      );
    }
    return { name: length === 0 ? undefined : text(bytes), endOfExtensions: offset };
  }

  /** docs/interop/qcow2.rst, "Header extensions". */
  private extensions(from: number, end: number): Extensions {
    const found: Extensions = { featureNames: new Map() };
    const room = Math.max(0, Math.min(end, this.source.size) - from);
    // QEMU looks for an extension as long as there is room for its first byte.
    const areaBytes = Math.min(
      Math.min(room, LIMITS.maxExtensionAreaBytes) + EXTENSION_HEADER_BYTES,
      this.source.size - from,
    );
    let at = 0;
    for (let count = 0; at < Math.min(room, areaBytes - EXTENSION_HEADER_BYTES); count += 1) {
      const extension = this.bytes(from + at, EXTENSION_HEADER_BYTES);
      const type = u32be(extension, 0);
      const length = u32be(extension, 4);
      if (type === EXTENSION.end) break;
      const fits = length <= room - at - EXTENSION_HEADER_BYTES;
      const isRead = length <= areaBytes - at - EXTENSION_HEADER_BYTES;
      if (count === LIMITS.maxHeaderExtensions || (fits && !isRead)) {
        this.note(
          'warning',
          'header-extensions',
          `the header's extensions are more than are read: ${count} were, ${at} bytes`,
          from + at,
        );
        break;
      }
      if (!fits) {
        this.note(
          'error',
          'extension-length',
          `a header extension (0x${type.toString(16)}) is said to have ${length} bytes, more than the header holds`,
          from + at,
          'QEMU refuses such an image.',
        );
        break;
      }
      this.extension(found, type, this.bytes(from + at + 8, length), from + at + 8);
      at += 8 + Math.ceil(length / 8) * 8;
    }
    return found;
  }

  /** Bytes of the file, fewer where it ends: mostly read already. */
  private bytes(at: number, length: number): Uint8Array {
    const end = at + length;
    return end <= this.first.length ? this.first.subarray(at, end) : readUpTo(this.source, at, length);
  }

  private extension(found: Extensions, type: number, data: Uint8Array, offset: number): void {
    switch (type) {
      case EXTENSION.backingFormat:
        if (data.length > LIMITS.maxBackingFormatBytes) {
          this.note(
            'error',
            'backing-format-length',
            `the name of the backing format has ${data.length} bytes`,
            offset,
          );
        } else found.backingFormat = text(data) || undefined;
        return;
      case EXTENSION.dataFile:
        if (data.length > LIMITS.maxDataFileNameBytes) {
          this.note('error', 'data-file-name-length', `the name of the data file has ${data.length} bytes`, offset);
        } else found.dataFileName = text(data) || undefined;
        return;
      case EXTENSION.featureNames:
        for (let at = 0; at + FEATURE_NAME_BYTES <= data.length; at += FEATURE_NAME_BYTES) {
          // Type 0 names incompatible bits; the others are never a reason to refuse.
          if (data[at] === 0)
            found.featureNames.set(data[at + 1] ?? 0, text(data.subarray(at + 2, at + FEATURE_NAME_BYTES)));
        }
        return;
      case EXTENSION.luksHeader:
        if (data.length !== 16)
          this.note(
            'error',
            'luks-extension',
            `the pointer to the LUKS header has ${data.length} bytes, not 16`,
            offset,
          );
        else {
          found.luksOffset = this.optionalTable(data, 0, 'LUKS header', offset);
          found.luksLength = this.optional(data, 8, 'length of the LUKS header', offset + 8);
        }
        return;
      case EXTENSION.bitmaps:
        if (data.length !== 24)
          this.note('error', 'bitmaps-extension', `the bitmaps extension has ${data.length} bytes, not 24`, offset);
        else found.bitmaps = { data, offset };
    }
  }

  private bitmaps(version: 2 | 3, extension: Extensions['bitmaps']): Qcow2Header['bitmaps'] {
    if (!extension) return undefined;
    if (version === 2 || (u32be(this.head, 92) & 1) === 0) {
      this.note(
        'info',
        'bitmaps-stale',
        'the image has bitmaps, but a program that does not know them wrote to it since: they are ignored',
        extension.offset,
      );
      return undefined;
    }
    const { data, offset } = extension;
    const count = u32be(data, 0);
    const directoryBytes = this.optional(data, 8, 'size of the bitmap directory', offset + 8);
    const directoryOffset = this.optionalTable(data, 16, 'bitmap directory', offset + 16);
    if (directoryBytes === undefined || directoryOffset === undefined) return undefined;
    if (count > LIMITS.maxBitmaps || directoryBytes > LIMITS.maxBitmapDirectoryBytes) {
      this.note(
        'error',
        'bitmaps-limit',
        `a directory of ${count} bitmaps in ${directoryBytes} bytes is past QEMU's limits: not read`,
        offset,
      );
      return undefined;
    }
    return { count, directoryBytes, directoryOffset };
  }

  private allFindings(known: ReadonlySet<Incompatible>): readonly Finding[] {
    if (known.has('dirty')) {
      this.note(
        'warning',
        'dirty',
        'the image was not closed cleanly: its reference counts may be stale',
        72,
        'If no VM is using it, a repair of leaks mends it.',
      );
    }
    if (known.has('corrupt')) {
      this.note(
        'error',
        'marked-corrupt',
        'QEMU has marked the image as corrupt and will not write to it',
        72,
        'Make a copy, then see what qemu-img check says.',
      );
    }
    return this.findings;
  }

  private snapshotTable(): Pick<Qcow2Header, 'snapshotCount' | 'snapshotsOffset'> {
    // QEMU refuses a table that can't be, even one of no snapshots.
    const snapshotsOffset = this.optionalTable(this.head, 64, 'snapshot table', 64);
    return snapshotsOffset === undefined
      ? { snapshotCount: 0, snapshotsOffset: 0 }
      : { snapshotCount: u32be(this.head, 60), snapshotsOffset };
  }

  /** A value that the disk's current state does not depend on: one that can't be true is a finding. */
  private optional(bytes: Uint8Array, at: number, field: string, fileOffset: number): number | undefined {
    try {
      return u64be(bytes, at, field, fileOffset);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.note('error', 'absurd-value', error.message, fileOffset);
      return undefined;
    }
  }

  /** Where a table begins that the disk's current state does not depend on. */
  private optionalTable(bytes: Uint8Array, at: number, what: string, fileOffset: number): number | undefined {
    const offset = this.optional(bytes, at, `offset of the ${what}`, fileOffset);
    if (offset === undefined || offset % this.clusterSize === 0) return offset;
    this.note(
      'error',
      'table-offset',
      `the ${what} is said to begin at byte ${offset}, in the middle of a cluster: not read`,
      fileOffset,
      'QEMU refuses such an image.',
    );
    return undefined;
  }

  private note(severity: Finding['severity'], code: string, message: string, offset: number, advice?: string): void {
    this.findings.push({ code, severity, message, offset, advice });
  }
}

interface Extensions {
  backingFormat?: string | undefined;
  dataFileName?: string | undefined;
  luksOffset?: number | undefined;
  luksLength?: number | undefined;
  bitmaps?: { readonly data: Uint8Array; readonly offset: number };
  readonly featureNames: Map<number, string>;
}
