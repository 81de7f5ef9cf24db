/**
 * The map of a VHDX without a parent, straight from its tables ("VHDX Format Specification v1.00", 2.2 to 2.6), since
 * `qemu-img map` tells one range of data for all of it. For images that qemu-img made: their tables are taken as they are.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { MapEntry } from '../../support/qemu';
import { handMap, MIB, type Piece } from './recipe';

const REGION_TABLE = 192 * 1024;
const BAT = '2dc27766f62342009d64115e9bfd4a08';
const METADATA = '8b7ca20647904b9ab8fe575f050f886e';
const FILE_PARAMETERS = 'caa16737fa364d43b3b633f0aa44e76b';
const DISK_SIZE = '2fa54224cd1b4876b2115dbed83bf4b8';
const SECTOR_SIZE = '8141bf1da96f4709ba47f233a8faab5f';
/** Payload states that hold nothing of their own and read as zero: PAYLOAD_BLOCK_ZERO and UNMAPPED. */
const ZERO_STATES = [2, 3];
const FULLY_PRESENT = 6;
const ENTRY = 8;

/** GUIDs as the file has them: the first three parts are little-endian. */
function guidBytes(bytes: Buffer): string {
  const part = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).reverse().toString('hex');
  return part(0, 4) + part(4, 6) + part(6, 8) + bytes.toString('hex', 8, 16);
}

export function vhdxMap(file: string): MapEntry[] {
  const descriptor = openSync(file, 'r');
  const at = (position: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    readSync(descriptor, bytes, 0, length, position);
    return bytes;
  };
  /** Entries of 32 bytes behind a count: GUID and offset. */
  const listed = (table: number, header: number, count: number): Map<string, number> =>
    new Map(
      Array.from({ length: count }, (_, index) => {
        const entry = at(table + header + index * 32, 32);
        return [guidBytes(entry), header === 16 ? Number(entry.readBigUInt64LE(16)) : entry.readUInt32LE(16)];
      }),
    );
  try {
    const regions = listed(REGION_TABLE, 16, at(REGION_TABLE, 16).readUInt32LE(8));
    const metadata = regions.get(METADATA) ?? 0;
    const items = listed(metadata, 32, at(metadata, 32).readUInt16LE(10));
    const item = (name: string, length: number): Buffer => at(metadata + (items.get(name) ?? 0), length);
    const block = item(FILE_PARAMETERS, 4).readUInt32LE();
    const size = Number(item(DISK_SIZE, 8).readBigUInt64LE());
    const ratio = (2 ** 23 * item(SECTOR_SIZE, 4).readUInt32LE()) / block;
    const pieces: Piece[] = [];
    for (let index = 0; index * block < size; index += 1) {
      const entry = at((regions.get(BAT) ?? 0) + (index + Math.floor(index / ratio)) * ENTRY, ENTRY).readBigUInt64LE();
      const state = Number(entry & 7n);
      const host = Number(entry >> 20n) * MIB;
      const start = index * block;
      const length = Math.min(block, size - start);
      const last = pieces.at(-1);
      const kind = state === FULLY_PRESENT ? 'data' : ZERO_STATES.includes(state) ? 'zero' : undefined;
      if (kind === undefined) continue;
      const offset = kind === 'data' ? host : undefined;
      const goesOn = last && last[0] + last[1] === start && last[2] === kind;
      if (goesOn && (offset === undefined || offset === (last[4] ?? 0) + last[1])) {
        pieces[pieces.length - 1] = [last[0], last[1] + length, kind, 0, last[4]];
      } else pieces.push([start, length, kind, 0, offset]);
    }
    return handMap(size, pieces);
  } finally {
    closeSync(descriptor);
  }
}
