import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { Works } from '../../../../src/node/work/works';

describe('the progress of work', () => {
  it('is told at once, and then only every so often', async () => {
    const told: number[] = [];
    const works = new Works((_, { done }) => told.push(done));
    await works.watch('exportMap', async (_, progress) => {
      for (let done = 0; done < 1000; done += 1) progress({ done, total: 2000 });
      await setTimeout(100);
      progress({ done: 2000, total: 2000 });
      return true;
    });
    assert.equal(told[0], 0);
    assert.equal(told.at(-1), 2000);
    assert(told.length < 100, `${told.length} times`);
  });
});
