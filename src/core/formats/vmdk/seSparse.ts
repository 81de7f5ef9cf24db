import { bigU64be, readUpTo, u32le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import { Use } from '../../model';
import { CUT_SHORT } from '../advice';
import type { Structure } from '../check';
import { SeSparseEntries } from './grainEntries';
import type { GrainLayout } from './grainLayout';
import { LIMITS } from './limits';
import { SECTOR_BYTES, sectorsLe } from './sectors';

/**
 * Space-efficient sparse extents of ESXi, which VMware has not documented: block/vmdk.c, VMDKSESparseConstHeader and
 * VMDKSESparseVolatileHeader. As there, nothing is taken that was not seen.
 */
const CONST_MAGIC = 0xcafebabe;
const VOLATILE_MAGIC = 0xcafecafe;
/** 2.1, in two halves. */
const VERSION = { high: 2, low: 1 } as const;
const GRAIN_SECTORS = 8;
const TABLE_SECTORS = 64;
const ENTRY_BYTES = 8;
/** Where padding begins, in a header of one sector. */
const CONST_PADDING = 208;
const VOLATILE_PADDING = 32;

export const isSeSparse = (head: Uint8Array): boolean =>
  u32le(head, 0) === CONST_MAGIC &&
  u32le(head, 4) === 0 &&
  u32le(head, 8) === VERSION.low &&
  u32le(head, 12) === VERSION.high;

/**
 * Reads and checks both headers.
 * @throws DiskError when no sense can be made of them, or a journal has not been replayed
 */
export function readSeSparse(source: ByteSource): GrainLayout {
  const bytes = readHeader(source, 0);
  if (!isSeSparse(bytes)) {
    throw new DiskError('not-this-format', 'this is no SE sparse extent of version 2.1', { offset: 0 });
  }
  requireOnly(bytes, 24, 'grain size', GRAIN_SECTORS);
  requireOnly(bytes, 32, 'grain table size', TABLE_SECTORS);
  requireOnly(bytes, 40, 'flags field', 0);
  for (const at of [48, 56, 64, 72]) requireOnly(bytes, at, 'reserved field', 0);
  requireZeros(bytes, CONST_PADDING, 0);
  checkVolatile(source, sectorsLe(bytes, 80, 'offset of the volatile header'));
  const entries = sectorsLe(bytes, 136, 'size of the grain directory') / ENTRY_BYTES;
  if (entries > LIMITS.maxDirectoryEntries) {
    throw new DiskError('limit', `a grain directory of ${entries} entries is more than any image has`, { offset: 136 });
  }
  const tableBytes = TABLE_SECTORS * SECTOR_BYTES;
  return {
    size: sectorsLe(bytes, 16, 'capacity'),
    grainSize: GRAIN_SECTORS * SECTOR_BYTES,
    entriesPerTable: tableBytes / ENTRY_BYTES,
    entries: new SeSparseEntries({
      tableBytes,
      tablesOffset: sectorsLe(bytes, 144, 'offset of the grain tables'),
      grainsOffset: sectorsLe(bytes, 192, 'offset of the grains'),
    }),
    directory: { offset: sectorsLe(bytes, 128, 'offset of the grain directory'), entries },
  };
}

function checkVolatile(source: ByteSource, offset: number): void {
  const bytes = readHeader(source, offset);
  if (u32le(bytes, 0) !== VOLATILE_MAGIC || u32le(bytes, 4) !== 0) {
    throw new DiskError('corrupt', 'the SE sparse extent has no volatile header', { offset });
  }
  if (u32le(bytes, 24) !== 0 || u32le(bytes, 28) !== 0) {
    throw new DiskError(
      'unsupported',
      'the SE sparse extent was not closed: its journal has to be replayed before its tables can be trusted',
      { offset: offset + 24 },
      'Start and stop the virtual machine on its ESXi host, or copy the disk there with vmkfstools -i.',
    );
  }
  requireZeros(bytes, VOLATILE_PADDING, offset);
}

function readHeader(source: ByteSource, offset: number): Uint8Array {
  const bytes = readUpTo(source, offset, SECTOR_BYTES);
  if (bytes.length === SECTOR_BYTES) return bytes;
  throw new DiskError('short-read', 'the file ends inside an SE sparse header', { offset: source.size }, CUT_SHORT);
}

function requireOnly(bytes: Uint8Array, at: number, field: string, only: number): void {
  if (u32le(bytes, at) === only && u32le(bytes, at + 4) === 0) return;
  const is = bigU64be(Uint8Array.from(bytes.subarray(at, at + 8)).reverse(), 0);
  throw new DiskError('unsupported', `the ${field} of the SE sparse extent is ${is}: only ${only} is known`, {
    offset: at,
  });
}

function requireZeros(bytes: Uint8Array, from: number, offset: number): void {
  const at = bytes.findIndex((byte, index) => index >= from && byte !== 0);
  if (at < 0) return;
  throw new DiskError('unsupported', 'an SE sparse header holds more than is known', { offset: offset + at });
}

/** Other areas, by where in the header they stand: where each begins, and behind that how long it is. */
const AREAS: readonly (readonly [at: number, what: string, use: Use])[] = [
  [80, 'the volatile header', Use.Header],
  [96, "the journal's header", Use.Log],
  [112, 'the journal', Use.Log],
  [160, 'the bitmap of what is free', Use.BlockTables],
  [176, 'the map from grains to entries', Use.BlockTables],
];

/** What is in the file beside its directory, tables and grains. @throws DiskError */
export function seSparseStructures(source: ByteSource): readonly Structure[] {
  const bytes = readHeader(source, 0);
  return [
    { what: 'the header', start: 0, end: SECTOR_BYTES, use: Use.Header },
    ...AREAS.map(([at, what, use]) => {
      const start = sectorsLe(bytes, at, `offset of ${what}`);
      return { what, use, start, end: start + sectorsLe(bytes, at + 8, `size of ${what}`) };
    }),
  ];
}
