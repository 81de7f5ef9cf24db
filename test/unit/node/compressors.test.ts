import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import { codecs, codecsReady } from '../../../src/node/codecs';
import { compressorOf } from '../../../src/node/compressors';
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
