import { u32le } from '../../bytes';
import { Kind } from '../../model';
import { IMPOSSIBLE_TABLE, NO_TABLE } from '../blocks/nestedTables';
import { SECTOR_BYTES } from './sectors';

/** How the entries of an extent's grain directory and grain tables are written. */
export interface EntryFormat {
  readonly entryBytes: 4 | 8;
  /** Where the table of a directory's entry begins in the file; NO_TABLE, or IMPOSSIBLE_TABLE. */
  tableAt(bytes: Uint8Array, at: number): number;
  /** Tells `count` grains by the entries of a table. @param base where the file begins in the layer's host space */
  tell(bytes: Uint8Array, count: number, base: number, kinds: Uint8Array, hosts: Float64Array): void;
}

/** Instead of where a grain is: all of it reads as zero, where the extent's flags allow for that. */
const ZEROED = 1;

/** Entries of hosted sparse extents and of COWD: 32 bits each, a sector of the file. */
export class SectorEntries implements EntryFormat {
  readonly entryBytes = 4;

  constructor(
    private readonly of: {
      /** Entry 1 stands for zeros. */
      readonly zeroed: boolean;
      readonly compressed: boolean;
      /** Bytes of the file. */
      readonly fileSize: number;
    },
  ) {}

  tableAt(bytes: Uint8Array, at: number): number {
    return u32le(bytes, at) * SECTOR_BYTES;
  }

  tell(bytes: Uint8Array, count: number, base: number, kinds: Uint8Array, hosts: Float64Array): void {
    const { zeroed, compressed, fileSize } = this.of;
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = compressed ? Kind.Compressed : Kind.Data;
    for (let i = 0; i < count; i += 1) {
      const sector = words.getUint32(i * 4, true);
      const offset = sector * SECTOR_BYTES;
      if (sector === 0 || (zeroed && sector === ZEROED)) {
        kinds[i] = sector === 0 ? Kind.Absent : Kind.Zero;
        hosts[i] = -1;
      } else {
        // Plain data past the end reads as zeros; there is no stream of nothing.
        kinds[i] = compressed && offset >= fileSize ? Kind.Invalid : data;
        hosts[i] = base + offset;
      }
    }
  }
}

/** The highest four bits of a 64-bit entry say what it is; of the directory's, the highest 32. */
const TABLE_IS_THERE = 0x1000_0000;
const enum Grain {
  Absent = 0,
  Unmapped = 1,
  Zero = 2,
  Data = 3,
}
const TWO_32 = 2 ** 32;
const GRAIN_BYTES = 4096;

/** Entries of SE sparse extents: 64 bits each, counted from where the tables, and the grains, begin. */
export class SeSparseEntries implements EntryFormat {
  readonly entryBytes = 8;

  constructor(
    private readonly of: {
      /** Bytes of a table. */
      readonly tableBytes: number;
      /** Where the first table, and the first grain, stand in the file. */
      readonly tablesOffset: number;
      readonly grainsOffset: number;
    },
  ) {}

  tableAt(bytes: Uint8Array, at: number): number {
    const low = u32le(bytes, at);
    const high = u32le(bytes, at + 4);
    if (low === 0 && high === 0) return NO_TABLE;
    const offset = this.of.tablesOffset + low * this.of.tableBytes;
    return high === TABLE_IS_THERE && Number.isSafeInteger(offset) ? offset : IMPOSSIBLE_TABLE;
  }

  tell(bytes: Uint8Array, count: number, base: number, kinds: Uint8Array, hosts: Float64Array): void {
    const { grainsOffset } = this.of;
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i += 1) {
      const low = words.getUint32(i * 8, true);
      const high = words.getUint32(i * 8 + 4, true);
      let kind: Kind = Kind.Invalid;
      let host = -1;
      switch (high >>> 28) {
        case Grain.Absent:
          if (high === 0 && low === 0) kind = Kind.Absent;
          break;
        case Grain.Unmapped:
        case Grain.Zero:
          kind = Kind.Zero;
          break;
        case Grain.Data: {
          // The lowest 12 bits of the grain's number stand above the other 48.
          const number = ((high & 0xffff) * TWO_32 + low) * 4096 + ((high >>> 16) & 0xfff);
          host = base + grainsOffset + number * GRAIN_BYTES;
          if (Number.isSafeInteger(host)) kind = Kind.Data;
          else host = -1;
        }
      }
      kinds[i] = kind;
      hosts[i] = host;
    }
  }
}
