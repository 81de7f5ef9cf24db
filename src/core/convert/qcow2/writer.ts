import { setU32be, setU64be } from '../../bytes';
import { DiskError } from '../../errors';
import { LIMITS } from '../../formats/qcow2/limits';
import { COMPRESSED_FLAG, COMPRESSED_SECTOR, COPIED_FLAG } from '../../formats/qcow2/mapping';
import type { Compressor, Sink } from '../../model';
import { formatBytes } from '../../units';
import type { ImageWriter } from '../imageWriter';
import { GRAIN } from '../imageWriter';
import { eachStretch, isZero } from '../../zeros';
import { headerBytes } from './header';
import { CLUSTER, CLUSTER_BITS, ENTRY_BYTES, L2_SPAN } from './layout';
import { Space } from './space';

const TWO_32 = 2 ** 32;
/** In a compressed cluster's descriptor, the bit of the high word where the number of further sectors begins. */
const SECTORS_SHIFT = 62 - (CLUSTER_BITS - 8) - 32;

/**
 * A qcow2 image without a backing file, laid out from its start to its end: data in the order of the disk, after each
 * 512 MiB of it the L2 table that maps them, then the L1 table and the reference counts. Clusters of zeros are left
 * unallocated. The header comes last, so that what is not complete is no image at all.
 */
export class Qcow2Writer implements ImageWriter {
  readonly step: number;
  private readonly space: Space;
  private readonly l1: Uint8Array;
  private readonly l2 = new Uint8Array(CLUSTER);
  /** The L1 entry that `l2` is for; -1 while it maps nothing. */
  private l1Index = -1;

  /**
   * @param guestSize bytes, whole sectors
   * @param compressor compresses each cluster by itself; none stores them as they are
   * @throws DiskError `limit` when the disk is larger than QEMU opens
   */
  constructor(
    private readonly sink: Sink,
    private readonly guestSize: number,
    private readonly compressor?: Compressor,
  ) {
    const l1Bytes = Math.ceil(guestSize / L2_SPAN) * ENTRY_BYTES;
    if (l1Bytes > LIMITS.maxL1Bytes) {
      const most = (LIMITS.maxL1Bytes / ENTRY_BYTES) * L2_SPAN;
      throw new DiskError(
        'limit',
        `a disk of ${formatBytes(guestSize)} does not fit into a qcow2 image with clusters of ${formatBytes(CLUSTER)}: QEMU opens at most ${formatBytes(most)}`,
        {},
        'Choose raw.',
      );
    }
    this.l1 = new Uint8Array(l1Bytes);
    // A cluster at a time takes milliseconds to compress.
    this.step = compressor ? 4 * GRAIN : 16 * GRAIN;
    this.space = new Space(sink);
    this.space.clusters(1);
  }

  write(offset: number, bytes: Uint8Array): void {
    const { compressor } = this;
    if (!compressor) {
      eachStretch(bytes, CLUSTER, (start, end) => {
        this.store(offset + start, bytes.subarray(start, end));
      });
      return;
    }
    for (let at = 0; at < bytes.length; at += CLUSTER) {
      const cluster = bytes.subarray(at, Math.min(at + CLUSTER, bytes.length));
      if (!isZero(cluster, 0, cluster.length)) this.compress(compressor, offset + at, cluster);
    }
  }

  finish(): void {
    this.endTable();
    const l1Clusters = Math.ceil(this.l1.length / CLUSTER);
    const l1Offset = l1Clusters === 0 ? 0 : this.space.clusters(l1Clusters);
    this.sink.writeAt(this.l1, l1Offset);
    const refcounts = this.space.finish();
    this.sink.writeAt(
      headerBytes({
        version: 3,
        clusterBits: CLUSTER_BITS,
        guestSize: this.guestSize,
        l1Entries: this.l1.length / ENTRY_BYTES,
        l1Offset,
        refcountTableOffset: refcounts.offset,
        refcountTableClusters: refcounts.clusters,
        compression: this.compressor?.type ?? 'zlib',
      }),
      0,
    );
  }

  /** Writes neighbouring clusters as they are; the last may be cut short by the disk's end, not by the file's. */
  private store(offset: number, bytes: Uint8Array): void {
    const clusters = Math.ceil(bytes.length / CLUSTER);
    for (let done = 0; done < clusters;) {
      const at = offset + done * CLUSTER;
      const entry = this.entryOf(at);
      const count = Math.min(clusters - done, (CLUSTER - entry) / ENTRY_BYTES);
      const host = this.space.clusters(count);
      this.sink.writeAt(bytes.subarray(done * CLUSTER, (done + count) * CLUSTER), host);
      for (let i = 0; i < count; i += 1) setPointer(this.l2, entry + i * ENTRY_BYTES, host + i * CLUSTER);
      done += count;
    }
  }

  private compress(compressor: Compressor, offset: number, bytes: Uint8Array): void {
    const stream = compressor.compress(wholeCluster(bytes));
    if (stream.length >= CLUSTER) {
      this.store(offset, bytes);
      return;
    }
    const entry = this.entryOf(offset);
    const host = this.space.bytes(stream.length);
    this.sink.writeAt(stream, host);
    const lastByte = host + stream.length - 1;
    const furtherSectors = Math.floor(lastByte / COMPRESSED_SECTOR) - Math.floor(host / COMPRESSED_SECTOR);
    const high = COMPRESSED_FLAG | (furtherSectors << SECTORS_SHIFT) | Math.floor(host / TWO_32);
    setU32be(this.l2, entry, high);
    setU32be(this.l2, entry + 4, host % TWO_32);
  }

  /** Where in the L2 table the entry of a guest offset is, writing the table before when that is another one. */
  private entryOf(offset: number): number {
    const l1Index = Math.floor(offset / L2_SPAN);
    if (l1Index !== this.l1Index) {
      this.endTable();
      this.l1Index = l1Index;
    }
    return ((offset % L2_SPAN) / CLUSTER) * ENTRY_BYTES;
  }

  private endTable(): void {
    if (this.l1Index < 0) return;
    const host = this.space.clusters(1);
    this.sink.writeAt(this.l2, host);
    setPointer(this.l1, this.l1Index * ENTRY_BYTES, host);
    this.l2.fill(0);
    this.l1Index = -1;
  }
}

/** An entry of an L1 or L2 table whose target nothing else refers to. */
function setPointer(table: Uint8Array, at: number, host: number): void {
  setU64be(table, at, host);
  setU32be(table, at, (COPIED_FLAG | Math.floor(host / TWO_32)) >>> 0);
}

function wholeCluster(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CLUSTER) return bytes;
  const whole = new Uint8Array(CLUSTER);
  whole.set(bytes);
  return whole;
}
