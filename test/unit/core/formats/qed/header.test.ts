import assert from 'node:assert/strict';
import { readHeader } from '../../../../../src/core/formats/qed/header';
import { probe } from '../../../../../src/core/formats/registry';
import type { SparseImage } from '../../../../fixtures/build/index';
import { buildQed } from '../../../../fixtures/build/qed';
import type { QedSpec } from '../../../../fixtures/build/qed';
import { memorySource } from '../../../../support/memory';
import { refusedWith } from '../../../../support/oneLayer';

const MIB = 2 ** 20;

const build = (spec: Partial<QedSpec> = {}): SparseImage => buildQed({ size: 10 * MIB, ...spec }).image;
const u32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};
const read = (image: SparseImage): ReturnType<typeof readHeader> => readHeader(memorySource(image));
const refused = (image: SparseImage, code: string, offset: number, words: RegExp): void => {
  refusedWith(() => read(image), code, offset, words);
};

describe('the header of a QED image', () => {
  it('is read field by field', () => {
    const image = build({ clusterSize: 8192, tableSize: 4, headerSize: 2, backing: 'a base', features: 7 });
    assert.deepEqual(read(image), {
      guestSize: 10 * MIB,
      clusterSize: 8192,
      tableBytes: 32768,
      entriesPerTable: 4096,
      headerBytes: 16384,
      l1Offset: 16384,
      l1Entries: 1,
      needsCheck: true,
      backing: { name: 'a base', isRaw: true },
      fileEnd: image.size,
      findings: [
        {
          code: 'need-check',
          severity: 'warning',
          message: 'the image was not closed properly: its tables may not be consistent',
          advice: 'Check Image tells. QEMU repairs it when a VM opens it for writing.',
          offset: 16,
        },
      ],
    });
    assert.equal(probe(memorySource(image)).id, 'qed');
  });

  it('is refused where it is cut short, or no such header', () => {
    refused(build().truncate(63), 'short-read', 63, /ends inside/);
    refused(build().poke(3, u32(1)), 'not-this-format', 0, /QED/);
  });

  it('is refused with features that nobody knows', () => {
    refused(build({ features: 8 }), 'unsupported', 16, /0x0000000000000008/);
    refused(build().poke(16, u64(1n << 63n)), 'unsupported', 16, /0x8000000000000000/);
    // Those that are compatible, or cleared by who doesn't know them, are none of ours (bytes 24 and 32).
    assert.equal(read(build().poke(24, u64(0xffn)).poke(32, u64(0xffn))).guestSize, 10 * MIB);
  });

  it('is refused with sizes of clusters and tables that do not exist (iotest 116)', () => {
    for (const size of [0, 2048, 4097, 3 * 4096, 2 ** 27])
      refused(build().poke(4, u32(size)), 'corrupt', 4, /clusters/);
    for (const size of [0, 3, 32]) refused(build().poke(8, u32(size)), 'corrupt', 8, /tables/);
    for (const header of [4097, 0xffffffff])
      refused(build({ clusterSize: MIB }).poke(12, u32(header)), 'limit', 12, /header/);
  });

  it('is refused with a disk that is no whole number of sectors, or more than the tables map (iotest 116)', () => {
    refused(build().poke(48, u64(10n * 2n ** 20n + 1n)), 'corrupt', 48, /whole number of sectors/);
    // 1024 tables of 1024 clusters of 4 KiB.
    refused(build().poke(48, u64(2n ** 32n + 512n)), 'corrupt', 48, /4294967296 at most/);
    assert.equal(read(build().poke(48, u64(2n ** 32n))).l1Entries, 1024);
    refused(build().poke(48, u64(2n ** 63n)), 'limit', 48, /size of the disk/);
  });

  it('is refused with an L1 table in the header, inside a cluster or past the end of the file (iotest 116)', () => {
    refused(build().poke(40, u64(0n)), 'corrupt', 40, /L1 table/);
    refused(build().poke(40, u64(4096n + 512n)), 'corrupt', 40, /L1 table/);
    refused(build().poke(40, u64(4096n * 2n)), 'short-read', 40, /ends before its L1 table/);
    refused(build().poke(40, u64(2n ** 62n)), 'limit', 40, /L1 table/);
    refused(build().truncate(4096 * 3 - 1), 'short-read', 40, /ends before its L1 table/);
  });

  it('is refused with a name of a backing file that leaves it or is too long', () => {
    refused(build({ backing: 'base' }).poke(60, u32(4096)), 'corrupt', 56, /past the header/);
    refused(build({ backing: 'base' }).poke(56, u32(0xffffffff)), 'corrupt', 56, /past the header/);
    refused(build({ backing: 'b'.repeat(1024) }), 'limit', 60, /1024 bytes/);
    assert.equal(read(build({ backing: 'base', features: 0 })).backing, undefined);
    assert.deepEqual(read(build({ backing: 'base', features: 1 })).backing, { name: 'base', isRaw: false });
  });

  it('tells that QEMU opens none with tables of one cluster, and reads them as specified', () => {
    const { findings, entriesPerTable } = read(build({ size: MIB, tableSize: 1 }));
    assert.deepEqual([findings.map(({ code }) => code), entriesPerTable], [['qemu-refuses'], 512]);
  });

  it('ends the file at its last whole cluster, as QEMU does', () => {
    const image = build();
    assert.equal(read(image.truncate(image.size + 4095)).fileEnd, image.size - 4095);
  });
});
