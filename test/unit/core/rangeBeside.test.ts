import assert from 'node:assert/strict';
import { rangeBeside, unite } from '../../../src/core/ranges';

describe('the range beside an offset', () => {
  const ranges = unite([
    { start: 10, end: 20 },
    { start: 30, end: 40 },
    { start: 50, end: 60 },
  ]);

  it('is the next one that begins after it, and the first after the last', () => {
    const next = [-1, 0, 9, 10, 15, 29, 30, 49, 50, 99].map((from) => rangeBeside(ranges, from, 1));
    assert.deepEqual(next, [0, 0, 0, 1, 1, 1, 2, 2, 0, 0]);
  });

  it('is the last one that begins before it, and the last before the first', () => {
    const last = [99, 50, 49, 31, 30, 11, 10, 0].map((from) => rangeBeside(ranges, from, -1));
    assert.deepEqual(last, [2, 1, 1, 1, 0, 0, 2, 2]);
  });

  it('is none where there are none', () => {
    assert.deepEqual([rangeBeside(unite([]), 0, 1), rangeBeside(unite([]), 0, -1)], [-1, -1]);
  });
});
