import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { unzlib } from '../../../../../src/core/formats/vmdk/zlib';
import { codecs } from '../../../../../src/node/codecs';
import { noise, prose } from '../../../../fixtures/build/index';

const PLAIN = prose(1, 30_000);

function unpack(stream: Uint8Array, room = PLAIN.length): Uint8Array {
  const target = new Uint8Array(room);
  return target.subarray(0, unzlib(codecs, stream, target));
}

const same = (a: Uint8Array, b: Uint8Array): void => {
  assert(Buffer.from(a).equals(Buffer.from(b)), 'other bytes');
};

describe('a zlib stream', () => {
  it('is unpacked at every level and of every window', () => {
    for (const options of [{ level: 0 }, { level: 1 }, { level: 9 }, { windowBits: 9 }]) {
      same(unpack(deflateSync(PLAIN, options)), PLAIN);
    }
    same(unpack(deflateSync(noise(1, 65536)), 65536), noise(1, 65536));
  });

  it('may be followed by padding, and be shorter than what it is read into', () => {
    same(unpack(Uint8Array.from([...deflateSync(PLAIN), ...new Uint8Array(500)]), 65536), PLAIN);
  });

  it('is none without its header', () => {
    const stream = deflateSync(PLAIN);
    for (const [method, flags] of [
      [0x79, 0x9c],
      [0x78, 0x9d],
      // A dictionary that both sides have to have; the check bits are right.
      [0x78, 0xbb],
    ] as const) {
      assert.throws(() => unpack(Uint8Array.from([method, flags, ...stream.subarray(2)])), /no zlib stream/);
    }
    assert.throws(() => unpack(new Uint8Array()), /no zlib stream/);
  });

  it('is held against its sum', () => {
    const stored = deflateSync(PLAIN, { level: 0 });
    stored[1000] = (stored[1000] ?? 0) ^ 1;
    assert.throws(() => unpack(stored), /sum of the zlib stream/);
    const cut = deflateSync(PLAIN).subarray(0, -4);
    assert.throws(() => unpack(cut), /sum of the zlib stream/);
  });

  it('holds no more than there is room for', () => {
    assert.throws(() => unpack(deflateSync(PLAIN), PLAIN.length - 1));
  });
});
