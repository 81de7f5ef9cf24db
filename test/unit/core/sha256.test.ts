import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { sha256Of } from '../../../src/core/sha256';
import { noise } from '../../fixtures/build/index';

describe('SHA-256', () => {
  it('is what FIPS 180-4 gives as an example', () => {
    const abc = new TextEncoder().encode('abc');
    assert.equal(sha256Of(abc), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 4096, 100_001]) {
    it(`of ${length} bytes is what the host's own is`, () => {
      const bytes = noise(length + 1, length);
      assert.equal(sha256Of(bytes), createHash('sha256').update(bytes).digest('hex'));
    });
  }
});
