import assert from 'node:assert/strict';
import { coresToUse } from '../../../../src/node/crew/cores';

describe('how many threads share work', () => {
  for (const [available, threads] of [
    [1, 1],
    [2, 2],
    [3, 3],
    [64, 3],
  ] as const) {
    it(`${threads} where ${available} can run at a time`, () => {
      assert.equal(coresToUse(available), threads);
    });
  }
});
