import assert from 'node:assert/strict';
import { RawWriter } from '../../../../src/core/convert/rawWriter';
import { MemorySink } from '../../../support/memorySink';

describe('the writer of raw images', () => {
  it('writes bytes where they are on the disk, and no block of 4 KiB that is zero', () => {
    const sink = new MemorySink();
    const writer = new RawWriter(sink, 65536 + 8192 + 512);
    const first = new Uint8Array(16384);
    first[4095] = 1;
    first[12288] = 2;
    writer.write(0, first);
    writer.write(65536, new Uint8Array(8192 + 512).fill(3));
    writer.finish();
    assert.deepEqual(sink.writes, [
      { position: 0, length: 4096 },
      { position: 12288, length: 4096 },
      { position: 65536, length: 8704 },
    ]);
    const expected = new Uint8Array(65536 + 8704).fill(3, 65536);
    expected[4095] = 1;
    expected[12288] = 2;
    assert.deepEqual(sink.bytes, expected);
  });

  it('is as long as the disk, where that ends in zeros or is nothing else', () => {
    for (const size of [0, 512, 1_049_088]) {
      const sink = new MemorySink();
      new RawWriter(sink, size).finish();
      assert.equal(sink.bytes.length, size);
      assert.deepEqual(sink.writes, []);
    }
  });
});
