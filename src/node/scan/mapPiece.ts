import type { Side } from '../../core/compareSide';
import type { Finding, Oddities, OwnershipMap } from '../../core/model';
import type { QemuMapEntry } from '../../core/qemuMap';
import { entriesOf } from '../../core/qemuMap';
import { MAX_PLACED_UNITS } from '../../core/scan/resolver';
import type { DiskRange } from '../../core/walk';
import { Walker } from '../../core/walk';
import { tableBytes } from './worth';
import type { EntryText, MapLayout } from './mapLayout';

/** Of a piece's text: some pieces wait in memory for those before them. */
const MAX_PIECE_TEXT = 12 << 20;
/** However little there is to read. */
const FEW_PIECES = 1 << 12;
/** Of tables, in a piece on the average where there are more pieces: a disk of nothing has no million of them. */
const WORTH_A_PIECE = 64 << 10;
/** Of raw layers, which have no tables: a hole may begin at any sector, and few do. */
const RAW_GRAIN = 65536;

/** A part of a disk's map as text, ready to be joined to what stands before and after it. */
export interface MapPiece {
  readonly index: number;
  /** Where it ends on the disk: before its part does, where that would have too much text. */
  readonly end: number;
  /** Where what was read for it ends, past its own end where that is in the middle of a map: what is odd there is counted. */
  readonly told: number;
  /** The first entry, which may go on with the last one of the piece before. */
  readonly first: QemuMapEntry;
  /** The last one, where there is more than one. */
  readonly last: QemuMapEntry | undefined;
  /** Those in between, and how many they are. */
  readonly text: Uint8Array<ArrayBuffer>;
  readonly between: number;
  /** Of those in between, what is not known. */
  readonly unknown: Unknown;
}

export interface Unknown {
  readonly ranges: number;
  readonly bytes: number;
}

/** What is told when all pieces are made. */
export interface MapPieceResult {
  /** By index of the layer from the standpoint down. */
  readonly oddities: readonly (Oddities | undefined)[];
  readonly failures: ReadonlyMap<number, Finding>;
}

/** Makes pieces of one disk's map. */
export class MapPieces {
  /** How much of the disk is one piece, or several that follow each other. */
  readonly pieceBytes: number;
  private readonly failures = new Map<number, Finding>();
  private readonly walker: Walker;
  private readonly text: EntryText;
  private readonly maxEntries: number;

  /**
   * @param pieceBytes what others make of the same disk
   * @param maxEntries of a piece, above 0
   */
  constructor(
    private readonly disk: Side,
    layout: MapLayout,
    {
      pieceBytes,
      maxEntries = Math.floor(MAX_PIECE_TEXT / layout.entryBytes),
    }: { readonly pieceBytes?: number; readonly maxEntries?: number } = {},
  ) {
    this.text = layout.entries();
    this.maxEntries = maxEntries;
    this.walker = new Walker(disk.chain, disk.from, (depth, finding) => this.failures.set(depth, finding));
    this.pieceBytes = pieceBytes ?? this.pieceOfDisk();
  }

  get result(): MapPieceResult {
    return { oddities: this.walker.oddities, failures: this.failures };
  }

  /** @param before the piece that ended early in the same part of the disk, where this one is to go on */
  make(index: number, before?: MapPiece): MapPiece {
    const start = before?.end ?? index * this.pieceBytes;
    const { chain, from } = this.disk;
    const unknown = { ranges: 0, bytes: 0 };
    const made = { end: start, told: before?.told ?? start, entries: 0 };
    let first: QemuMapEntry | undefined;
    let last: QemuMapEntry | undefined;
    const maps = this.maps({ start, end: this.endOf(index) }, made);
    for (const entry of entriesOf(maps, chain, from)) {
      if (!entry) continue;
      made.entries += 1;
      made.end = entry.start + entry.length;
      if (last) {
        this.text.add(last);
        countUnknown(unknown, last);
      }
      if (first) last = entry;
      else first = entry;
      if (made.entries === this.maxEntries) break;
    }
    if (!first) throw new Error('a part of a disk has a map');
    const { end, told } = made;
    const between = Math.max(0, made.entries - 2);
    return { index, end, told, first, last, text: this.text.take(), between, unknown };
  }

  /** A piece, and where it ends early the pieces that follow it to the end of its part of the disk. */
  *whole(piece: MapPiece): Generator<MapPiece, void, void> {
    yield piece;
    for (let last = piece; last.end < this.endOf(piece.index);) yield (last = this.make(piece.index, last));
  }

  close(): void {
    this.walker.close();
  }

  /** As many units of the finest tables as a piece may have entries, a power of two. */
  private pieceOfDisk(): number {
    const { chain, from } = this.disk;
    const finest = this.walker.units.reduce<number>((least, unit, index) => {
      const isRaw = chain.layers[from.depth + index]?.layer.format === 'raw';
      return isRaw ? least : Math.min(least, unit ?? Infinity);
    }, Infinity);
    const units = 2 ** Math.floor(Math.log2(this.maxEntries));
    const most = Math.max(FEW_PIECES, tableBytes(this.disk) / WORTH_A_PIECE);
    const least = 2 ** Math.ceil(Math.log2(Math.max(1, from.view.guestSize / most)));
    return Math.max(units * (finest === Infinity ? RAW_GRAIN : finest), least);
  }

  private endOf(index: number): number {
    return Math.min((index + 1) * this.pieceBytes, this.disk.from.view.guestSize);
  }

  /**
   * The maps of a range up to where another might have too many entries: so a piece ends between two maps, and no table's
   * entries are decoded twice, unless holes of a file tear one map into more entries than it has units.
   */
  private *maps(
    range: DiskRange,
    made: { told: number; readonly entries: number },
  ): Generator<OwnershipMap, void, void> {
    for (const map of this.walker.maps(range, made.told)) {
      made.told = Math.max(made.told, map.start[map.count] ?? 0);
      yield map;
      if (made.entries + MAX_PLACED_UNITS > this.maxEntries) return;
    }
  }
}

export function countUnknown(unknown: { ranges: number; bytes: number }, entry: QemuMapEntry): void {
  if (!entry.unknown) return;
  unknown.ranges += 1;
  unknown.bytes += entry.length;
}
