import assert from 'node:assert/strict';
import { deflateRawSync } from 'node:zlib';
import type { Compressor } from '../../../src/core';
import { codecs } from '../../../src/node/codecs';
import { compressorOf } from '../../../src/node/compressors';
import { unzstd, zstdReady } from '../../../src/node/zstd';
import { noise, prose } from '../../fixtures/build/index';

const CLUSTER = 65536;

describe('inflating a cluster', () => {
  const cluster = prose(1, CLUSTER);
  const stream = deflateRawSync(cluster, { windowBits: 12 });

  it('gives all of it, whatever follows its stream', () => {
    for (const padding of [0, 1, 511]) {
      const input = Buffer.concat([stream, Buffer.alloc(padding, 0xff)]);
      assert.equal(Buffer.compare(codecs.inflateRaw(input, CLUSTER), cluster), 0);
    }
  });

  it('gives what there is of a stream that is cut short', () => {
    const part = codecs.inflateRaw(stream.subarray(0, stream.length - 8), CLUSTER);
    assert(part.length > 0 && part.length < CLUSTER, `${part.length} bytes`);
    assert.equal(Buffer.compare(part, cluster.subarray(0, part.length)), 0);
  });

  it('refuses more than a cluster, and what is no stream', () => {
    assert.throws(() => codecs.inflateRaw(stream, CLUSTER - 1));
    assert.throws(() => codecs.inflateRaw(Buffer.alloc(100, 0xff), CLUSTER));
  });
});

describe('decompressing zstd in WebAssembly', () => {
  let zstd: Compressor;
  const compress = (input: Uint8Array): Uint8Array => zstd.compress(input);
  before(async () => {
    await zstdReady();
    zstd = await compressorOf('zstd');
  });

  it('gives each frame, whatever the sizes before', () => {
    for (const size of [CLUSTER, 512, 2 ** 21, 1, CLUSTER]) {
      for (const bytes of [noise(size, size), Buffer.alloc(size, 7)]) {
        assert.equal(Buffer.compare(unzstd(compress(bytes), size), bytes), 0, `${size} bytes`);
      }
    }
  });

  it('refuses more than was asked for, and what is no frame; then goes on', () => {
    const frame = compress(noise(1, CLUSTER));
    assert.throws(() => unzstd(frame, CLUSTER - 1), /zstd: error 70/); // ZSTD_error_dstSize_tooSmall
    assert.throws(() => unzstd(frame.subarray(0, frame.length - 1), CLUSTER), /zstd: error 72/); // ZSTD_error_srcSize_wrong
    assert.throws(() => unzstd(new Uint8Array(100), CLUSTER), /zstd: error 10/); // ZSTD_error_prefix_unknown
    assert.equal(Buffer.compare(unzstd(frame, CLUSTER), noise(1, CLUSTER)), 0);
  });
});
