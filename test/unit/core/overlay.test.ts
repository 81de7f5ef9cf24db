/** What is written, byte by byte, against values worked out by hand from docs/interop/qcow2.rst. */
import assert from 'node:assert/strict';
import type { Overlay, OverlayShape } from '../../../src/core';
import { asRelativeName, DiskError, layOutOverlay, smallestCluster, writeOverlay } from '../../../src/core';
import { MemorySink } from '../../support/memorySink';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

const shape = (clusterSize: number, more: Partial<OverlayShape> = {}): OverlayShape => {
  return { clusterSize, extendedL2: false, compat: '1.1', ...more };
};

function write(overlay: Partial<Overlay> & Pick<Overlay, 'shape'>): Buffer {
  const sink = new MemorySink();
  writeOverlay(sink, { guestSize: GIB, backing: { name: 'base.raw', format: 'raw' }, ...overlay });
  assert.equal(sink.writes.at(-1)?.position, 0, 'the header is written last');
  return Buffer.from(sink.bytes);
}

const refuses =
  (code: string, advice: string) =>
  (error: unknown): boolean =>
    error instanceof DiskError && error.code === code && error.advice === advice;

describe('the writer of overlays', () => {
  it('puts header, refcount table, its block and an empty L1 table', () => {
    const file = write({ shape: shape(64 * KIB) });
    assert.equal(file.length, 4 * 64 * KIB);
    const fields: Readonly<Record<string, readonly [actual: number | bigint, expected: number | bigint]>> = {
      magic: [file.readUInt32BE(0), 0x514649fb],
      version: [file.readUInt32BE(4), 3],
      // 112 bytes, then 8 + 8 for the format, 8 + 384 for the features, 8 for the end.
      'backing name': [file.readBigUInt64BE(8), 528n],
      'its length': [file.readUInt32BE(16), 8],
      'cluster bits': [file.readUInt32BE(20), 16],
      size: [file.readBigUInt64BE(24), BigInt(GIB)],
      encryption: [file.readUInt32BE(32), 0],
      // 512 MiB for each.
      'L1 entries': [file.readUInt32BE(36), 2],
      'L1 table': [file.readBigUInt64BE(40), 0x30000n],
      'refcount table': [file.readBigUInt64BE(48), 0x10000n],
      'its clusters': [file.readUInt32BE(56), 1],
      snapshots: [file.readUInt32BE(60), 0],
      incompatible: [file.readBigUInt64BE(72), 0n],
      compatible: [file.readBigUInt64BE(80), 0n],
      autoclear: [file.readBigUInt64BE(88), 0n],
      'refcount order': [file.readUInt32BE(96), 4],
      'header length': [file.readUInt32BE(100), 112],
      'compression type': [file.readBigUInt64BE(104), 0n],
      'backing format': [file.readUInt32BE(112), 0xe2792aca],
      'its bytes': [file.readUInt32BE(116), 3],
      'feature names': [file.readUInt32BE(128), 0x6803f857],
      'end of extensions': [file.readBigUInt64BE(520), 0n],
      'first block': [file.readBigUInt64BE(0x10000), 0x20000n],
      'no second block': [file.readBigUInt64BE(0x10008), 0n],
    };
    for (const [name, [actual, expected]] of Object.entries(fields)) assert.equal(actual, expected, name);
    assert.equal(file.toString('latin1', 120, 128), 'raw\0\0\0\0\0');
    assert.equal(file.toString('latin1', 528, 536), 'base.raw');
    const counts = Array.from({ length: 5 }, (_, index) => file.readUInt16BE(0x20000 + 2 * index));
    assert.deepEqual(counts, [1, 1, 1, 1, 0]);
    assert(
      file.subarray(0x30000).every((byte) => byte === 0),
      'the L1 table leads nowhere',
    );
  });

  it('has a header of 72 bytes and no names of features in version 2', () => {
    const file = write({ shape: shape(4 * KIB, { compat: '0.10' }) });
    assert.deepEqual([file.readUInt32BE(4), file.readUInt32BE(72), file.readUInt32BE(76)], [2, 0xe2792aca, 3]);
    assert.equal(file.readBigUInt64BE(88), 0n, 'end of extensions');
    assert.deepEqual([file.readBigUInt64BE(8), file.toString('latin1', 96, 104)], [96n, 'base.raw']);
  });

  it('says that L2 entries are extended, which map half as much in a table', () => {
    const file = write({ shape: shape(64 * KIB, { extendedL2: true }) });
    assert.deepEqual([file.readBigUInt64BE(72), file.readUInt32BE(36)], [16n, 4]);
  });

  it('leaves the names of features out where there is no room for them', () => {
    const file = write({ shape: shape(512), guestSize: MIB });
    // 112 + 16 for the format + 8 for the end.
    assert.deepEqual([file.readBigUInt64BE(8), file.readBigUInt64BE(128)], [136n, 0n]);
    // 32 KiB for each entry; header, table, block, half a cluster of L1.
    assert.deepEqual([file.readUInt32BE(36), file.length], [32, 4 * 512]);
  });

  it('counts its own counts', () => {
    // 4194304 L1 entries take 65536 clusters of 512 bytes; a block counts 256, a table names 64 in each cluster.
    const layout = layOutOverlay(128 * GIB, shape(512));
    assert.equal(layout.l1Clusters, 65536);
    const { refcountBlocks, refcountTableClusters, fileSize } = layout;
    assert.deepEqual([refcountBlocks, refcountTableClusters], [258, 5]);
    assert.equal(fileSize, (1 + 5 + 258 + 65536) * 512);
    assert(refcountBlocks * 256 >= fileSize / 512);
    const file = write({ shape: shape(512), guestSize: 128 * GIB });
    const blocksAt = file.readBigUInt64BE(512);
    assert.equal(blocksAt, 6n * 512n);
    assert.equal(file.readUInt16BE(Number(blocksAt) + fileSize / 256 - 2), 1, 'the last cluster');
    assert.equal(file.readUInt16BE(Number(blocksAt) + fileSize / 256), 0, 'past the end');
  });

  it('can be of a disk of no bytes', () => {
    const file = write({ shape: shape(64 * KIB), guestSize: 0 });
    assert.deepEqual([file.readUInt32BE(36), file.readBigUInt64BE(40), file.length], [0, 0n, 3 * 64 * KIB]);
  });

  it('refuses a disk that needs larger clusters, and says which', () => {
    const needs = (size: number, of: OverlayShape, advice: string): void => {
      assert.throws(() => layOutOverlay(size, of), refuses('limit', advice));
    };
    assert.doesNotThrow(() => layOutOverlay(128 * GIB, shape(512)));
    needs(128 * GIB + 512, shape(512), 'Choose clusters of at least 1 KiB.');
    needs(64 * TIB, shape(4 * KIB), 'Choose clusters of at least 16 KiB.');
    needs(64 * TIB + 512, shape(16 * KIB, { extendedL2: true }), 'Choose clusters of at least 32 KiB.');
    assert.deepEqual([smallestCluster(MIB, true), smallestCluster(8 * TIB, false)], [16 * KIB, 4 * KIB]);
    assert.equal(smallestCluster(Number.MAX_SAFE_INTEGER, true), 256 * KIB);
  });

  it('refuses shapes that do not exist', () => {
    const power = 'Choose a power of two from 512 bytes to 2 MiB.';
    for (const size of [0, 256, 1000, 4 * MIB, NaN]) {
      assert.throws(() => layOutOverlay(MIB, shape(size)), refuses('unsupported', power), String(size));
    }
    assert.throws(
      () => layOutOverlay(MIB, shape(8 * KIB, { extendedL2: true })),
      refuses('unsupported', 'Choose clusters of at least 16 KiB.'),
    );
    assert.throws(
      () => layOutOverlay(MIB, shape(64 * KIB, { extendedL2: true, compat: '0.10' })),
      refuses('unsupported', 'Leave one of the two out.'),
    );
  });

  it('refuses a name that the header has no room for, before it writes anything', () => {
    const sink = new MemorySink();
    const named = (name: string, clusterSize: number): Overlay => {
      return { guestSize: MIB, shape: shape(clusterSize), backing: { name, format: 'raw' } };
    };
    const limit = (words: string) => (error: unknown) => error instanceof DiskError && error.message.includes(words);
    assert.throws(() => writeOverlay(sink, named('é'.repeat(512), 64 * KIB)), limit('1024 bytes'));
    assert.throws(() => writeOverlay(sink, named('n'.repeat(377), 512)), limit('room for 376'));
    assert.deepEqual(sink.writes, []);
    assert.doesNotThrow(() => writeOverlay(new MemorySink(), named(`${'é'.repeat(511)}n`, 64 * KIB)));
    assert.doesNotThrow(() => writeOverlay(new MemorySink(), named('n'.repeat(376), 512)));
  });
});

describe('the name of a parent', () => {
  it('is written so that no part of it is taken for a protocol', () => {
    const cases: Readonly<Record<string, string>> = {
      'base.raw': 'base.raw',
      '../a/base.raw': '../a/base.raw',
      'nbd:base': './nbd:base',
      'json:{}': './json:{}',
      'a:b/c': './a:b/c',
      'a/b:c': 'a/b:c',
      '/a:b/c': '/a:b/c',
      ':x': './:x',
    };
    for (const [path, name] of Object.entries(cases)) assert.equal(asRelativeName(path), name, path);
  });
});
