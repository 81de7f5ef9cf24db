import { Kind } from '../../model';
import type { Qcow2Header } from './header';

/**
 * Sizes that follow from the header, and the meaning of table entries: docs/interop/qcow2.rst, "Cluster mapping" and
 * "Extended L2 Entries". Entries are taken as two 32-bit words: BigInt is ten times slower in the loop over millions.
 */

const TWO_32 = 2 ** 32;
/** Bits 56-61 of an entry are reserved; 62 and 63 are flags. */
const OFFSET_HIGH_MASK = 0x00ff_ffff;
const OFFSET_LOW_MASK = 0xffff_fe00;
export const COMPRESSED_FLAG = 0x4000_0000;
export const COPIED_FLAG = 0x8000_0000;
const ZERO_FLAG = 1;
export const COMPRESSED_SECTOR = 512;
const SUBCLUSTERS = 32;
/** Entries have room for larger offsets than any file, and than a number holds exactly. */
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

export const offsetOf = (high: number, low: number): number =>
  (high & OFFSET_HIGH_MASK) * TWO_32 + ((low & OFFSET_LOW_MASK) >>> 0);
export const isCopied = (high: number): boolean => (high & COPIED_FLAG) !== 0;

export class Geometry {
  readonly clusterSize: number;
  /** Bytes of an L2 entry: 16 with subclusters. */
  readonly l2EntryBytes: number;
  readonly l2Entries: number;
  /** Guest bytes that one L2 table maps. */
  readonly l2Span: number;
  readonly subclusterSize: number;
  /** Of a compressed descriptor's offset, how many bits stand in the entry's high word. */
  private readonly offsetBitsInHigh: number;

  constructor(readonly header: Qcow2Header) {
    this.clusterSize = 2 ** header.clusterBits;
    this.offsetBitsInHigh = 62 - (header.clusterBits - 8) - 32;
    this.l2EntryBytes = header.extendedL2 ? 16 : 8;
    this.l2Entries = this.clusterSize / this.l2EntryBytes;
    this.l2Span = this.l2Entries * this.clusterSize;
    this.subclusterSize = header.extendedL2 ? this.clusterSize / SUBCLUSTERS : this.clusterSize;
  }

  /** Bytes of a disk that so many L2 tables map at most. */
  mapped(tables: number, guestSize: number): number {
    return Math.min(tables * this.l2Span, guestSize);
  }

  /**
   * Where a compressed cluster's bytes lie: the offset is to the byte, the length in whole sectors of 512 bytes counted
   * from the one that the offset is in ("Compressed Clusters Descriptor": x = 62 - (cluster_bits - 8)).
   */
  compressedSpan(high: number, low: number): { readonly offset: number; readonly length: number } {
    const offset = this.compressedOffset(high, low);
    const additionalSectors = (high & 0x3fff_ffff) >>> this.offsetBitsInHigh;
    return { offset, length: (additionalSectors + 1) * COMPRESSED_SECTOR - (offset % COMPRESSED_SECTOR) };
  }

  /** Where a compressed cluster's bytes begin. */
  compressedOffset(high: number, low: number): number {
    return (high & (2 ** this.offsetBitsInHigh - 1)) * TWO_32 + (low >>> 0);
  }
}

/**
 * Says what an L2 entry means. One object is used over and over: `kind` and `host` hold the last answer, so that the
 * loop over millions of entries allocates nothing.
 */
export class EntryDecoder {
  kind: Kind = Kind.Absent;
  /** Host offset of the cluster or subcluster, or -1 where it has none or is compressed. */
  host = -1;
  private clusterKind: Kind = Kind.Absent;
  private clusterHost = -1;
  private readonly clusterSize: number;
  private readonly subclusterSize: number;
  private readonly version: number;
  private readonly external: boolean;
  private readonly extended: boolean;

  /** @param fileEnd size of the image file: data beyond it was never there (not asked of external data files) */
  constructor(
    geometry: Geometry,
    private readonly fileEnd: number,
  ) {
    this.clusterSize = geometry.clusterSize;
    this.subclusterSize = geometry.subclusterSize;
    this.version = geometry.header.version;
    this.external = geometry.header.externalData;
    this.extended = geometry.header.extendedL2;
  }

  /** A whole cluster: the entry's first 64 bits. @param guest guest offset of the cluster */
  cluster(high: number, low: number, guest: number): void {
    this.host = -1;
    if ((high & COMPRESSED_FLAG) !== 0) {
      this.kind = this.external ? Kind.Invalid : Kind.Compressed;
    } else {
      const offset = offsetOf(high, low);
      const zero = !this.extended && (low & ZERO_FLAG) !== 0;
      // Offset 0 is the header's cluster, so it means "none"; in an external data file it is the disk's first.
      const allocated = offset !== 0 || (!zero && this.external && isCopied(high));
      if (zero && this.version < 3) this.kind = Kind.Invalid;
      else if (!allocated) this.kind = zero ? Kind.Zero : Kind.Absent;
      else if (!this.canBe(offset, guest)) this.kind = Kind.Invalid;
      else {
        this.kind = zero ? Kind.ZeroAllocated : Kind.Data;
        this.host = offset;
        if (!this.extended) this.invalidPastEnd();
      }
    }
    this.clusterKind = this.kind;
    this.clusterHost = this.host;
  }

  /**
   * One subcluster of the cluster that `cluster` was last asked about.
   * @param zeroBits the bitmap's high word, @param allocBits its low word
   */
  subcluster(zeroBits: number, allocBits: number, index: number): void {
    const bit = 1 << index;
    this.kind = this.clusterKind;
    this.host = this.clusterHost < 0 ? -1 : this.clusterHost + index * this.subclusterSize;
    if (this.clusterKind === Kind.Data) {
      if ((allocBits & zeroBits) !== 0) this.invalid();
      else if ((zeroBits & bit) !== 0) this.kind = Kind.ZeroAllocated;
      else if ((allocBits & bit) === 0) this.kind = Kind.Absent;
      else this.invalidPastEnd();
    } else if (this.clusterKind === Kind.Absent) {
      if (allocBits !== 0) this.invalid();
      else if ((zeroBits & bit) !== 0) this.kind = Kind.Zero;
    }
  }

  private canBe(offset: number, guest: number): boolean {
    return offset % this.clusterSize === 0 && offset <= MAX_OFFSET && (!this.external || offset === guest);
  }

  private invalid(): void {
    this.kind = Kind.Invalid;
    this.host = -1;
  }

  /** Keeps the host offset: it is where the entry points, and QEMU follows it into zeros. */
  private invalidPastEnd(): void {
    if (this.kind === Kind.Data && !this.external && this.host >= this.fileEnd) this.kind = Kind.Invalid;
  }
}
