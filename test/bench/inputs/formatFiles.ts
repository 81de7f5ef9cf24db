import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { SparseImage, writeImage } from '../../fixtures/build/index';
import { buildParallels } from '../../fixtures/build/parallels';
import { buildVdi } from '../../fixtures/build/vdi';
import { buildVhd } from '../../fixtures/build/vhd';
import { buildVhdx } from '../../fixtures/build/vhdx';
import { buildHosted, descriptor, extentLine } from '../../fixtures/build/vmdk';
import { patternOf } from './patterns';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECTOR = 512;
const PATTERN = { kind: 'runs', share: 0.5, mean: 4 } as const;
const SEED = 7;

/** Where the tables lie that tell a disk's blocks, in the order of the disk. */
export type TableRange = readonly [offset: number, length: number];

/** An image of metadata alone: half of its blocks have space, in runs of four on average, and that space is a hole. */
export interface FormatInput {
  /** The driver's id. */
  readonly format: string;
  readonly what: string;
  readonly write: (path: string) => readonly TableRange[];
}

/** Writes entries of a table, many at a time. */
interface Entries {
  readonly width: 4 | 8;
  readonly bigEndian?: boolean;
}

/** A file whose header is there, and whose blocks are given space one after the other. */
class Writer {
  private readonly file: number;

  constructor(
    path: string,
    image: SparseImage,
    private end = image.size,
  ) {
    writeImage(path, image);
    this.file = openSync(path, 'r+');
  }

  /** Space for a block. @returns where it begins */
  take(bytes: number, alignment: number): number {
    const at = Math.ceil(this.end / alignment) * alignment;
    this.end = at + bytes;
    return at;
  }

  put(bytes: Uint8Array, at: number): void {
    writeSync(this.file, bytes, 0, bytes.length, at);
  }

  /** @param entry its value, by the block's number; what has no entry stays as it is */
  table(
    at: number,
    flags: Uint8Array,
    { width, bigEndian = false }: Entries,
    entry: (block: number) => number,
    empty = 0,
  ): TableRange {
    const bytes = Buffer.alloc(flags.length * width);
    flags.forEach((isThere, block) => {
      const value = isThere ? entry(block) : empty;
      if (width === 8) writeWord(bytes, block * 8, value, bigEndian);
      else if (bigEndian) bytes.writeUInt32BE(value, block * 4);
      else bytes.writeUInt32LE(value, block * 4);
    });
    this.put(bytes, at);
    return [at, bytes.length];
  }

  close(): void {
    ftruncateSync(this.file, this.end);
    closeSync(this.file);
  }
}

/** Without a big integer, of which there would be one an entry. */
function writeWord(bytes: Buffer, at: number, value: number, bigEndian: boolean): void {
  const [low, high] = [value % 2 ** 32, Math.floor(value / 2 ** 32)];
  if (bigEndian) {
    bytes.writeUInt32BE(high, at);
    bytes.writeUInt32BE(low, at + 4);
  } else {
    bytes.writeUInt32LE(low, at);
    bytes.writeUInt32LE(high, at + 4);
  }
}

/** Which blocks have space: the same for all that have as many. */
function flagsOf(count: number): Uint8Array {
  const flags = new Uint8Array(count);
  patternOf(PATTERN, SEED)(flags);
  return flags;
}

function vdi(path: string): readonly TableRange[] {
  const flags = flagsOf((1024 * GIB) / MIB);
  const { image, entryAt } = buildVdi({ size: 1024 * GIB });
  const writer = new Writer(path, image);
  let next = 0;
  const range = writer.table(entryAt(0), flags, { width: 4 }, () => next++, 0xffffffff);
  writer.take(next * MIB, 1);
  const allocated = Buffer.alloc(4);
  allocated.writeUInt32LE(next);
  writer.put(allocated, 0x184);
  writer.close();
  return [range];
}

/** Each block has a bitmap of its sectors in front, which is a table too. */
function vhd(path: string): readonly TableRange[] {
  const [size, blockSize, bitmap] = [128 * GIB, 2 * MIB, SECTOR];
  const flags = flagsOf(size / blockSize);
  const { image, table, footer } = buildVhd({ size, type: 'dynamic', blockSize });
  const writer = new Writer(path, image, footer);
  const ranges: TableRange[] = [];
  const all = new Uint8Array(bitmap).fill(255);
  const range = writer.table(
    table,
    flags,
    { width: 4, bigEndian: true },
    () => {
      const at = writer.take(bitmap + blockSize, SECTOR);
      writer.put(all, at);
      ranges.push([at, bitmap]);
      return at / SECTOR;
    },
    0xffffffff,
  );
  writer.put(image.peek(footer, SECTOR), writer.take(SECTOR, SECTOR));
  writer.close();
  return [range, ...ranges];
}

function vhdx(path: string): readonly TableRange[] {
  const size = 1024 * GIB;
  const perChunk = (2 ** 23 * SECTOR) / MIB;
  const { image, entryAt } = buildVhdx({ size, blockSize: MIB });
  const writer = new Writer(path, image);
  const blocks = flagsOf(size / MIB);
  // An entry for the bitmaps of each chunk stands between those of its blocks and the next one's: it has no space.
  const flags = new Uint8Array(blocks.length + blocks.length / perChunk);
  blocks.forEach((flag, block) => (flags[block + Math.floor(block / perChunk)] = flag));
  const present = 6;
  const range = writer.table(entryAt(0), flags, { width: 8 }, () => writer.take(MIB, MIB) + present);
  writer.close();
  return [range];
}

function parallels(path: string): readonly TableRange[] {
  const flags = flagsOf((1024 * GIB) / MIB);
  const clusterSectors = MIB / SECTOR;
  const { image, layout } = buildParallels({
    counts: 'clusters',
    sectors: flags.length * clusterSectors,
    clusterSectors,
  });
  const writer = new Writer(path, image);
  const range = writer.table(layout.entry(0), flags, { width: 4 }, () => writer.take(MIB, MIB) / MIB);
  writer.close();
  return [range];
}

function vmdk(path: string): readonly TableRange[] {
  const [size, grain, perTable] = [1024 * GIB, 64 * KIB, 512];
  const extents = [extentLine(size, 'SPARSE', 'disk.vmdk')];
  const text = descriptor({ createType: 'monolithicSparse', extents });
  const { image, tableAt } = buildHosted({ size, grains: new Map(), descriptor: text });
  const writer = new Writer(path, image);
  const flags = flagsOf(size / grain);
  const ranges: TableRange[] = [];
  for (let first = 0; first < flags.length; first += perTable) {
    const some = flags.subarray(first, first + perTable);
    ranges.push(writer.table(tableAt(first / perTable), some, { width: 4 }, () => writer.take(grain, grain) / SECTOR));
  }
  writer.close();
  return ranges;
}

/** A header, a table of tables, and tables that lie before the data of their first block. */
interface TwoLevels {
  readonly header: (l1At: number) => Uint8Array;
  readonly size: number;
  readonly cluster: number;
  readonly l1At: number;
  readonly l1Entries: number;
  readonly l2Entries: number;
  readonly bigEndian: boolean;
}

function twoLevels(path: string, image: SparseImage, of: TwoLevels): readonly TableRange[] {
  const { cluster, l1At, l1Entries, l2Entries, bigEndian } = of;
  const entries = { width: 8, bigEndian } as const;
  const writer = new Writer(path, image, l1At + l1Entries * 8);
  writer.put(of.header(l1At), 0);
  const flags = flagsOf(of.size / cluster);
  const ranges: TableRange[] = [];
  const tables = new Uint8Array(Math.ceil(flags.length / l2Entries)).fill(1);
  writer.table(l1At, tables, entries, (index) => {
    const at = writer.take(l2Entries * 8, cluster);
    const some = flags.subarray(index * l2Entries, (index + 1) * l2Entries);
    ranges.push(writer.table(at, some, entries, () => writer.take(cluster, cluster)));
    return at;
  });
  writer.close();
  return ranges;
}

function qcow(path: string): readonly TableRange[] {
  const [size, clusterBits, l2Bits, headerBytes] = [1024 * GIB, 16, 13, 48];
  return twoLevels(path, new SparseImage(headerBytes), {
    header: (l1At) => {
      const bytes = Buffer.alloc(headerBytes);
      bytes.write('QFI\xfb\0\0\0\x01', 'latin1');
      bytes.writeBigUInt64BE(BigInt(size), 24);
      bytes.writeUInt8(clusterBits, 32);
      bytes.writeUInt8(l2Bits, 33);
      bytes.writeBigUInt64BE(BigInt(l1At), 40);
      return bytes;
    },
    size,
    cluster: 2 ** clusterBits,
    l1At: headerBytes,
    l1Entries: size / 2 ** (clusterBits + l2Bits),
    l2Entries: 2 ** l2Bits,
    bigEndian: true,
  });
}

function qed(path: string): readonly TableRange[] {
  const [size, cluster, tableClusters] = [1024 * GIB, 64 * KIB, 4];
  const entries = (tableClusters * cluster) / 8;
  return twoLevels(path, new SparseImage(cluster), {
    header: (l1At) => {
      const bytes = Buffer.alloc(64);
      bytes.write('QED\0');
      bytes.writeUInt32LE(cluster, 4);
      bytes.writeUInt32LE(tableClusters, 8);
      bytes.writeUInt32LE(1, 12);
      bytes.writeBigUInt64LE(BigInt(l1At), 40);
      bytes.writeBigUInt64LE(BigInt(size), 48);
      return bytes;
    },
    size,
    cluster,
    l1At: cluster,
    l1Entries: entries,
    l2Entries: entries,
    bigEndian: false,
  });
}

export const FORMAT_INPUTS: readonly FormatInput[] = [
  { format: 'qcow', what: 'qcow of version 1, 1 TiB, clusters of 64 KiB', write: qcow },
  { format: 'qed', what: 'QED, 1 TiB, clusters of 64 KiB', write: qed },
  { format: 'vmdk', what: 'VMDK, 1 TiB, grains of 64 KiB', write: vmdk },
  { format: 'vdi', what: 'VDI, 1 TiB, blocks of 1 MiB', write: vdi },
  { format: 'vpc', what: 'VHD, 128 GiB, blocks of 2 MiB and their bitmaps', write: vhd },
  { format: 'vhdx', what: 'VHDX, 1 TiB, blocks of 1 MiB', write: vhdx },
  { format: 'parallels', what: 'Parallels, 1 TiB, clusters of 1 MiB', write: parallels },
];
