import { readPadded, u32le } from '../../bytes';
import type { ByteSource, GuestPart, Lookup } from '../../model';
import { hostOffset, Kind } from '../../model';
import type { BlockMap, BlockRun, Blocks } from '../blocks/blockMap';
import { EntryTable } from '../blocks/entries';
import type { ParallelsHeader } from './header';
import { BAT_ENTRY_BYTES, HEADER_BYTES } from './header';

/** An expanding image, open, and where it is in the layer's host space. */
export interface ImageFile {
  readonly header: ParallelsHeader;
  /** As it is. */
  readonly source: ByteSource;
  /** The same file, for what is read at random. */
  readonly lookups: ByteSource;
  /** Where a host file has a name of its own: the path of it, and where it begins in the layer's host space. */
  readonly holder?: { readonly path: string; readonly base: number } | undefined;
}

/** The clusters of an expanding image: docs/interop/parallels.rst, "BAT". */
export class BatBlocks implements Blocks {
  readonly blockSize: number;
  /** QEMU (`parallels_check_outside_image`) takes a cluster that the file ends inside of for one outside. */
  readonly spaceIsWhole = true;
  private readonly base: number;

  /** @param size bytes of the disk, or of the part of it that the image holds */
  constructor(
    private readonly file: ImageFile,
    readonly size: number,
  ) {
    this.blockSize = file.header.clusterSize;
    this.base = file.holder?.base ?? 0;
  }

  get dataEnd(): number {
    return this.base + this.file.source.size;
  }

  open(random: boolean, windowBytes: number): BlockMap {
    const { source, lookups, header } = this.file;
    return new Bat(random ? lookups : source, header, { base: this.base, windowBytes });
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.file.lookups, target, host - this.base);
  }

  holderOf(host: number): { readonly path: string; readonly offset: number } | undefined {
    const { holder } = this.file;
    return holder && { path: holder.path, offset: host - holder.base };
  }

  /** What the entries map that the file ends before. */
  lostTables(): Iterable<GuestPart> {
    const lost = lostPart(this.file, this.size);
    return lost ? [lost] : [];
  }

  close(): void {
    this.file.lookups.close();
  }
}

/** What of a disk is mapped by entries that the file ends before: they read as zero, and so as "not here". */
export function lostPart(
  { header, source }: Pick<ImageFile, 'header' | 'source'>,
  size: number,
): GuestPart | undefined {
  const start = entriesThere(header, source.size) * header.clusterSize;
  const end = Math.min(size, header.batEntries * header.clusterSize);
  return start < end ? { start, end } : undefined;
}

/** Entries of which the file has at least a part: the rest of the last one reads as zeros. */
function entriesThere({ batEntries }: ParallelsHeader, fileSize: number): number {
  return Math.min(batEntries, Math.max(0, Math.ceil((fileSize - HEADER_BYTES) / BAT_ENTRY_BYTES)));
}

class Bat implements BlockMap {
  readonly blockSize: number;
  private readonly table: EntryTable;
  private readonly there: number;
  private kinds = new Uint8Array();
  private hosts = new Float64Array();

  constructor(
    private readonly source: ByteSource,
    private readonly header: ParallelsHeader,
    private readonly as: { readonly base: number; readonly windowBytes: number },
  ) {
    this.blockSize = header.clusterSize;
    this.there = entriesThere(header, source.size);
    this.table = new EntryTable(paddedSource(source), HEADER_BYTES, BAT_ENTRY_BYTES, as.windowBytes);
  }

  get perReading(): number {
    return this.table.perReading;
  }

  tell(first: number, most: number): BlockRun {
    if (first >= this.there) return { count: most, kind: Kind.Absent, host: -1 };
    const { bytes, count } = this.table.read(first, Math.min(most, this.there - first));
    if (this.kinds.length < count) {
      this.kinds = new Uint8Array(count);
      this.hosts = new Float64Array(count);
    }
    const entries = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i += 1) {
      const host = this.placeOf(entries.getUint32(i * BAT_ENTRY_BYTES, true));
      this.kinds[i] = host === undefined ? Kind.Absent : host < 0 ? Kind.Invalid : Kind.Data;
      this.hosts[i] = host ?? -1;
    }
    return { count, kinds: this.kinds, hosts: this.hosts };
  }

  lookups(block: number): readonly Lookup[] {
    if (block >= this.header.batEntries) return [];
    const entryOffset = HEADER_BYTES + block * BAT_ENTRY_BYTES;
    const bytes = new Uint8Array(BAT_ENTRY_BYTES);
    readPadded(this.source, bytes, entryOffset);
    const entry = `0x${u32le(bytes, 0).toString(16).padStart(8, '0')}`;
    const flags = block >= this.there ? ['past end of file'] : [];
    return [{ table: 'BAT', index: block, entryOffset: hostOffset(entryOffset), entry, flags }];
  }

  /** Undefined where there is no cluster; -1 where no file could have it. */
  private placeOf(entry: number): number | undefined {
    if (entry === 0) return undefined;
    const place = this.as.base + entry * this.header.entryStep;
    return Number.isSafeInteger(place + this.header.clusterSize) ? place : -1;
  }
}

/** A file that reads as zeros past its end, as QEMU's block layer has it. */
const paddedSource = (source: ByteSource): ByteSource => ({
  size: source.size,
  readInto: (target, position) => {
    readPadded(source, target, position);
  },
  close: () => undefined,
});
