import type { Side } from '../../core/compareSide';
import { MapText } from '../../core/mapText';
import type { Finding, Oddities } from '../../core/model';
import type { QemuMapEntry } from '../../core/qemuMap';
import { entriesOf } from '../../core/qemuMap';
import { Walker } from '../../core/walk';

/** A part of a disk's map as text, ready to be joined to what stands before and after it. */
export interface MapPiece {
  readonly index: number;
  /** The first entry, which may go on with the last one of the piece before. */
  readonly first: QemuMapEntry;
  /** The last one, where there is more than one. */
  readonly last: QemuMapEntry | undefined;
  /** Those in between. */
  readonly text: Uint8Array<ArrayBuffer>;
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
  private readonly failures = new Map<number, Finding>();
  private readonly walker: Walker;
  private readonly text = new MapText();

  constructor(
    private readonly disk: Side,
    private readonly pieceBytes: number,
  ) {
    this.walker = new Walker(disk.chain, disk.from, (depth, finding) => this.failures.set(depth, finding));
  }

  get result(): MapPieceResult {
    return { oddities: this.walker.oddities, failures: this.failures };
  }

  make(index: number): MapPiece {
    const { chain, from } = this.disk;
    const start = index * this.pieceBytes;
    const range = { start, end: Math.min(start + this.pieceBytes, from.view.guestSize) };
    const unknown = { ranges: 0, bytes: 0 };
    let first: QemuMapEntry | undefined;
    let last: QemuMapEntry | undefined;
    for (const entry of entriesOf(this.walker.maps(range), chain, from)) {
      if (!entry) continue;
      if (!first) {
        first = entry;
        continue;
      }
      if (last) {
        this.text.add(last);
        countUnknown(unknown, last);
      }
      last = entry;
    }
    if (!first) throw new Error('a part of a disk has a map');
    return { index, first, last, text: this.text.take(), unknown };
  }

  close(): void {
    this.walker.close();
  }
}

export function countUnknown(unknown: { ranges: number; bytes: number }, entry: QemuMapEntry): void {
  if (!entry.unknown) return;
  unknown.ranges += 1;
  unknown.bytes += entry.length;
}
