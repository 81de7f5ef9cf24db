import assert from 'node:assert/strict';
import { Kind } from '../../../../../src/core';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import { EntryDecoder, Geometry, isCopied, offsetOf } from '../../../../../src/core/formats/qcow2/mapping';
import type { Qcow2Spec } from '../../../../fixtures/build/index';
import { buildQcow2 } from '../../../../fixtures/build/index';
import { memorySource } from '../../../../support/memory';
import { letterOf } from '../../../../support/runs';

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const FILE_END = 2 ** 40;

const high = (entry: bigint): number => Number(entry >> 32n) | 0;
const low = (entry: bigint): number => Number(entry & 0xffffffffn) | 0;
const geometry = (spec: Partial<Qcow2Spec> = {}): Geometry =>
  new Geometry(readHeader(memorySource(buildQcow2({ size: 2 ** 20, ...spec }).image)));

describe('the sizes that follow from the header', () => {
  it('of standard entries', () => {
    const { clusterSize, l2Entries, l2EntryBytes, l2Span, subclusterSize } = geometry();
    assert.deepEqual([clusterSize, l2Entries, l2EntryBytes, l2Span, subclusterSize], [65536, 8192, 8, 2 ** 29, 65536]);
  });

  it('of extended entries', () => {
    const { clusterSize, l2Entries, l2EntryBytes, l2Span, subclusterSize } = geometry({ extendedL2: true });
    assert.deepEqual([clusterSize, l2Entries, l2EntryBytes, l2Span, subclusterSize], [65536, 4096, 16, 2 ** 28, 2048]);
  });
});

describe('the parts of a table entry', () => {
  it('are an offset of bits 9 to 55, and the COPIED bit', () => {
    const entry = 0xff_fffffffffffe00n & 0x00ff_ffff_ffff_fe00n;
    assert.equal(offsetOf(high(entry), low(entry)), Number(entry));
    assert.equal(offsetOf(-1, -1), Number(0x00ff_ffff_ffff_fe00n));
    assert.equal(offsetOf(high(COPIED | 0x1234_5678_9a00n), low(0x5678_9a00n)), 0x1234_5678_9a00);
    assert.equal(offsetOf(0x7f00_0000, 0x1ff), 0);
    assert.equal(isCopied(high(COPIED)), true);
    assert.equal(isCopied(high(COMPRESSED)), false);
  });

  // "Compressed Clusters Descriptor": x = 62 - (cluster_bits - 8); bits 0 to x-1 are the offset, x to 61 the further
  // sectors.
  for (const clusterBits of [9, 12, 16, 21]) {
    it(`are an offset and a number of sectors where compressed, in clusters of 2^${clusterBits}`, () => {
      const x = BigInt(62 - (clusterBits - 8));
      const span = (offset: bigint, sectors: bigint): unknown => {
        const entry = COMPRESSED | (sectors << x) | offset;
        return geometry({ clusterBits }).compressedSpan(high(entry), low(entry));
      };
      const most = 2 ** (clusterBits - 8) - 1;
      assert.deepEqual(span(0n, 0n), { offset: 0, length: 512 });
      assert.deepEqual(span(0x12345n, 0n), { offset: 0x12345, length: 512 - (0x12345 % 512) });
      assert.deepEqual(span(0x10_0000_01ffn, BigInt(most)), { offset: 0x10_0000_01ff, length: most * 512 + 1 });
      const last = (1n << (x < 53n ? x : 53n)) - 512n;
      assert.deepEqual(span(last, 1n), { offset: Number(last), length: 1024 });
    });
  }
});

/** What an entry means: its letter, and its place where it has one. */
function decode(spec: Partial<Qcow2Spec>, entry: bigint, { guest = 0, fileEnd = FILE_END, version = 3 } = {}): string {
  const decoder = new EntryDecoder(geometry({ ...spec, ...(version === 2 ? { version } : {}) }), fileEnd);
  decoder.cluster(high(entry), low(entry), guest);
  return decoder.host < 0 ? letterOf(decoder.kind) : `${letterOf(decoder.kind)} ${decoder.host}`;
}

describe('the meaning of an L2 entry', () => {
  const PLACE = 0x50000n;
  const cases: readonly (readonly [string, string, string])[] = [
    ['nothing', decode({}, 0n), '.'],
    ['COPIED and nothing', decode({}, COPIED), '.'],
    ['a place', decode({}, COPIED | PLACE), 'd 327680'],
    ['a place that is shared', decode({}, PLACE), 'd 327680'],
    ['a place past 4 GiB', decode({}, 0x12_3456_0000n), 'd 78187462656'],
    ['zero', decode({}, 1n), 'z'],
    ['zero with a place kept', decode({}, COPIED | PLACE | 1n), 'a 327680'],
    ['compressed', decode({}, COMPRESSED | 0x12345n), 'c'],
    ['compressed with the COPIED bit', decode({}, COPIED | COMPRESSED | 0x12345n), 'c'],
    ['compressed with an odd offset, which is no zero bit', decode({}, COMPRESSED | 0x12345n), 'c'],
    ['a place in the middle of a cluster', decode({}, COPIED | 0x50200n), 'i'],
    ['a kept place in the middle of a cluster', decode({}, COPIED | 0x50200n | 1n), 'i'],
    ['reserved bits, which count for nothing', decode({}, 0x3f00_0000_0000_01fen | PLACE), 'd 327680'],
    ['a place past the end of the file', decode({}, COPIED | PLACE, { fileEnd: 0x50000 }), 'i 327680'],
    ['a place that begins inside the file', decode({}, COPIED | PLACE, { fileEnd: 0x50001 }), 'd 327680'],
    ['a kept place past the end of the file', decode({}, COPIED | PLACE | 1n, { fileEnd: 512 }), 'a 327680'],
    ['zero, in version 2', decode({}, 1n, { version: 2 }), 'i'],
    ['zero with a place, in version 2', decode({}, COPIED | PLACE | 1n, { version: 2 }), 'i'],
    ['a place, in version 2', decode({}, COPIED | PLACE, { version: 2 }), 'd 327680'],
  ];
  for (const [name, actual, expected] of cases) {
    it(`${name}: ${expected}`, () => {
      assert.equal(actual, expected);
    });
  }

  const external: Partial<Qcow2Spec> = { dataFile: { name: 'd' } };
  const outside: readonly (readonly [string, string, string])[] = [
    ['nothing', decode(external, 0n), '.'],
    ['its first cluster', decode(external, COPIED), 'd 0'],
    ["another cluster than the guest's", decode(external, COPIED | PLACE), 'i'],
    ["the guest's own cluster", decode(external, COPIED | PLACE, { guest: 0x50000 }), 'd 327680'],
    [
      'a cluster past the end of the image file, which does not hold it',
      decode(external, COPIED | PLACE, { guest: 0x50000, fileEnd: 512 }),
      'd 327680',
    ],
    ['its first cluster for another', decode(external, COPIED, { guest: 0x50000 }), 'i'],
    ['zero with a place kept', decode(external, COPIED | PLACE | 1n, { guest: 0x50000 }), 'a 327680'],
    ['zero', decode(external, 1n, { guest: 0x50000 }), 'z'],
    // QEMU asks for an offset before it calls a zero cluster kept (block/qcow2.h, qcow2_get_cluster_type).
    ['zero at its first cluster', decode(external, COPIED | 1n), 'z'],
    ['compressed', decode(external, COMPRESSED | PLACE), 'i'],
  ];
  for (const [name, actual, expected] of outside) {
    it(`in an external data file, ${name}: ${expected}`, () => {
      assert.equal(actual, expected);
    });
  }
});

describe('the meaning of a subcluster', () => {
  const spec: Partial<Qcow2Spec> = { extendedL2: true, clusterBits: 16 };
  /** The 32 letters of a cluster whose entry and bitmap these are; `?` marks a place that is not where it should be. */
  const letters = (entry: bigint, bitmap: bigint, fileEnd = FILE_END): string => {
    const decoder = new EntryDecoder(geometry(spec), fileEnd);
    decoder.cluster(high(entry), low(entry), 0);
    return Array.from({ length: 32 }, (_, index) => {
      decoder.subcluster(high(bitmap), low(bitmap), index);
      const place =
        decoder.kind !== Kind.Compressed && decoder.kind !== Kind.Invalid && offsetOf(high(entry), low(entry)) !== 0;
      const expected = place ? 0x50000 + index * 2048 : -1;
      return decoder.host === expected ? letterOf(decoder.kind) : `${letterOf(decoder.kind)}?`;
    }).join('');
  };
  const PLACE = COPIED | 0x50000n;
  const alloc = (...bits: number[]): bigint => bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  const zero = (...bits: number[]): bigint => alloc(...bits) << 32n;

  it('is data, zero or not there, bit by bit', () => {
    assert.equal(letters(PLACE, alloc(0, 3, 31) | zero(1, 30)), `da.d${'.'.repeat(26)}ad`);
    assert.equal(letters(PLACE, 0xffffffffn), 'd'.repeat(32));
    assert.equal(letters(PLACE, 0xffffffffn << 32n), 'a'.repeat(32));
    assert.equal(letters(PLACE, 0n), '.'.repeat(32));
  });

  it('is zero or not there where its cluster has no place', () => {
    assert.equal(letters(0n, zero(0, 31)), `z${'.'.repeat(30)}z`);
    assert.equal(letters(0n, 0n), '.'.repeat(32));
  });

  it('is broken in the whole cluster where bits contradict each other', () => {
    assert.equal(letters(PLACE, alloc(0, 7) | zero(7)), 'i'.repeat(32));
    assert.equal(letters(0n, alloc(5)), 'i'.repeat(32));
    assert.equal(letters(0n, alloc(5) | zero(9)), 'i'.repeat(32));
    assert.equal(letters(COPIED | 0x50200n, alloc(0)).replaceAll('?', ''), 'i'.repeat(32));
  });

  it('takes bit 0 of the entry for nothing', () => {
    assert.equal(letters(PLACE | 1n, alloc(0)), `d${'.'.repeat(31)}`);
  });

  it('is compressed as the cluster is', () => {
    assert.equal(letters(COMPRESSED | 0x50000n, 0n), 'c'.repeat(32));
  });

  it('past the end of the file is broken by itself', () => {
    const decoder = new EntryDecoder(geometry(spec), 0x50000 + 2048);
    decoder.cluster(high(PLACE), low(PLACE), 0);
    const kinds = [0, 1, 2].map((index) => {
      decoder.subcluster(high(zero(2)), low(alloc(0, 1)), index);
      return `${letterOf(decoder.kind)} ${decoder.host}`;
    });
    assert.deepEqual(kinds, ['d 327680', 'i 329728', 'a 331776']);
  });
});
