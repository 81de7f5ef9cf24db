import assert from 'node:assert/strict';
import { readHeader } from '../../../../../src/core/formats/qcow1/header';
import { probe } from '../../../../../src/core/formats/registry';
import type { SparseImage } from '../../../../fixtures/build/index';
import { buildQcow1 } from '../../../../fixtures/build/qcow1';
import type { Qcow1Spec } from '../../../../fixtures/build/qcow1';
import { memorySource } from '../../../../support/memory';
import { refusedWith } from '../../../../support/oneLayer';

const MIB = 2 ** 20;

const build = (spec: Partial<Qcow1Spec> = {}): SparseImage => buildQcow1({ size: 10 * MIB, ...spec }).image;
const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
};

const refused = (image: SparseImage, code: string, offset: number, words: RegExp): void => {
  refusedWith(() => readHeader(memorySource(image)), code, offset, words);
};

describe('the header of a qcow image of version 1', () => {
  it('is read field by field', () => {
    const image = build({ size: 10 * MIB + 700, clusterBits: 9, l2Bits: 12, backing: 'a base.raw', mtime: 1234 });
    assert.deepEqual(readHeader(memorySource(image)), {
      guestSize: 10 * MIB + 512,
      clusterBits: 9,
      l2Bits: 12,
      l1Offset: 64,
      l1Entries: 6,
      encrypted: false,
      backingTime: 1234,
      backing: { name: 'a base.raw', offset: 48, length: 10 },
      findings: [],
    });
  });

  it('is known from that of later versions, which are qcow2', () => {
    assert.equal(probe(memorySource(build())).id, 'qcow');
    for (const version of [2, 3, 9]) assert.equal(probe(memorySource(build({ version }))).id, 'qcow2');
    assert.equal(probe(memorySource(build({ version: 0 }))).id, 'raw');
  });

  it('is refused where it is cut short or of another version', () => {
    refused(build().truncate(47), 'short-read', 47, /ends inside/);
    refused(build({ version: 2 }), 'not-this-format', 0, /version 1/);
  });

  it('is refused with sizes of clusters and tables that do not exist (iotest 092, CVE-2014-0222)', () => {
    for (const [at, values] of [
      [32, [8, 17, 0xff]],
      [33, [5, 14, 0x37, 0xff]],
    ] as const) {
      for (const value of values) refused(build().poke(at, Uint8Array.of(value)), 'corrupt', at, /do not exist/);
    }
    for (const [clusterBits, l2Bits] of [
      [9, 6],
      [16, 13],
    ] as const) {
      const header = readHeader(memorySource(build({ clusterBits, l2Bits })));
      assert.deepEqual([header.clusterBits, header.l2Bits], [clusterBits, l2Bits]);
    }
  });

  it('is refused with a disk that nothing is read of, or that needs a huge L1 table (iotest 092, CVE-2014-0223)', () => {
    const resized = (size: bigint): SparseImage => build().poke(24, u64(size));
    refused(resized(0n), 'corrupt', 24, /0 bytes/);
    refused(resized(1n), 'corrupt', 24, /1 bytes/);
    refused(resized(0xee_eeee_eeee_eeeen), 'limit', 24, /size of the disk/);
    refused(resized(0x7fff_ffff_ffff_ffffn), 'limit', 24, /size of the disk/);
    refused(resized(2n ** 45n + 1n), 'limit', 24, /16777217 entries/);
    assert.equal(readHeader(memorySource(resized(2n ** 45n))).l1Entries, 2 ** 24);
  });

  it('is refused with a name of a backing file that is too long (iotest 092) or not there', () => {
    const named = build({ backing: 'base' });
    refused(build({ backing: 'b'.repeat(1024) }), 'limit', 16, /1024 bytes/);
    refused(build({ backing: 'base' }).poke(16, u32(0xffff_ffff)), 'limit', 16, /4294967295/);
    refused(named.poke(8, u64(BigInt(named.size - 3))), 'short-read', named.size, /name/);
    assert.equal(readHeader(memorySource(build({ backing: 'b'.repeat(1023) }))).backing?.length, 1023);
    assert.equal(readHeader(memorySource(build({ backing: 'base' }).poke(16, u32(0)))).backing, undefined);
  });

  it('is refused with an encryption that nobody knows', () => {
    refused(build({ crypt: 2 }), 'unsupported', 36, /method 2/);
    assert.equal(readHeader(memorySource(build({ crypt: 1 }))).encrypted, true);
  });

  it('tells that the file ends before the L1 table does, and of how much of the disk nothing is known', () => {
    const [finding] = readHeader(memorySource(build().truncate(48 + 3 * 8 + 1))).findings;
    assert.deepEqual([finding?.code, finding?.severity, finding?.lost], ['l1-past-end', 'error', 4 * MIB]);
    assert.match(finding?.message ?? '', /3 of 5 entries/);
  });
});
