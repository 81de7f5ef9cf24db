import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import { Kind } from '../../model';
import { formatOffset } from '../../units';
import type { CompressedBlocks } from '../blocks/compressedBlocks';
import type { L1Table } from './l1';
import type { Geometry } from './mapping';
import { EntryDecoder } from './mapping';

/** Reads the guest's bytes that an image holds: of each L2 table only the entries asked for, and what lies together at once. */
export class ContentReader {
  private readonly decoder: EntryDecoder;

  /**
   * @param source the image, with its tables
   * @param holder the file with its data clusters; undefined when it is not open
   */
  constructor(
    private readonly source: ByteSource,
    private readonly holder: ByteSource | undefined,
    private readonly compressed: CompressedBlocks,
    private readonly geometry: Geometry,
  ) {
    this.decoder = new EntryDecoder(geometry, source.size);
  }

  /**
   * Bytes from `offset` on; zeros where the image holds none. QEMU reads zeros from data past the end of the file, so
   * these are no error.
   * @throws DiskError `corrupt` where an entry can't be true or a cluster can't be decompressed, `io`
   */
  read(l1: L1Table, offset: number, target: Uint8Array): void {
    const { l2Span } = this.geometry;
    for (let done = 0; done < target.length;) {
      const at = offset + done;
      const length = Math.min(target.length - done, l2Span - (at % l2Span));
      this.readOfTable(l1, at, target.subarray(done, done + length));
      done += length;
    }
  }

  /** A range that one L2 table maps. */
  private readOfTable(l1: L1Table, offset: number, target: Uint8Array): void {
    const { clusterSize, l2Span, l2Entries, l2EntryBytes } = this.geometry;
    const l1Index = Math.floor(offset / l2Span);
    const table = l1.l2Offset(l1Index);
    if (table < 0) throw impossible('L1', offset, l1.offset + l1Index * 8);
    if (table === 0) {
      target.fill(0);
      return;
    }
    const first = Math.floor(offset / clusterSize);
    const count = Math.ceil((offset + target.length) / clusterSize) - first;
    const entries = new Uint8Array(count * l2EntryBytes);
    const entriesAt = table + (first % l2Entries) * l2EntryBytes;
    readPadded(this.source, entries, entriesAt);
    const words = new DataView(entries.buffer);
    const pieces = new Pieces(this.holder, offset, target);
    for (let i = 0, at = offset; i < count; i += 1) {
      const end = Math.min((first + i + 1) * clusterSize, offset + target.length);
      const entry = i * l2EntryBytes;
      const high = words.getUint32(entry);
      const low = words.getUint32(entry + 4);
      this.decoder.cluster(high, low, (first + i) * clusterSize);
      if (this.decoder.kind === Kind.Compressed) {
        const span = this.geometry.compressedSpan(high, low);
        this.compressed.readInto(target.subarray(at - offset, end - offset), at % clusterSize, span);
      } else if (this.geometry.header.extendedL2) {
        this.addSubclusters(
          pieces,
          words.getUint32(entry + 8) | 0,
          words.getUint32(entry + 12) | 0,
          at,
          end,
          entriesAt + entry,
        );
      } else this.add(pieces, at, end, at % clusterSize, entriesAt + entry);
      at = end;
    }
    pieces.flush();
  }

  /** The part `[at, end)` of the cluster that was decoded last. */
  private addSubclusters(
    pieces: Pieces,
    zeroBits: number,
    allocBits: number,
    at: number,
    end: number,
    entryOffset: number,
  ): void {
    const { clusterSize, subclusterSize } = this.geometry;
    for (let from = at; from < end;) {
      const to = Math.min(from - (from % subclusterSize) + subclusterSize, end);
      this.decoder.subcluster(zeroBits, allocBits, Math.floor((from % clusterSize) / subclusterSize));
      this.add(pieces, from, to, from % subclusterSize, entryOffset);
      from = to;
    }
  }

  /** @param inUnit where `from` is in the cluster or subcluster that the decoder tells of */
  private add(pieces: Pieces, from: number, to: number, inUnit: number, entryOffset: number): void {
    const { kind, host } = this.decoder;
    if (host >= 0 && (kind === Kind.Data || kind === Kind.Invalid)) pieces.data(from, to, host + inUnit);
    else if (kind === Kind.Invalid) throw impossible('L2', from, entryOffset);
    else pieces.zero(from, to);
  }
}

/** Gathers neighbouring ranges whose bytes lie one behind the other in the file, to read them at once. */
class Pieces {
  private from = 0;
  private to = 0;
  private host = 0;

  /** @param offset guest offset of `target[0]` */
  constructor(
    private readonly holder: ByteSource | undefined,
    private readonly offset: number,
    private readonly target: Uint8Array,
  ) {}

  data(from: number, to: number, host: number): void {
    if (from !== this.to || host !== this.host + (from - this.from)) {
      this.flush();
      this.from = from;
      this.host = host;
    }
    this.to = to;
  }

  zero(from: number, to: number): void {
    this.target.fill(0, from - this.offset, to - this.offset);
  }

  flush(): void {
    const { from, to, host, holder } = this;
    this.from = to;
    if (from === to) return;
    readPadded(opened(holder), this.target.subarray(from - this.offset, to - this.offset), host);
  }
}

/** The file with an image's data clusters. @throws DiskError where it is not open */
export function opened(holder: ByteSource | undefined): ByteSource {
  if (holder) return holder;
  throw new DiskError('not-found', 'the external data file of this image is not open: its content is unknown');
}

function impossible(table: string, guest: number, offset: number): DiskError {
  return new DiskError('corrupt', `the ${table} entry for guest byte ${formatOffset(guest)} can't be true`, { offset });
}
