import { ascii, u32le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import { CUT_SHORT } from '../advice';
import { isIntact } from './copies';
import type { VhdxHeader } from './header';
import { LIMITS } from './limits';

/** [MS-VHDX] 2.3.1: everything in the log is in sectors of this size, whatever those of the disk are. */
export const LOG_SECTOR = 4096;
const ENTRY_HEADER = 64;
const DESCRIPTOR = 32;

/** What an entry of the log writes: one sector, or zeros. */
export interface LogWrite {
  readonly offset: number;
  readonly length: number;
  /** Undefined for zeros. */
  readonly bytes: Uint8Array | undefined;
}

/** What is to be done to a file before anything in it counts. */
export interface PendingLog {
  /** Oldest first: later ones win. */
  readonly writes: readonly LogWrite[];
  /** Entries of the log that they are from. */
  readonly entries: number;
  /** Bytes that the file has at least, once they are done. */
  readonly fileSize: number;
}

interface LogEntry {
  /** In the log, as `end`, which wraps. */
  readonly start: number;
  readonly end: number;
  /** Where the oldest entry begins that was not done when this one was written. */
  readonly tail: number;
  /** Begins anywhere: often past 2^53. */
  readonly sequence: bigint;
  readonly flushedFileSize: bigint;
  readonly fileSize: bigint;
  readonly writes: readonly LogWrite[];
}

/**
 * What the log of a file says is still to be written (2.3.3): of the newest complete sequence of entries, those from the
 * one that its last entry names as the oldest. Nothing is written.
 * @returns undefined where there is no log to replay
 * @throws DiskError where there is one that can't be: without it, what the file says of itself is of two moments
 */
export function readLog(source: ByteSource, { log, logGuid }: VhdxHeader): PendingLog | undefined {
  if (!logGuid || log.length === 0) return undefined;
  const place = { offset: log.offset };
  if (log.length > LIMITS.maxLogBytes) {
    throw new DiskError('limit', `the log to be replayed has ${log.length} bytes, more than is held in memory`, place);
  }
  if (log.offset + log.length > source.size) {
    throw new DiskError('corrupt', 'the log that is to be replayed lies past the end of the file', place, CUT_SHORT);
  }
  const entries = entriesIn(new Ring(source, log.offset, log.length), logGuid);
  const active = activeSequence(entries);
  const head = active.at(-1);
  if (!head) {
    throw new DiskError(
      'corrupt',
      'the file was not closed, and its log has no complete sequence of entries: it can not be replayed',
      place,
      'Restore the image from a backup.',
    );
  }
  if (head.flushedFileSize > BigInt(source.size)) {
    throw new DiskError(
      'corrupt',
      `the file had ${head.flushedFileSize} bytes when its log was written, and has ${source.size} now`,
      place,
      CUT_SHORT,
    );
  }
  if (head.fileSize > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new DiskError('limit', `the log says that the file has ${head.fileSize} bytes`, place);
  }
  const writes = active.flatMap((entry) => entry.writes);
  const end = writes.reduce((most, { offset, length }) => Math.max(most, offset + length), 0);
  return { writes, entries: active.length, fileSize: Math.max(end, Number(head.fileSize)) };
}

/** The bytes of the log, the first of which follows the last. */
class Ring {
  /** Held twice in a row: each sector may say that an entry begins there which takes all of the log, and none is copied. */
  private readonly twice: Uint8Array;
  private readonly most: number;
  private summed = 0;

  constructor(
    source: ByteSource,
    offset: number,
    readonly length: number,
  ) {
    this.twice = new Uint8Array(2 * length);
    source.readInto(this.twice.subarray(0, length), offset);
    this.twice.copyWithin(length, 0, length);
    this.most = LIMITS.maxLogSums * length;
  }

  at(offset: number, length: number): Uint8Array {
    const start = offset % this.length;
    return this.twice.subarray(start, start + length);
  }

  /** Whether the checksum of an entry holds. @throws DiskError where more look like entries than there can be */
  holds(entry: Uint8Array): boolean {
    this.summed += entry.length;
    if (this.summed <= this.most) return isIntact(entry);
    throw new DiskError('limit', 'what looks like entries of the log is many times longer than the log');
  }
}

/** All valid entries, as they lie in the log. No sector of a valid one but its first begins as an entry does. */
function entriesIn(log: Ring, guid: Uint8Array): readonly LogEntry[] {
  const found: LogEntry[] = [];
  for (let at = 0; at < log.length;) {
    const entry = readEntry(log, at, guid);
    if (entry) found.push(entry);
    at = entry && entry.end > at ? entry.end : entry ? log.length : at + LOG_SECTOR;
  }
  return found;
}

/** 2.3.1.1. Undefined where no valid entry begins. */
function readEntry(log: Ring, start: number, guid: Uint8Array): LogEntry | undefined {
  const header = log.at(start, LOG_SECTOR);
  if (ascii(header, 0, 4) !== 'loge' || guid.some((byte, index) => header[32 + index] !== byte)) return undefined;
  const length = u32le(header, 8);
  const tail = u32le(header, 12);
  const descriptors = u32le(header, 24);
  const described = sectorsOf(ENTRY_HEADER + descriptors * DESCRIPTOR);
  if (length % LOG_SECTOR !== 0 || length > log.length || described > length || tail % LOG_SECTOR !== 0)
    return undefined;
  const sequence = u64(header, 16);
  const bytes = log.at(start, length);
  const writes = sequence === 0n ? undefined : writesOf(bytes, descriptors, sequence);
  if (!writes) return undefined;
  const needed = described + writes.filter((write) => write.bytes).length * LOG_SECTOR;
  if (length - needed > LIMITS.maxLogPadding || !log.holds(bytes)) return undefined;
  return {
    start,
    end: (start + length) % log.length,
    tail,
    sequence,
    flushedFileSize: u64(header, 48),
    fileSize: u64(header, 56),
    writes,
  };
}

const sectorsOf = (bytes: number): number => Math.ceil(bytes / LOG_SECTOR) * LOG_SECTOR;

/** 2.3.1.2 to 2.3.1.4. Undefined where a descriptor or a sector of data is not of this entry. */
function writesOf(bytes: Uint8Array, descriptors: number, sequence: bigint): readonly LogWrite[] | undefined {
  const writes: LogWrite[] = [];
  let data = sectorsOf(ENTRY_HEADER + descriptors * DESCRIPTOR);
  for (let index = 0, at = ENTRY_HEADER; index < descriptors; index += 1, at += DESCRIPTOR) {
    const kind = ascii(bytes, at, 4);
    const isData = kind === 'desc';
    if ((!isData && kind !== 'zero') || u64(bytes, at + 24) !== sequence) return undefined;
    const offset = sectorsAt(bytes, at + 16);
    const length = isData ? LOG_SECTOR : sectorsAt(bytes, at + 8);
    if (offset === undefined || length === undefined || !Number.isSafeInteger(offset + length)) return undefined;
    const sector = isData ? restored(bytes, at, data, sequence) : undefined;
    if (isData && !sector) return undefined;
    if (isData) data += LOG_SECTOR;
    writes.push({ offset, length, bytes: sector });
  }
  return writes;
}

/** The bytes that a data sector stands for: those that its signature and sequence took are in its descriptor. */
function restored(entry: Uint8Array, descriptor: number, at: number, sequence: bigint): Uint8Array | undefined {
  if (at + LOG_SECTOR > entry.length || ascii(entry, at, 4) !== 'data') return undefined;
  const written = (BigInt(u32le(entry, at + 4)) << 32n) | BigInt(u32le(entry, at + LOG_SECTOR - 4));
  if (written !== sequence) return undefined;
  const sector = entry.slice(at, at + LOG_SECTOR);
  sector.set(entry.subarray(descriptor + 8, descriptor + 16));
  sector.set(entry.subarray(descriptor + 4, descriptor + 8), LOG_SECTOR - 4);
  return sector;
}

/**
 * Entries in a row are a sequence where each has the number after the one before it. It is complete where the oldest
 * entry that its last one needs is in it; from there on it counts, and what is older has been done.
 */
function activeSequence(entries: readonly LogEntry[]): readonly LogEntry[] {
  const before = new Map(entries.map((entry) => [entry.end, entry]));
  const heads = [...entries].sort((a, b) => (a.sequence < b.sequence ? 1 : -1));
  const seen = new Set<LogEntry>();
  for (const head of heads) {
    // What a newer head's sequence goes through can be no head of its own.
    if (seen.has(head)) continue;
    const sequence: LogEntry[] = [];
    for (let entry: LogEntry | undefined = head; entry; entry = preceding(before, entry)) {
      seen.add(entry);
      sequence.push(entry);
      if (entry.start === head.tail) return sequence.reverse();
    }
  }
  return [];
}

function preceding(before: ReadonlyMap<number, LogEntry>, { start, sequence }: LogEntry): LogEntry | undefined {
  const entry = before.get(start);
  return entry?.sequence === sequence - 1n ? entry : undefined;
}

const u64 = (bytes: Uint8Array, at: number): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);

/** A number of bytes that is one of whole sectors; undefined where it is not, or is too large. */
function sectorsAt(bytes: Uint8Array, at: number): number | undefined {
  const value = Number(u64(bytes, at));
  return Number.isSafeInteger(value) && value % LOG_SECTOR === 0 ? value : undefined;
}
