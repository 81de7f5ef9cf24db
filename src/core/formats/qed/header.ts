import { readUpTo, text, u32le, u64le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { formatEntry } from '../../units';
import { CUT_SHORT } from '../advice';
import { LIMITS } from './limits';

/** docs/interop/qed_spec.rst, "Header". */
const MAGIC = 0x00444551; // 'Q' 'E' 'D' 0
const HEADER_BYTES = 64;
const SECTOR = 512;
const ENTRY_BYTES = 8;
const TWO_32 = 2 ** 32;

const FEATURES = { backingFile: 1, needCheck: 2, noProbe: 4 } as const;
const KNOWN_FEATURES = 7;

export const isQed = (head: Uint8Array): boolean => head.length >= 4 && u32le(head, 0) === MAGIC;

/** The header, each value checked as far as it can be by itself. */
export interface QedHeader {
  readonly guestSize: number;
  /** Bytes. */
  readonly clusterSize: number;
  /** Of an L1 or L2 table. */
  readonly tableBytes: number;
  readonly entriesPerTable: number;
  /** Bytes that are kept for the header and what belongs to it, clusters. */
  readonly headerBytes: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly needsCheck: boolean;
  readonly backing: { readonly name: string; readonly isRaw: boolean } | undefined;
  /** Where the last whole cluster of the file ends: nothing behind it is looked at. */
  readonly fileEnd: number;
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks the header as QEMU does.
 * @throws DiskError when no sense can be made of the image: signature, unknown features, a value past its limit
 */
export function readHeader(source: ByteSource): QedHeader {
  const head = readUpTo(source, 0, HEADER_BYTES);
  if (!isQed(head)) {
    throw new DiskError('not-this-format', 'this is no QED image: it does not begin with "QED\\0"', { offset: 0 });
  }
  if (head.length < HEADER_BYTES) {
    throw new DiskError(
      'short-read',
      `the file ends inside the QED header, after ${head.length} bytes`,
      { offset: head.length },
      CUT_SHORT,
    );
  }
  return new HeaderReader(source, head).read();
}

class HeaderReader {
  constructor(
    private readonly source: ByteSource,
    private readonly head: Uint8Array,
  ) {}

  read(): QedHeader {
    const features = this.features();
    const { minClusterBytes, maxClusterBytes, minTableClusters, maxTableClusters } = LIMITS;
    const clusterSize = this.power(4, 'clusters of so many bytes', minClusterBytes, maxClusterBytes);
    const tableClusters = this.power(8, 'tables of so many clusters', minTableClusters, maxTableClusters);
    const headerBytes = this.headerBytes(clusterSize);
    const tableBytes = tableClusters * clusterSize;
    const entriesPerTable = tableBytes / ENTRY_BYTES;
    const span = entriesPerTable * clusterSize;
    const guestSize = this.guestSize(span * entriesPerTable);
    const fileEnd = Math.floor(this.source.size / clusterSize) * clusterSize;
    const needsCheck = (features & FEATURES.needCheck) !== 0;
    return {
      guestSize,
      clusterSize,
      tableBytes,
      entriesPerTable,
      headerBytes,
      l1Offset: this.l1Offset({ clusterSize, tableBytes, headerBytes, fileEnd }),
      l1Entries: Math.ceil(guestSize / span),
      needsCheck,
      backing: (features & FEATURES.backingFile) === 0 ? undefined : this.backing(headerBytes, features),
      fileEnd,
      findings: [...this.dirty(needsCheck), ...this.smallTables(tableClusters)],
    };
  }

  /** The low word of the features: all that are known are there. */
  private features(): number {
    const low = u32le(this.head, 16);
    const high = u32le(this.head, 20);
    if (high === 0 && low <= KNOWN_FEATURES) return low;
    throw new DiskError(
      'unsupported',
      `the image uses features that are not known (${formatEntry(high, low & ~KNOWN_FEATURES)})`,
      { offset: 16 },
      'QEMU refuses it as well.',
    );
  }

  private power(at: number, what: string, least: number, most: number): number {
    const value = u32le(this.head, at);
    if (value >= least && value <= most && Number.isInteger(Math.log2(value))) return value;
    throw new DiskError(
      'corrupt',
      `${what} do not exist in QED: ${value} (powers of two from ${least} to ${most} do)`,
      {
        offset: at,
      },
    );
  }

  private headerBytes(clusterSize: number): number {
    const bytes = u32le(this.head, 12) * clusterSize;
    if (bytes <= LIMITS.maxHeaderBytes) return bytes;
    throw new DiskError('limit', `a header of ${bytes} bytes can't be (less than ${LIMITS.maxHeaderBytes + 1} can)`, {
      offset: 12,
    });
  }

  private guestSize(most: number): number {
    const size = u64le(this.head, 48, 'size of the disk', 48);
    if (size % SECTOR !== 0) {
      throw new DiskError('corrupt', `a disk of ${size} bytes can't be: it is no whole number of sectors`, {
        offset: 48,
      });
    }
    if (size > most) {
      throw new DiskError('corrupt', `a disk of ${size} bytes can't be: tables of this size map ${most} at most`, {
        offset: 48,
      });
    }
    return size;
  }

  private l1Offset(layout: Pick<QedHeader, 'clusterSize' | 'tableBytes' | 'headerBytes' | 'fileEnd'>): number {
    const offset = u64le(this.head, 40, 'offset of the L1 table', 40);
    const { clusterSize, tableBytes, headerBytes, fileEnd } = layout;
    if (offset % clusterSize !== 0 || offset < headerBytes) {
      throw new DiskError('corrupt', `the L1 table can't begin at byte ${offset}: in the header, or inside a cluster`, {
        offset: 40,
      });
    }
    if (offset + tableBytes <= fileEnd) return offset;
    const message = `the file ends before its L1 table does, which is said to begin at byte ${offset}`;
    throw new DiskError('short-read', message, { offset: 40 }, CUT_SHORT);
  }

  private backing(headerBytes: number, features: number): QedHeader['backing'] {
    const offset = u32le(this.head, 56);
    const length = u32le(this.head, 60);
    if (offset + length > headerBytes) {
      throw new DiskError(
        'corrupt',
        `the backing file name is said to end at byte ${offset + length}, past the header`,
        {
          offset: 56,
        },
      );
    }
    if (length > LIMITS.maxBackingNameBytes) {
      const most = LIMITS.maxBackingNameBytes;
      throw new DiskError('limit', `a backing file name of ${length} bytes can't be (at most ${most} can)`, {
        offset: 60,
      });
    }
    const name = text(readUpTo(this.source, offset, length));
    return name === '' ? undefined : { name, isRaw: (features & FEATURES.noProbe) !== 0 };
  }

  private dirty(needsCheck: boolean): Finding[] {
    if (!needsCheck) return [];
    return [
      {
        code: 'need-check',
        severity: 'warning',
        message: 'the image was not closed properly: its tables may not be consistent',
        advice: 'Check Image tells. QEMU repairs it when a VM opens it for writing.',
        offset: 16,
      },
    ];
  }

  /** The overflow check of block/qed.h (`qed_check_table_offset`) takes a table of one cluster for one that overflows. */
  private smallTables(clusters: number): Finding[] {
    if (clusters !== 1) return [];
    return [
      {
        code: 'qemu-refuses',
        severity: 'info',
        message: 'QEMU opens no QED image with tables of one cluster, though its specification allows them',
        offset: 8,
      },
    ];
  }
}

/** A 64-bit offset of an entry, past what numbers can hold perhaps. */
export const offsetOf = (high: number, low: number): number => high * TWO_32 + low;
