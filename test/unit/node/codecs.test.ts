import assert from 'node:assert/strict';
import { deflateRawSync } from 'node:zlib';
import { codecs } from '../../../src/node/codecs';
import { prose } from '../../fixtures/build/index';

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
