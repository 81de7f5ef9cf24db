import { readPadded, u32le } from '../../bytes';
import type { ByteSource, Lookup } from '../../model';
import { hostOffset, Kind } from '../../model';
import type { BlockMap, BlockRun, Blocks } from '../blocks/blockMap';
import { EntryTable } from '../blocks/entries';
import type { VdiHeader } from './header';
import { ENTRY_BYTES } from './header';

/** `VDI_IMAGE_BLOCK_FREE` of VDICore.h: nothing here, so a read goes on in the parent. */
export const FREE = 0xffffffff;
/** `VDI_IMAGE_BLOCK_ZERO`: reads as zeros, whatever the parent has. */
export const DISCARDED = 0xfffffffe;

/** What the driver has read of an image by the time its blocks are asked for. */
export interface VdiParts {
  readonly source: ByteSource;
  /** The same file with pages of it kept, for what is read at random. */
  readonly lookups: ByteSource;
  readonly header: VdiHeader;
  /** What a block is that the image holds nothing of. */
  readonly free: Kind;
  /** Entries from here on are invalid; as long as the place is in the file a guest may read them. */
  readonly entriesEnd?: number | undefined;
}

/** Where in the file the data begins of the block that an entry of the map names. */
export const hostOfEntry = ({ dataOffset, blockSize, blockExtra }: VdiHeader, entry: number): number =>
  dataOffset + entry * (blockSize + blockExtra) + blockExtra;

/** The blocks of a VDI: one map of 32-bit numbers, each of a block in the file. */
export class VdiBlocks implements Blocks {
  readonly size: number;
  readonly blockSize: number;
  readonly dataEnd: number;
  /** VirtualBox (VDI.cpp, `vdiBlockAllocUpdate`) and QEMU write a new block as a whole. */
  readonly spaceIsWhole = true;

  constructor(private readonly parts: VdiParts) {
    this.size = parts.header.guestSize;
    this.blockSize = parts.header.blockSize;
    this.dataEnd = parts.source.size;
  }

  open(random: boolean, windowBytes: number): BlockMap {
    const { source, lookups } = this.parts;
    return new VdiMap(this.parts, random ? lookups : source, windowBytes);
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.parts.lookups, target, host);
  }

  close(): void {
    this.parts.lookups.close();
  }
}

class VdiMap implements BlockMap {
  readonly blockSize: number;
  readonly perReading: number;
  private readonly table: EntryTable;
  /** Entries that the file has: of a map that was cut short, not all. */
  private readonly there: number;
  private kinds = new Uint8Array();
  private hosts = new Float64Array();

  constructor(
    private readonly parts: VdiParts,
    file: ByteSource,
    windowBytes: number,
  ) {
    const { mapOffset, blockSize } = parts.header;
    this.blockSize = blockSize;
    this.table = new EntryTable(file, mapOffset, ENTRY_BYTES, windowBytes);
    this.perReading = this.table.perReading;
    this.there = Math.floor((file.size - mapOffset) / ENTRY_BYTES);
  }

  tell(first: number, most: number): BlockRun {
    if (first >= this.there) return { count: most, kind: Kind.Unknown, host: -1 };
    const { bytes, count } = this.table.read(first, Math.min(most, this.there - first));
    if (this.kinds.length < count) {
      this.kinds = new Uint8Array(count);
      this.hosts = new Float64Array(count);
    }
    const { kinds, hosts } = this;
    for (let i = 0; i < count; i += 1) {
      const entry = u32le(bytes, i * ENTRY_BYTES);
      const host = this.hostOf(entry);
      hosts[i] = host;
      kinds[i] = host >= 0 ? Kind.Data : this.kindOf(entry);
    }
    return { count, kinds, hosts };
  }

  lookups(block: number): readonly Lookup[] {
    if (block >= this.there) return [];
    const { mapOffset } = this.parts.header;
    const entry = u32le(this.table.read(block, 1).bytes, 0);
    return [
      {
        table: 'Block map',
        index: block,
        entryOffset: hostOffset(mapOffset + block * ENTRY_BYTES),
        entry: `0x${entry.toString(16).padStart(8, '0')}`,
        flags: entry === FREE ? ['unallocated'] : entry === DISCARDED ? ['discarded'] : [],
      },
    ];
  }

  /** Where the data of a block begins; -1 where it has none, or where no file could have it. */
  private hostOf(entry: number): number {
    const { header, entriesEnd = DISCARDED } = this.parts;
    if (entry >= DISCARDED || entry >= entriesEnd) return -1;
    const host = hostOfEntry(header, entry);
    return host + this.blockSize <= Number.MAX_SAFE_INTEGER ? host : -1;
  }

  private kindOf(entry: number): Kind {
    return entry === FREE ? this.parts.free : entry === DISCARDED ? Kind.Zero : Kind.Invalid;
  }
}
