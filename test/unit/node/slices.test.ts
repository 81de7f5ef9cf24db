import assert from 'node:assert/strict';
import { inSlices, StopToken } from '../../../src/node/slices';

/** Long enough that a job of some such steps is cut into slices, however long those are. */
const STEP_MS = 4;

function busy(): void {
  const end = performance.now() + STEP_MS;
  while (performance.now() < end);
}

function* count(steps: number, log: string[] = []): Generator<number, string, void> {
  try {
    for (let step = 1; step <= steps; step += 1) {
      busy();
      log.push(`step ${step}`);
      yield step;
    }
    return 'done';
  } finally {
    log.push('left');
  }
}

describe('a job in slices', () => {
  it('comes to its result, one step after the other', async () => {
    const log: string[] = [];
    const seen: number[] = [];
    assert.equal(await inSlices(count(20, log), new StopToken(), (step) => void seen.push(step)), 'done');
    assert.deepEqual(log, [...Array.from({ length: 20 }, (_, i) => `step ${i + 1}`), 'left']);
    assert(seen.length > 1, `${seen.length} slices`);
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
      'progress rises',
    );
  });

  it('does nothing before its caller has gone on', async () => {
    const log: string[] = [];
    const job = inSlices(count(1, log), new StopToken(), () => undefined);
    assert.deepEqual(log, []);
    await job;
  });

  it('tells the last progress of each slice, when that is over', async () => {
    const log: string[] = [];
    await inSlices(count(20, log), new StopToken(), (step) => {
      assert.equal(log.at(-1), `step ${step}`);
    });
  });

  it('lets others have their turn in between', async () => {
    let turns = 0;
    let over = false;
    const take = (): void => {
      turns += 1;
      if (!over) setImmediate(take);
    };
    setImmediate(take);
    const before: number[] = [];
    await inSlices(count(20), new StopToken(), () => void before.push(turns));
    over = true;
    assert(before.length > 1);
    assert.deepEqual(before, [...new Set(before)], 'a turn between every two slices');
  });

  it('stops before it begins', async () => {
    const token = new StopToken();
    const job = inSlices(count(20), token, () => assert.fail('a slice was told of'));
    token.stop();
    assert.equal(await job, undefined);
  });

  it('stops between two slices, and tells nothing from then on', async () => {
    const token = new StopToken();
    const seen: number[] = [];
    const result = await inSlices(count(1000), token, (step) => {
      seen.push(step);
      token.stop();
    });
    assert.equal(result, undefined);
    assert.equal(seen.length, 1);
  });

  it('that fails fails as a whole', async () => {
    function* failing(): Generator<number, string, void> {
      throw new Error('broken');
    }
    await assert.rejects(
      inSlices(failing(), new StopToken(), () => undefined),
      /broken/,
    );
  });
});
