/** "VHDX Format Specification v1.00". */
import type { SparseImage } from '../../fixtures/build/index';
import { Dissection, type Grammar, type Layout } from './anatomy';
import { crc32c } from './checksums';

const KIB = 1024;
const MIB = KIB * KIB;
const HEADERS = [64 * KIB, 128 * KIB];
const HEADER_BYTES = 4096;
const REGION_TABLES = [192 * KIB, 256 * KIB];
const TABLE_BYTES = 64 * KIB;
const HEADER: Layout = [
  [4, 4, 'flags'],
  [8, 8, 'count'],
  [16, 8, 'flags'],
  [32, 8, 'flags'],
  [48, 8, 'flags'],
  [64, 2, 'small'],
  [66, 2, 'small'],
  [68, 4, 'count'],
  [72, 8, 'offset'],
];
const REGION: Layout = [
  [0, 8, 'flags'],
  [16, 8, 'offset'],
  [24, 4, 'count'],
  [28, 4, 'flags'],
];
const ITEM: Layout = [
  [0, 8, 'flags'],
  [16, 4, 'count'],
  [20, 4, 'count'],
  [24, 4, 'flags'],
];
/** Of each of the items, whichever it is: sizes, flags, counts. */
const VALUE: Layout = [
  [0, 8, 'size'],
  [0, 4, 'count'],
  [4, 4, 'flags'],
  [18, 2, 'count'],
  [20, 4, 'count'],
  [24, 4, 'count'],
  [28, 2, 'count'],
  [30, 2, 'count'],
];
const LOG_ENTRY: Layout = [
  [4, 4, 'flags'],
  [8, 4, 'count'],
  [12, 4, 'count'],
  [16, 8, 'count'],
  [24, 4, 'count'],
  [32, 8, 'flags'],
  [48, 8, 'size'],
  [56, 8, 'size'],
];
const DESCRIPTOR: Layout = [
  [0, 4, 'text'],
  [4, 4, 'flags'],
  [8, 8, 'size'],
  [16, 8, 'offset'],
  [24, 8, 'count'],
];
const BAT_GUID = 0x2dc27766;
const METADATA_GUID = 0x8b7ca206;
const STATES = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n];

export const vhdx: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, true);
    for (const at of HEADERS) {
      found.structure(at, HEADER);
      logEntries(image, found.u64(at + 72), (entry) => {
        found.structure(entry, LOG_ENTRY);
        for (let index = 0; index < Math.min(4, found.u32(entry + 24)); index += 1) {
          found.structure(entry + 64 + index * 32, DESCRIPTOR);
        }
      });
    }
    for (const at of REGION_TABLES) {
      found.structure(at, [[8, 4, 'count']]);
      for (let index = 0; index < Math.min(4, found.u32(at + 8)); index += 1) {
        const region = at + 16 + index * 32;
        found.structure(region, REGION);
        const start = found.u64(region + 16);
        if (found.u32(region) === BAT_GUID) found.table(start, found.u32(region + 24) / 8, { width: 8, scale: MIB });
        if (found.u32(region) === METADATA_GUID) metadata(found, start);
      }
    }
    return found.result(MIB, STATES);
  },
  mend: (image) => {
    for (const at of HEADERS) mendAt(image, at, HEADER_BYTES);
    for (const at of REGION_TABLES) mendAt(image, at, TABLE_BYTES);
    const log = new Dissection(image, true).u64((HEADERS[0] ?? 0) + 72);
    logEntries(image, log, (entry, length) => {
      mendAt(image, entry, length);
    });
  },
};

function metadata(found: Dissection, table: number): void {
  found.structure(table, [[10, 2, 'count']]);
  for (let index = 0; index < Math.min(8, found.u16(table + 10)); index += 1) {
    const item = table + 32 + index * 32;
    found.structure(item, ITEM);
    const value = table + found.u32(item + 16);
    found.structure(value, VALUE);
    if (found.u32(item + 20) > 32) found.text(value + 32, Math.min(2048, found.u32(item + 20) - 32));
  }
}

/** Log entries as they stand at the beginning of 4 KiB blocks, a few of them. */
function logEntries(image: SparseImage, log: number, each: (at: number, length: number) => void): void {
  for (let at = log; at < Math.min(image.size, log + 64 * 4096); at += 4096) {
    if (Buffer.from(image.peek(at, 4)).toString('latin1') !== 'loge') continue;
    const length = new DataView(image.peek(at + 8, 4).buffer).getUint32(0, true);
    if (length > 0 && length <= MIB && at + length <= image.size) each(at, length);
  }
}

function mendAt(image: SparseImage, at: number, length: number): void {
  const bytes = image.peek(at, length);
  if (bytes.length < length) return;
  bytes.fill(0, 4, 8);
  const sum = new Uint8Array(4);
  new DataView(sum.buffer).setUint32(0, crc32c(bytes), true);
  image.poke(at + 4, sum);
}
