import assert from 'node:assert/strict';
import { isMainThread, threadId } from 'node:worker_threads';
import { DiskError } from '../../../../src/core';
import { Claims } from '../../../../src/node/crew/claims';
import type { SharedClaims } from '../../../../src/node/crew/claims';
import { serve } from '../../../../src/node/crew/serve';
import type { RunningTask } from '../../../../src/node/crew/start';
import { dismissHelper, keepHelper, launchHelper, startTaskOf } from '../../../../src/node/crew/start';
import type { ParamsOf, PartOf, ResultOf, TellPart } from '../../../../src/node/crew/task';

/** This file is what its helper threads run, too. */
const TASKS = {
  sum: (numbers: readonly number[]) => numbers.reduce((sum, next) => sum + next, 0),
  later: async () => {
    await Promise.resolve();
    return threadId;
  },
  count: (to: number, tell: TellPart<number>) => {
    for (let i = 1; i <= to; i += 1) tell(i);
    return 'counted';
  },
  /** @returns how long the buffer is here once it was sent */
  columns: (length: number, tell: TellPart<Float64Array>) => {
    const column = Float64Array.from({ length }, (_, i) => i);
    tell(column, [column.buffer]);
    return column.length;
  },
  refuse: (file: string) => {
    throw new DiskError('corrupt', 'the table is broken', { file, offset: 512 }, 'Mend it.');
  },
  crash: () => {
    process.exit(3);
  },
  never: () => {
    return new Promise<void>(() => undefined);
  },
  throwLater: () => {
    return new Promise<void>(() => {
      setImmediate(() => {
        throw new Error('nobody caught this');
      });
    });
  },
  forever: (_params: null, tell: TellPart<string>) => {
    tell('begun');
    for (;;);
  },
  take: (shared: SharedClaims) => {
    const claims = Claims.from(shared);
    const taken: number[] = [];
    for (let piece = claims.next(); piece !== undefined; piece = claims.next()) taken.push(piece);
    return taken;
  },
};

type TestTasks = typeof TASKS;

const start = <N extends keyof TestTasks>(
  name: N,
  params: ParamsOf<TestTasks[N]>,
  onPart?: (part: PartOf<TestTasks[N]>) => void,
  file = __filename,
): RunningTask<ResultOf<TestTasks[N]>> => startTaskOf<TestTasks, N>(file, name, params, { onPart });

if (isMainThread) {
  describe('a task in a helper thread', () => {
    it('takes parameters and gives a result', async () => {
      assert.equal(await start('sum', [1, 2, 39]).done, 42);
    });

    it('is in a thread of its own, which may wait', async () => {
      const ids = await Promise.all([0, 1].map(() => start('later', {}).done));
      assert.equal(new Set([threadId, ...ids]).size, 3);
    });

    it('is in the thread that is kept for it, and only one is', async () => {
      keepHelper(launchHelper(__filename), __filename);
      const before = await start('later', {}, undefined, __filename).done;
      const after = await start('later', {}, undefined, __filename).done;
      assert(before < after, `thread ${before} was started before ${after}`);
    });

    it('has a thread of its own when the one that was kept is dismissed, or died', async () => {
      keepHelper(launchHelper(__filename), __filename);
      dismissHelper(__filename);
      assert.equal(await start('sum', [1, 2]).done, 3);
      const gone = `${__filename}.gone`;
      const worker = launchHelper(gone);
      keepHelper(worker, gone);
      await new Promise((resolve) => worker.once('exit', resolve));
      await assert.rejects(start('sum', [], undefined, gone).done, /Cannot find module/);
    });

    it('tells parts on its way, in order, and all of them before it is done', async () => {
      const log: (number | string)[] = [];
      const onPart = (part: number): void => void log.push(part);
      log.push(await start('count', 1000, onPart).done);
      assert.deepEqual(log, [...Array.from({ length: 1000 }, (_, i) => i + 1), 'counted']);
    });

    it('moves what is to be moved', async () => {
      const parts: Float64Array[] = [];
      const onPart = (part: Float64Array): void => void parts.push(part);
      assert.equal(await start('columns', 3, onPart).done, 0);
      assert.deepEqual(parts, [Float64Array.of(0, 1, 2)]);
    });

    it('fails as it would have failed here', async () => {
      await assert.rejects(
        start('refuse', '/a/b').done,
        new DiskError('corrupt', 'the table is broken', { file: '/a/b', offset: 512 }, 'Mend it.'),
      );
    });

    it('fails when there is no such task, or no such file', async () => {
      await assert.rejects(start('toString' as 'sum', []).done, /no such task: toString/);
      await assert.rejects(start('sum', [], undefined, `${__filename}.gone`).done, /Cannot find module/);
    });

    it('fails when its thread dies', async () => {
      await assert.rejects(start('crash', {}).done, /crash ended with code 3/);
      await assert.rejects(start('throwLater', {}).done, /nobody caught this/);
    });

    it('fails when its thread ends without a word', async () => {
      await assert.rejects(start('never', {}).done, /the thread of never ended with code 0/);
    });

    it('is stopped at once, whatever it is doing', async () => {
      let begun: (() => void) | undefined;
      const running = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const task = start('forever', null, () => begun?.());
      await running;
      await task.stop();
      await assert.rejects(task.done, /forever was stopped/);
    });

    it('tells nothing any more once it is stopped', async () => {
      const parts: number[] = [];
      const task = start('count', 1000, (part) => {
        parts.push(part);
        void task.stop();
      });
      await assert.rejects(task.done, /count was stopped/);
      assert.deepEqual(parts, [1]);
    });

    it('stopped and dropped, it disturbs nobody', async () => {
      await start('forever', null).stop();
    });

    it('shares claims with others: each piece is claimed once, by each in rising order', async () => {
      const claims = Claims.ofPieces(100_000);
      const tasks = [0, 1].map(() => start('take', claims.shared));
      const mine = TASKS.take(claims.shared);
      const taken = [mine, ...(await Promise.all(tasks.map(({ done }) => done)))];
      for (const pieces of taken)
        assert.deepEqual(
          pieces,
          [...pieces].sort((a, b) => a - b),
        );
      assert.deepEqual(
        taken.flat().sort((a, b) => a - b),
        Array.from({ length: 100_000 }, (_, i) => i),
      );
    });
  });
} else void serve(TASKS);
