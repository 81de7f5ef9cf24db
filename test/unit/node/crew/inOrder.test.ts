import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { Claims } from '../../../../src/node/crew/claims';
import { inOrder, shareOrder } from '../../../../src/node/crew/inOrder';
import { StopToken } from '../../../../src/node/slices';
import type { RunningTask } from '../../../../src/node/crew/start';

const COUNT = 40;
const ALL = Array.from({ length: COUNT }, (_, index) => index);

/** A helper that claims the first piece and dies of it. */
const dying = (claims: Claims): RunningTask<undefined> => {
  claims.next();
  return { done: Promise.reject(new Error('died')), stop: () => Promise.resolve() };
};

interface Made {
  readonly index: number;
  readonly by: 'here' | 'helper';
}

async function run(
  start: (claims: Claims, used: Int32Array, arrived: (index: number, piece: Made) => void) => RunningTask<unknown>[],
): Promise<Made[]> {
  const order = shareOrder(COUNT);
  const used: Made[] = [];
  await inOrder<Made>({
    order,
    make: (index) => ({ index, by: 'here' }),
    use: (piece) => void used.push(piece),
    start: (arrived) => start(Claims.from(order.claims), new Int32Array(order.used), arrived),
  });
  return used;
}

describe('pieces in order', () => {
  it('are all made here where nobody helps', async () => {
    assert.deepEqual(
      await run(() => []),
      ALL.map((index) => ({ index, by: 'here' })),
    );
  });

  it('do not wait for a helper that died while another one waits for its piece to be used', async () => {
    // The second helper claims a piece far ahead, and makes it once the first piece is used.
    const used = await run((claims, count, arrived) => {
      const first = dying(claims);
      const far = claims.next() ?? NaN;
      const waiting = async (): Promise<void> => {
        while (Atomics.load(count, 0) === 0) await setImmediate();
        arrived(far, { index: far, by: 'helper' });
      };
      return [first, { done: waiting(), stop: () => Promise.resolve() }];
    });
    assert.deepEqual(
      used.map(({ index }) => index),
      ALL,
    );
    assert.equal(used[0]?.by, 'here');
  });

  it('are used no more once it was stopped, though a helper never comes with its own', async () => {
    const token = new StopToken();
    const order = shareOrder(COUNT);
    const used: number[] = [];
    let ended = 0;
    await inOrder<number>({
      order,
      token,
      make: (index) => index,
      use: (index) => void used.push(index),
      start: () => {
        Claims.from(order.claims).next();
        setTimeout(() => {
          token.stop();
        }, 5);
        const stop = (): Promise<void> => {
          ended += 1;
          return Promise.resolve();
        };
        return [{ done: new Promise<never>(() => undefined), stop }];
      },
    });
    assert.deepEqual([used, ended], [[], 1]);
  });

  it('are used once, though a helper comes with one that was made here meanwhile', async () => {
    const used = await run((claims, count, arrived) => {
      const first = dying(claims);
      const late = claims.next() ?? NaN;
      const tooLate = async (): Promise<void> => {
        while (Atomics.load(count, 0) <= late) await setImmediate();
        arrived(late, { index: late, by: 'helper' });
      };
      return [first, { done: tooLate(), stop: () => Promise.resolve() }];
    });
    assert.deepEqual(
      used,
      ALL.map((index) => ({ index, by: 'here' })),
    );
  });
});
