import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import type { Compressor } from '../../../src/core';
import { codecs, codecsReady } from '../../../src/node/codecs';
import { compressorOf } from '../../../src/node/compressors';
import { unzstd, zstdReady } from '../../../src/node/zstd';
import { noise, prose } from '../../fixtures/build/index';

const CLUSTER = 65536;

describe('compressors', () => {
  const clusters = [new Uint8Array(CLUSTER).fill(7), prose(1, CLUSTER), noise(1, CLUSTER), prose(2, CLUSTER)];

  it('zlib makes raw deflate streams that a window of 4 KiB is enough for', async () => {
    const zlib = await compressorOf('zlib');
    assert.equal(zlib.type, 'zlib');
    // What repeats 5,000 bytes later is out of that window's reach: a larger one would find it.
    const far = noise(2, 5000);
    const repeated = new Uint8Array(CLUSTER);
    for (let at = 0; at + far.length <= CLUSTER; at += far.length) repeated.set(far, at);
    for (const cluster of [...clusters, repeated]) {
      const back = inflateRawSync(zlib.compress(cluster), { windowBits: 12 });
      assert.equal(Buffer.compare(back, cluster), 0);
    }
    assert(zlib.compress(clusters[1] ?? far).length < CLUSTER / 2);
    assert(zlib.compress(repeated).length > CLUSTER * 0.9);
  });

  it('zstd makes whole frames, however often it is asked for', async () => {
    await codecsReady();
    const asked = await Promise.all([compressorOf('zstd'), compressorOf('zstd')]);
    const streams = new Set<string>();
    for (const zstd of [...asked, await compressorOf('zstd'), ...asked]) {
      assert.equal(zstd.type, 'zstd');
      for (const cluster of clusters) {
        const stream = zstd.compress(cluster);
        streams.add(Buffer.from(stream).toString('latin1'));
        assert.equal(Buffer.compare(codecs.zstd(stream, CLUSTER), cluster), 0);
      }
    }
    assert.equal(streams.size, clusters.length, 'the same cluster gives the same stream');
  });
});

// Here, beside the compressor: another bundle that loads it would exchange its memory.
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
