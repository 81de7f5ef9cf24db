import { Use } from '../../../model';
import { formatEntry, formatOffset } from '../../../units';
import type { Geometry } from '../mapping';
import { isCopied, offsetOf } from '../mapping';
import type { Refcounts } from '../refcounts';
import { CopiedFlags } from './copiedFlags';
import { Claim } from './hostClusters';
import type { L2Tables } from './l2Tables';
import type { EntryPlace, Note, Notes } from './notes';
import type { References } from './references';

const COMPRESSED_FLAG = 0x4000_0000;
/** Bits of a standard descriptor that are reserved: block/qcow2.h, L2E_STD_RESERVED_MASK. */
const RESERVED_HIGH = 0x3f00_0000;
const RESERVED_LOW = 0x0000_01fe;
const ZERO_FLAG = 1;
const OFFSET_LOW_MASK = ~0x1ff;

/** How the clusters of the current state lie in the file, as `qemu-img check` counts it. */
export interface Layout {
  allocated: number;
  fragmented: number;
  compressed: number;
}

/** The table that is at work, and how often what it says counts. */
interface Table {
  readonly offset: number;
  /** Number of the guest cluster that its first entry stands for. */
  readonly firstGuest: number;
  readonly times: number;
  readonly active: number;
}

/** A standard descriptor, taken apart: one object for all, so that millions of them leave no garbage. */
interface Standard {
  high: number;
  low: number;
  offset: number;
  zero: boolean;
  zeroBits: number;
  allocBits: number;
}

/** What an entry's problem is about: a part of the image's own file, and the entry. */
interface Place {
  readonly start: number;
  readonly end: number;
  /** What is called its offset, where that is not its start: data lies in another file. */
  readonly called?: number;
  readonly entry: EntryPlace;
}

/**
 * Checks the entries of L2 tables and counts what they refer to, as block/qcow2-refcount.c does in check_refcounts_l2
 * and check_oflag_copied. A table that several L1 tables share is looked at once, and counts as often.
 */
export class EntryChecker {
  readonly layout: Layout = { allocated: 0, fragmented: 0, compressed: 0 };
  private readonly external: boolean;
  private readonly extended: boolean;
  private readonly copied: CopiedFlags;
  private readonly entry: Standard = { high: 0, low: 0, offset: 0, zero: false, zeroBits: 0, allocBits: 0 };
  /** Bits of a standard descriptor's low word that can't be set: those of an offset inside a cluster, and a zero flag. */
  private readonly impossibleLow: number;

  constructor(
    private readonly geometry: Geometry,
    private readonly references: References,
    refcounts: Refcounts,
    private readonly notes: Notes,
  ) {
    this.copied = new CopiedFlags(geometry, refcounts, notes);
    this.external = geometry.header.externalData;
    this.extended = geometry.header.extendedL2;
    const withoutZeroFlag = this.extended || geometry.header.version < 3;
    this.impossibleLow = ((geometry.clusterSize - 1) & OFFSET_LOW_MASK) | (withoutZeroFlag ? ZERO_FLAG : 0);
  }

  /** @param bytes the table as it stands in the file @param number which of `tables` it is */
  check(bytes: DataView, tables: L2Tables, number: number): void {
    const { l2Entries, l2EntryBytes, clusterSize } = this.geometry;
    const table: Table = {
      offset: tables.offset(number),
      firstGuest: tables.l1Index(number) * l2Entries,
      times: tables.references(number),
      active: tables.active(number),
    };
    /** Where the next cluster lies if it lies right behind this one; 0 at first. */
    let next = 0;
    const { entry } = this;
    for (let index = 0; index < l2Entries; index += 1) {
      const at = index * l2EntryBytes;
      const high = bytes.getUint32(at);
      const low = bytes.getUint32(at + 4);
      const zeroBits = this.extended ? bytes.getUint32(at + 8) : 0;
      const allocBits = this.extended ? bytes.getUint32(at + 12) : 0;
      if ((high | low | zeroBits | allocBits) === 0) continue;
      if ((high & COMPRESSED_FLAG) !== 0) {
        this.compressed(table, index, high, low, (zeroBits | allocBits) !== 0);
        continue;
      }
      if (this.references.telling) this.reserved(table, index, high, low);
      const offset = offsetOf(high, low);
      const zero = !this.extended && (low & ZERO_FLAG) !== 0;
      if (offset === 0 && (zero || !(this.external && isCopied(high)))) {
        if (allocBits !== 0 && this.references.telling) this.allocatedNowhere(table, index);
        continue;
      }
      entry.high = high;
      entry.low = low;
      entry.offset = offset;
      entry.zero = zero;
      entry.zeroBits = zeroBits;
      entry.allocBits = allocBits;
      this.standard(table, index, entry);
      if (this.references.telling) {
        this.layout.allocated += table.active;
        if (next !== 0 && offset !== next) this.layout.fragmented += table.active;
      }
      next = offset + clusterSize;
    }
    this.copied.finish();
  }

  private compressed(table: Table, index: number, high: number, low: number, bitmap: boolean): void {
    const { telling } = this.references;
    const { offset, length } = this.geometry.compressedSpan(high, low);
    const entry = { table: table.offset, index };
    const place: Place = { start: offset, end: offset + length, entry };
    if (telling && isCopied(high)) {
      this.tell('corruption', table.times, place, 'copied-compressed', (at) => {
        return `the compressed cluster at ${at} is flagged as copied, which none may be`;
      });
    }
    if (this.external || bitmap) {
      const why = this.external ? 'in an image with a data file' : 'whose subclusters are told of';
      if (telling)
        this.tell(
          'corruption',
          table.times,
          place,
          'compressed',
          (at) => `a compressed cluster ${why} can't be (${at})`,
        );
      return;
    }
    const use = table.active > 0 ? Use.Compressed : Use.SnapshotData;
    this.references.add({
      what: 'compressed data',
      offset,
      length,
      use,
      claim: Claim.Compressed,
      times: table.times,
      entry,
    });
    if (!telling) return;
    this.layout.allocated += table.active;
    this.layout.compressed += table.active;
    // Neighbours share a sector, which is read again for each: QEMU counts all of them as fragmented.
    this.layout.fragmented += table.active;
  }

  private standard(table: Table, index: number, entry: Standard): void {
    const { clusterSize } = this.geometry;
    const { high, offset } = entry;
    const guest = table.firstGuest + index;
    if (this.references.telling) {
      if (!this.canBe(entry, guest)) this.descriptor(table, index, entry);
      if (table.active > 0 && table.offset !== 0) this.copied.check(table, index, isCopied(high), offset);
    }
    if (this.external) return;
    const holds = this.holdsData(entry.zero, entry.allocBits);
    const use = table.active === 0 ? Use.SnapshotData : holds ? Use.Data : Use.Preallocated;
    if ((entry.low & this.impossibleLow & OFFSET_LOW_MASK) === 0 && !this.references.isPastEnd(offset, clusterSize)) {
      this.references.clusters.add(offset / clusterSize, table.times, use, Claim.Standard, guest);
    } else {
      const region = { what: 'data', offset, length: clusterSize, use, claim: Claim.Standard, times: table.times };
      this.references.add({ ...region, guest, entry: { table: table.offset, index } });
    }
  }

  /** Whether a standard descriptor can be what it says: nearly all can. */
  private canBe({ low, offset, zeroBits, allocBits }: Standard, guest: number): boolean {
    if (((low & this.impossibleLow) | (zeroBits & allocBits)) !== 0) return false;
    return !this.external || offset === guest * this.geometry.clusterSize;
  }

  /** Tells why a standard descriptor can't be what it says. */
  private descriptor(table: Table, index: number, { low, offset, zero, zeroBits, allocBits }: Standard): void {
    const { clusterSize, header } = this.geometry;
    const entry = { table: table.offset, index };
    const place: Place = this.external
      ? { ...this.entryPlace(table, index), called: offset }
      : { start: offset, end: offset + clusterSize, entry };
    const { times } = table;
    if ((zeroBits & allocBits) !== 0) {
      this.tell('corruption', times, place, 'subclusters', (at) => {
        return `parts of the cluster at ${at} are said to hold data and to read as zero at once`;
      });
    }
    if (offset % clusterSize !== 0) {
      const what = this.holdsData(zero, allocBits) ? 'data' : 'space kept for zeros';
      this.tell('corruption', times, place, 'data-unaligned', (at) => {
        return `${what} is said to begin at ${at}, in the middle of a cluster`;
      });
    }
    const guest = (table.firstGuest + index) * clusterSize;
    if (this.external && offset !== guest) {
      this.tell('further', times, place, 'data-file-offset', (at) => {
        return `a data file holds each byte at its own place, not byte ${guest} at ${at}`;
      });
    }
    if (zero && header.version < 3) {
      this.tell(
        'further',
        times,
        place,
        'zero-flag',
        () => "version 2 has no clusters of zeros, and QEMU can't read this",
      );
    }
    if (this.extended && (low & ZERO_FLAG) !== 0) {
      this.tell('further', times, place, 'l2-reserved', (at) => {
        return `the L2 entry for the cluster at ${at} has a reserved bit set (bit 0)`;
      });
    }
  }

  private reserved(table: Table, index: number, high: number, low: number): void {
    if ((high & RESERVED_HIGH) === 0 && (low & RESERVED_LOW) === 0) return;
    this.tell('corruption', table.times, this.entryPlace(table, index), 'l2-reserved', () => {
      return `an L2 entry has reserved bits set: ${formatEntry(high, low)}`;
    });
  }

  private allocatedNowhere(table: Table, index: number): void {
    this.tell('corruption', table.times, this.entryPlace(table, index), 'subclusters', () => {
      return 'a cluster that has no place in the file is said to hold data';
    });
  }

  private entryPlace(table: Table, index: number): Place {
    const { l2EntryBytes } = this.geometry;
    const start = table.offset + index * l2EntryBytes;
    return { start, end: start + l2EntryBytes, entry: { table: table.offset, index } };
  }

  private tell(
    counts: Note['counts'],
    times: number,
    { start, end, called = start, entry }: Place,
    code: string,
    message: (at: string) => string,
  ): void {
    this.notes.add(counts, times, code, () => ({
      message: message(formatOffset(called)),
      advice: DAMAGED,
      offset: start,
      host: { start, end },
      entry,
    }));
  }

  private holdsData(zero: boolean, allocBits: number): boolean {
    return this.extended ? allocBits !== 0 : !zero;
  }
}

export const DAMAGED = 'Restore the image from a backup, or copy out what can still be read.';
