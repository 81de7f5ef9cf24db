import assert from 'node:assert/strict';
import { listed } from '../../../src/core';

describe('names in a sentence', () => {
  it('are parted by commas and a last “and”', () => {
    assert.deepEqual(
      [[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map((names) => listed(names)),
      ['', 'a', 'a and b', 'a, b and c'],
    );
  });

  it('that are too many are counted', () => {
    assert.equal(listed(['a', 'b', 'c', 'd', 'e']), 'a, b, c and 2 more');
    assert.equal(listed(['a', 'b'], 1), 'a and 1 more');
    assert.equal(listed(['a', 'b', 'c', 'd'], Infinity), 'a, b, c and d');
  });
});
