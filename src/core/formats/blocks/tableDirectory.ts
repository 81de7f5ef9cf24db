import { readPadded, u32be, u32le } from '../../bytes';
import type { ByteSource, Finding, GuestPart } from '../../model';
import { Use } from '../../model';
import { formatBytes, formatCount, formatOffset } from '../../units';
import { CUT_SHORT } from '../advice';
import type { BlockNotes } from '../check/faults';
import { DAMAGED } from '../check/faults';
import type { Part, Structure } from '../check/structure';
import { IMPOSSIBLE_TABLE, NO_TABLE } from './nestedTables';

const ENTRY_BYTES = 8;
const PIECE_BYTES = 256 << 10;
/** Tables that a check is told of between two pauses. */
const PAUSE = 1 << 16;

/** An L1 table as its image describes it, and the L2 tables that it names. */
export interface DirectoryLayout {
  /** Where the L1 table begins in the file. */
  readonly offset: number;
  /** Bytes of the file that the L1 table takes. */
  readonly bytes: number;
  /** Entries that the disk needs; what the file has not of them is zero. */
  readonly entries: number;
  readonly littleEndian: boolean;
  readonly entriesPerTable: number;
  readonly tableBytes: number;
  /** Bytes of the disk that a table maps. */
  readonly span: number;
  /** Where an entry says that its table is, or NO_TABLE, IMPOSSIBLE_TABLE. */
  tableOf(high: number, low: number): number;
}

/** What is wrong with L1 entries: how many, and the first. */
interface Wrong {
  count: number;
  first: number;
}

/**
 * Where the L2 tables of an image are. Those that end past the end of its file are where they are said to be: what is not
 * there reads as zeros. An honest file has room for all of its tables: those that have none are taken for impossible, so
 * that reading all of them takes no longer than reading the file.
 */
export class TableDirectory {
  /** Where each table begins in the file, or NO_TABLE, IMPOSSIBLE_TABLE; shorter than the disk needs where the file is. */
  readonly tables: Float64Array;
  private readonly impossible: Wrong = { count: 0, first: 0 };
  private readonly pastEnd: Wrong = { count: 0, first: 0 };
  private readonly exceeding: Wrong = { count: 0, first: 0 };

  /** @throws DiskError `io` */
  constructor(
    source: ByteSource,
    readonly layout: DirectoryLayout,
  ) {
    const { offset, entries, littleEndian } = layout;
    const there = Math.max(0, Math.min(entries, Math.ceil((source.size - offset) / ENTRY_BYTES)));
    const word = littleEndian ? u32le : u32be;
    const [highAt, lowAt] = littleEndian ? [4, 0] : [0, 4];
    this.tables = new Float64Array(there);
    const piece = new Uint8Array(Math.min(PIECE_BYTES, there * ENTRY_BYTES));
    let left = source.size;
    for (let first = 0; first < there; first += PIECE_BYTES / ENTRY_BYTES) {
      const count = Math.min(PIECE_BYTES / ENTRY_BYTES, there - first);
      readPadded(source, piece.subarray(0, count * ENTRY_BYTES), offset + first * ENTRY_BYTES);
      for (let i = 0, at = 0; i < count; i += 1, at += ENTRY_BYTES) {
        const high = word(piece, at + highAt);
        const low = word(piece, at + lowAt);
        if ((high | low) === 0) continue;
        left -= this.add(first + i, layout.tableOf(high, low), left, source.size);
      }
    }
  }

  /** Whether tables reach past the end of the file. */
  get isCut(): boolean {
    return this.pastEnd.count > 0;
  }

  /** What is mapped by tables that end past the end of the file, or by entries that do, in rising parts. */
  *lost(size: number, fileSize: number): Generator<GuestPart> {
    const { span, tableBytes } = this.layout;
    for (const [index, table] of this.tables.entries()) {
      if (table <= NO_TABLE || table + tableBytes <= fileSize) continue;
      yield { start: index * span, end: Math.min(size, (index + 1) * span) };
    }
    if (this.tables.length < this.layout.entries) yield { start: this.tables.length * span, end: size };
  }

  /** The tables as a check goes through them; undefined for a pause. @param size of the disk */
  *structures(size: number): Generator<Structure | undefined> {
    const { offset, bytes, span, tableBytes } = this.layout;
    for (const [index, start] of this.tables.entries()) {
      if (index % PAUSE === PAUSE - 1) yield undefined;
      if (start <= NO_TABLE) continue;
      yield {
        what: `the L2 table at L1 index ${index}`,
        start,
        end: start + tableBytes,
        use: Use.L2,
        from: this.entryPlace(index),
        maps: { start: index * span, end: Math.min(size, (index + 1) * span) },
      };
    }
    yield { what: 'the L1 table', start: offset, end: offset + bytes, use: Use.L1 };
  }

  /** Tells a check of L1 entries that can't be true. @param counts as what */
  noteImpossible(notes: BlockNotes, counts: 'corruption' | 'further'): void {
    for (const [code, { count, first }] of [
      ['l2-offset', this.impossible],
      ['tables-exceed-file', this.exceeding],
    ] as const) {
      if (count === 0) continue;
      const host = this.entryPlace(first);
      const { span } = this.layout;
      notes.add(counts, count, code, () => ({
        message: `${countedTables(count)} can't be where L1 entries say (the first of them at index ${first})`,
        advice: DAMAGED,
        offset: host.start,
        host,
        claims: [`L1 entry ${first}`],
        guest: [{ view: '', start: first * span, end: (first + 1) * span }],
      }));
    }
  }

  private entryPlace(index: number): Part {
    const start = this.layout.offset + index * ENTRY_BYTES;
    return { start, end: start + ENTRY_BYTES };
  }

  findings(): readonly Finding[] {
    const { span } = this.layout;
    const tables = ({ count, first }: Wrong, what: string): string =>
      `${countedTables(count)} ${what} (the first for guest byte ${formatOffset(first * span)})`;
    const findings: Finding[] = [];
    if (this.impossible.count > 0) {
      findings.push({
        code: 'l2-offset',
        severity: 'error',
        message: `${tables(this.impossible, "can't be where the L1 table says")}: what is mapped there can't be known`,
        advice: 'Restore the image from a backup.',
      });
    }
    if (this.pastEnd.count > 0) {
      const lost = this.pastEnd.count * span;
      findings.push({
        code: 'l2-past-end',
        severity: 'error',
        message: `the file ends before ${tables(this.pastEnd, 'or inside')}: what was in the ${formatBytes(lost)} of the disk that is mapped there is unknown, and reads as empty`,
        advice: CUT_SHORT,
        lost,
      });
    }
    if (this.exceeding.count > 0) {
      findings.push({
        code: 'tables-exceed-file',
        severity: 'error',
        message: `${tables(this.exceeding, 'are more than the file has room for')}: what is mapped there is not known`,
        advice: 'Such an image is broken, or made to keep its reader busy.',
      });
    }
    return findings;
  }

  /** @returns how much of the file's room the table takes */
  private add(index: number, table: number, left: number, fileSize: number): number {
    const { tableBytes } = this.layout;
    this.tables[index] = table;
    if (table === IMPOSSIBLE_TABLE) note(this.impossible, index);
    if (table <= NO_TABLE) return 0;
    if (table + tableBytes > fileSize) note(this.pastEnd, index);
    const taken = Math.max(0, Math.min(tableBytes, fileSize - table));
    if (taken <= left) return taken;
    this.tables[index] = IMPOSSIBLE_TABLE;
    note(this.exceeding, index);
    return 0;
  }
}

const countedTables = (count: number): string => `${formatCount(count)} L2 ${count === 1 ? 'table' : 'tables'}`;

function note(wrong: Wrong, index: number): void {
  if (wrong.count === 0) wrong.first = index;
  wrong.count += 1;
}
