import type { GuestPart, Kind, Lookup } from '../../model';
import { KIND_COUNT } from '../../model';

/** Of a block whose sectors differ: `BlockMap.sectors` tells of them. No `Kind` of its own, and never shown. */
export const MIXED = KIND_COUNT;

/** What the table says of blocks in a row. */
export type BlockRun =
  /** All of one kind, without a table for them or with the same entry in all; their space, if any, lies in a row. */
  | { readonly count: number; readonly kind: Kind; readonly host: number }
  /** One by one. The arrays are used again for the next answer, and may be longer than `count`. */
  | {
      readonly count: number;
      /** `Kind`, or MIXED. */
      readonly kinds: Uint8Array;
      /** Where the block's bytes begin in the host space of the layer; -1 where it has none. */
      readonly hosts: Float64Array;
    };

/** The sectors of a MIXED block: a bit each. */
export interface SectorBits {
  readonly bytes: Uint8Array;
  /** The first sector's bit is the highest of its byte, as in VHD; else the lowest, as in VHDX. */
  readonly highestFirst: boolean;
  /** Bytes of the disk that a bit stands for, a power of two. */
  readonly unit: number;
  /** Where the bit is not set; where it is: data, at the block's host offset and as far in as it is in the block. */
  readonly unset: Kind;
}

/**
 * The table of an image whose disk is in blocks of one size with one entry each, however it is kept (one table, tables of
 * tables). Reads it as it is asked, and keeps what it read last: one map serves one scan, or one look.
 */
export interface BlockMap {
  /** Bytes of the disk in a block, a multiple of 512. */
  readonly blockSize: number;
  /**
   * What the table says from block `first` on: of at least one block, at most `most`.
   * @throws DiskError where the table can't be read; what is said of the block then is not known
   */
  tell(first: number, most: number): BlockRun;
  /** How many blocks are told by one reading: where that fails, no more is unknown. */
  readonly perReading: number;
  /** Only of a block that is MIXED. @throws DiskError */
  sectors?(block: number): SectorBits;
  /** The entries consulted for the byte `within` of a block, outermost first. @throws DiskError */
  lookups(block: number, within: number): readonly Lookup[];
}

/** What an image's blocks are, and how their bytes are had. */
export interface Blocks {
  /** Bytes of the disk: the last block may stand over. */
  readonly size: number;
  readonly blockSize: number;
  /** Whether blocks may be MIXED, and of which unit their sectors are. */
  readonly sectorUnit?: number | undefined;
  /** Where the file that holds the data ends, in the layer's host space. */
  readonly dataEnd: number;
  /**
   * Whether a block has all of its space in the file as soon as it is there, as far as the disk goes: a file that ends inside
   * of one was cut short. Where writers leave away what nobody wrote to, that can't be told of the last one.
   */
  readonly spaceIsWhole?: boolean | undefined;
  /** @param random whether single blocks are asked for, of a file whose pages are kept, @param windowBytes of tables that may be read at a time */
  open(random: boolean, windowBytes: number): BlockMap;
  /** Bytes of a data block, or a part of one, from a place in the host space on; zeros past the end of the file. @throws DiskError */
  readData(host: number, target: Uint8Array): void;
  /** Bytes of a compressed block from its byte `within` on. @throws DiskError */
  readCompressed?(host: number, block: number, within: number, target: Uint8Array): void;
  /** How many bytes a compressed block takes in the file; undefined where nothing says so, or that can't be read. */
  compressedLength?(host: number, block: number): number | undefined;
  /** The file that a place in the host space is in, where that is not the layer's own. */
  holderOf?(host: number): { readonly path: string; readonly offset: number } | undefined;
  /** As `Layer.lostTables`. @throws DiskError */
  lostTables?(): Iterable<GuestPart>;
  close(): void;
}
