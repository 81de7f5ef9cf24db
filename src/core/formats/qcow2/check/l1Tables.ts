import { readPadded, u32be } from '../../../bytes';
import type { ByteSource } from '../../../model';
import type { L1Place } from '../l1';
import { LIMITS } from '../limits';
import type { Part, States } from './states';

const PIECE_BYTES = 256 << 10;

/** An L1 table of the image, and whose it is. */
export interface L1Table extends L1Place {
  /** The L1 table of the current state. */
  readonly active: boolean;
  /** How many states have this very table: more than one only where snapshots were made to share it. */
  readonly times: number;
  /** What of the file says where it is. */
  readonly from: Part;
}

/** An entry of an L1 table that is not zero. One object is used over and over. */
export interface L1Entry {
  index: number;
  high: number;
  low: number;
}

/** The table of the current state and those of snapshots, each place once. */
export function distinctL1Tables({ active, snapshots }: States): L1Table[] {
  const tables = new Map<string, L1Table>();
  for (const { l1, from } of snapshots) {
    const key = `${l1.offset}/${l1.entries}`;
    tables.set(key, { ...l1, from, active: false, times: (tables.get(key)?.times ?? 0) + 1 });
  }
  return [{ ...active.l1, from: active.from, active: true, times: 1 }, ...tables.values()];
}

/**
 * The entries of an L1 table that are not zero, in order, read in large pieces; past the end of the file, and past what
 * QEMU would read, all are zero. Yields undefined behind each piece: a table may be 32 MiB of zeros.
 */
export function* l1Entries(
  source: ByteSource,
  { offset, entries }: L1Place,
): Generator<L1Entry | undefined, void, void> {
  const entry: L1Entry = { index: 0, high: 0, low: 0 };
  const most = Math.min(entries, LIMITS.maxL1Bytes / 8);
  const inFile = Math.max(0, Math.min(most, Math.ceil((source.size - offset) / 8)));
  const piece = new Uint8Array(Math.min(PIECE_BYTES, inFile * 8));
  for (let first = 0; first < inFile; first += PIECE_BYTES / 8) {
    const count = Math.min(PIECE_BYTES / 8, inFile - first);
    readPadded(source, piece.subarray(0, count * 8), offset + first * 8);
    for (let i = 0; i < count; i += 1) {
      entry.high = u32be(piece, i * 8);
      entry.low = u32be(piece, i * 8 + 4);
      if (entry.high === 0 && entry.low === 0) continue;
      entry.index = first + i;
      yield entry;
    }
    yield undefined;
  }
}
