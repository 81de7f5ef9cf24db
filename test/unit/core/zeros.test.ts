import assert from 'node:assert/strict';
import { eachStretch, isZero } from '../../../src/core/zeros';

describe('zeros in a buffer', () => {
  it('are told from a single bit, wherever it is and however the buffer is aligned', () => {
    for (let shift = 0; shift < 8; shift += 1) {
      for (let length = 0; length < 40; length += 1) {
        const bytes = new Uint8Array(new ArrayBuffer(64), shift, length);
        assert(isZero(bytes, 0, length), `${length} zeros at ${shift}`);
        for (let at = 0; at < length; at += 1) {
          bytes[at] = 0x80;
          assert(!isZero(bytes, 0, length), `byte ${at} of ${length} at ${shift}`);
          assert(isZero(bytes, 0, at), `before byte ${at}`);
          assert(isZero(bytes, at + 1, length - at - 1), `behind byte ${at}`);
          bytes[at] = 0;
        }
      }
    }
  });

  const stretches = (bytes: readonly number[], block: number): (readonly [number, number])[] => {
    const found: (readonly [number, number])[] = [];
    eachStretch(Uint8Array.from(bytes), block, (start, end) => found.push([start, end]));
    return found;
  };

  it('lie between stretches of whole blocks', () => {
    assert.deepEqual(stretches([], 4), []);
    assert.deepEqual(stretches([0, 0, 0, 0, 0], 4), []);
    assert.deepEqual(stretches([0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0], 4), [[0, 8]]);
    assert.deepEqual(stretches([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], 4), [
      [0, 4],
      [8, 12],
    ]);
  });

  it('a block that is cut short is a block', () => {
    assert.deepEqual(stretches([0, 0, 0, 0, 0, 9], 4), [[4, 6]]);
    assert.deepEqual(stretches([7, 0, 0, 0, 0, 0], 4), [[0, 4]]);
  });
});
