import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** More contiguous tables than this are not asked for at once. */
const LARGEST_READ = 4 * 2 ** 20;

/** Where the L2 tables of one image lie, as its header and L1 table say; for images that are known to be sound. */
export interface Tables {
  readonly file: number;
  /** Bytes of one table, and the tables' host offsets in guest order. */
  readonly tableBytes: number;
  readonly offsets: Float64Array;
  /** The fewest reads that fetch all of it: the header, the L1 table, each contiguous stretch of L2 tables. */
  readonly fewestReads: number;
}

export function openTables(path: string): Tables {
  const file = openSync(path, 'r');
  const header = read(file, 104, 0);
  const tableBytes = 2 ** header.readUInt32BE(20);
  const l1 = read(file, header.readUInt32BE(36) * 8, Number(header.readBigUInt64BE(40)));
  const offsets: number[] = [];
  for (let at = 0; at < l1.length; at += 8) {
    // The upper bits are flags, the lower nine reserved.
    const offset = (l1.readUInt32BE(at) & 0xff_ffff) * 2 ** 32 + l1.readUInt32BE(at + 4);
    if (offset > 0) offsets.push(offset);
  }
  const fewestReads = 1 + Math.ceil(l1.length / LARGEST_READ) + stretches(offsets, tableBytes);
  return { file, tableBytes, offsets: Float64Array.from(offsets), fewestReads };
}

function stretches(offsets: readonly number[], tableBytes: number): number {
  let count = 0;
  let end = -1;
  let length = 0;
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    if (offset === end && length + tableBytes <= LARGEST_READ) {
      length += tableBytes;
    } else {
      count += 1;
      length = tableBytes;
    }
    end = offset + tableBytes;
  }
  return count;
}

function read(file: number, length: number, position: number): Buffer {
  if (position + length > fstatSync(file).size) throw new RangeError(`${length} bytes at ${position} are past the end`);
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, position);
  return bytes;
}

export function closeTables(chain: readonly Tables[]): void {
  for (const { file } of chain) closeSync(file);
}
