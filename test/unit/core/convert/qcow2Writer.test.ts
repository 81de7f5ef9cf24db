/** What is written, byte by byte, against values worked out by hand from docs/interop/qcow2.rst. */
import assert from 'node:assert/strict';
import type { Compressor } from '../../../../src/core';
import { DiskError } from '../../../../src/core';
import { Qcow2Writer } from '../../../../src/core/convert/qcow2/writer';
import { noise } from '../../../fixtures/build/index';
import { MemorySink } from '../../../support/memorySink';

const CLUSTER = 65536;
const TIB = 2 ** 40;

/** Streams of the given lengths, one after the other, each filled with its number from 1 on. */
function streams(...lengths: readonly number[]): Compressor {
  const left = lengths.map((length, index) => new Uint8Array(length).fill(index + 1));
  return { type: 'zlib', compress: () => left.shift() ?? assert.fail('one more cluster was compressed') };
}

class Image {
  private readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u16 = (at: number): number => this.view.getUint16(at);
  u32 = (at: number): number => this.view.getUint32(at);
  u64 = (at: number): bigint => this.view.getBigUint64(at);
  cluster = (index: number): Uint8Array => this.bytes.subarray(index * CLUSTER, (index + 1) * CLUSTER);
  /** Of clusters 0 to the end. @param block the refcount block's cluster */
  refcounts = (block: number): number[] =>
    Array.from({ length: this.bytes.length / CLUSTER }, (_, index) => this.u16(block * CLUSTER + index * 2));
  entries = (cluster: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `0x${this.u64(cluster * CLUSTER + index * 8).toString(16)}`);
}

function write(size: number, use: (writer: Qcow2Writer) => void, compressor?: Compressor): Image {
  const sink = new MemorySink();
  const writer = new Qcow2Writer(sink, size, compressor);
  use(writer);
  writer.finish();
  assert.equal(sink.writes.at(-1)?.position, 0, 'the header is written last');
  return new Image(sink.bytes);
}

describe('the writer of qcow2 images', () => {
  it('puts header, data in the order of the disk, L2, L1, refcount table and block', () => {
    const disk = noise(1, 3 * CLUSTER + 512).fill(0, CLUSTER, 2 * CLUSTER);
    const image = write(disk.length, (writer) => {
      writer.write(0, disk);
    });
    assert.equal(image.bytes.length, 8 * CLUSTER);
    assert.deepEqual(image.cluster(1), disk.subarray(0, CLUSTER));
    assert.deepEqual(image.cluster(2), disk.subarray(2 * CLUSTER, 3 * CLUSTER));
    assert.deepEqual(image.cluster(3).subarray(0, 512), disk.subarray(3 * CLUSTER));
    assert(
      image
        .cluster(3)
        .subarray(512)
        .every((byte) => byte === 0),
      'past the end of the disk is nothing',
    );
    assert.deepEqual(image.entries(4, 5), [
      '0x8000000000010000',
      '0x0',
      '0x8000000000020000',
      '0x8000000000030000',
      '0x0',
    ]);
    assert.deepEqual(image.entries(5, 2), ['0x8000000000040000', '0x0'], 'L1');
    assert.deepEqual(image.entries(6, 2), ['0x70000', '0x0'], 'refcount table');
    assert.deepEqual(image.refcounts(7), [1, 1, 1, 1, 1, 1, 1, 1]);
    assert.equal(image.u16(7 * CLUSTER + 16), 0);
  });

  it('has a header of version 3 with the names of its features', () => {
    const image = write(5 * CLUSTER, () => undefined);
    assert.deepEqual(Buffer.from(image.bytes.subarray(0, 4)).toString('latin1'), 'QFI\u00fb');
    const fields: Readonly<Record<string, readonly [actual: number | bigint, expected: number | bigint]>> = {
      version: [image.u32(4), 3],
      'backing file': [image.u64(8), 0n],
      'length of its name': [image.u32(16), 0],
      'cluster bits': [image.u32(20), 16],
      size: [image.u64(24), BigInt(5 * CLUSTER)],
      encryption: [image.u32(32), 0],
      'L1 entries': [image.u32(36), 1],
      'L1 table': [image.u64(40), BigInt(CLUSTER)],
      'refcount table': [image.u64(48), BigInt(2 * CLUSTER)],
      'its clusters': [image.u32(56), 1],
      snapshots: [image.u32(60), 0],
      'snapshot table': [image.u64(64), 0n],
      incompatible: [image.u64(72), 0n],
      compatible: [image.u64(80), 0n],
      autoclear: [image.u64(88), 0n],
      'refcount order': [image.u32(96), 4],
      'header length': [image.u32(100), 112],
      'compression type': [image.u64(104), 0n],
      'feature name table': [image.u32(112), 0x6803f857],
      'its length': [image.u32(116), 8 * 48],
      'end of extensions': [image.u64(120 + 8 * 48), 0n],
    };
    for (const [name, [actual, expected]] of Object.entries(fields)) assert.equal(actual, expected, name);
    const row = Buffer.from(image.bytes.subarray(120 + 3 * 48, 120 + 4 * 48));
    assert.deepEqual([row[0], row[1], row.toString('latin1', 2).replace(/\0+$/, '')], [0, 3, 'compression type']);
  });

  it('says so where clusters are compressed with zstd', () => {
    const image = write(CLUSTER, () => undefined, { type: 'zstd', compress: (input) => input });
    assert.equal(image.u64(72), 8n, 'incompatible bit 3');
    assert.equal(image.bytes[104], 1);
  });

  it('packs compressed clusters tightly and counts each in every cluster it touches', () => {
    const disk = noise(2, 5 * CLUSTER);
    const image = write(
      disk.length,
      (writer) => {
        writer.write(0, disk);
      },
      // The third gets no smaller; the fifth has no room behind the fourth.
      streams(1000, 65000, 65536, 100, 65100),
    );
    // Clusters: 1 and 2 first and second, 3 the third as it is, 2 the fourth, 4 the fifth; L2 5, L1 6, refcounts 7 and 8.
    assert.equal(image.bytes.length, 9 * CLUSTER);
    assert.deepEqual(image.entries(5, 5), [
      '0x4040000000010000', // bytes 65536–66536 of the file: sectors 128 and 129
      '0x5fc00000000103e8', // 66536–131536: sectors 129 to 256
      '0x8000000000030000',
      '0x40400000000201d0', // 131536–131636: sectors 256 and 257
      '0x5fc0000000040000', // 262144–327244: sectors 512 to 639
    ]);
    assert.deepEqual(image.refcounts(8), [1, 2, 2, 1, 1, 1, 1, 1, 1]);
    assert.deepEqual(image.cluster(3), disk.subarray(2 * CLUSTER, 3 * CLUSTER));
    const filledWith = (value: number, start: number, end: number): void => {
      assert(
        image.bytes.subarray(start, end).every((byte) => byte === value),
        `${start}–${end} is stream ${value}`,
      );
    };
    filledWith(1, 65536, 66536);
    filledWith(2, 66536, 131536);
    filledWith(4, 131536, 131636);
    filledWith(0, 131636, 3 * CLUSTER);
    filledWith(5, 4 * CLUSTER, 4 * CLUSTER + 65100);
  });

  it('compresses whole clusters, the last filled up with zeros, and none that is zero', () => {
    const inputs: Uint8Array[] = [];
    const disk = noise(3, 2 * CLUSTER + 512).fill(0, 0, CLUSTER);
    write(
      disk.length,
      (writer) => {
        writer.write(0, disk);
      },
      {
        type: 'zlib',
        compress: (input) => {
          inputs.push(input.slice());
          return new Uint8Array(9);
        },
      },
    );
    const last = new Uint8Array(CLUSTER);
    last.set(disk.subarray(2 * CLUSTER));
    assert.deepEqual(inputs, [disk.subarray(CLUSTER, 2 * CLUSTER), last]);
  });

  it('has an L2 table for each 512 MiB that hold data, and for no others', () => {
    const span = 512 * 2 ** 20;
    const image = write(4 * span, (writer) => {
      writer.write(span - CLUSTER, new Uint8Array(CLUSTER).fill(1));
      writer.write(span, new Uint8Array(CLUSTER).fill(2));
      writer.write(3 * span, new Uint8Array(CLUSTER).fill(3));
    });
    // 1 data, 2 its L2, 3 data, 4 its L2, 5 data, 6 its L2, 7 L1, 8 refcount table, 9 its block.
    assert.deepEqual(image.entries(7, 4), ['0x8000000000020000', '0x8000000000040000', '0x0', '0x8000000000060000']);
    assert.equal(image.u64(2 * CLUSTER + 8191 * 8), 0x8000000000010000n);
    assert.equal(image.u64(4 * CLUSTER), 0x8000000000030000n);
    assert.equal(image.u64(6 * CLUSTER), 0x8000000000050000n);
    assert.deepEqual(
      image.refcounts(9),
      Array.from({ length: 10 }, () => 1),
    );
  });

  it('can be of a disk of no bytes', () => {
    const image = write(0, () => undefined);
    assert.deepEqual([image.u64(24), image.u32(36), image.u64(40)], [0n, 0, 0n]);
    assert.deepEqual(image.refcounts(2), [1, 1, 1]);
  });

  it('refuses a disk of more than 2 PiB, whose L1 table QEMU would not read', () => {
    assert.doesNotThrow(() => new Qcow2Writer(new MemorySink(), 2048 * TIB));
    assert.throws(
      () => new Qcow2Writer(new MemorySink(), 2048 * TIB + 512),
      (error) => error instanceof DiskError && error.code === 'limit' && error.message.includes('at most 2 PiB'),
    );
  });
});
