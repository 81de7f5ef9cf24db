import assert from 'node:assert/strict';
import { DiskError, fromWire, toWire } from '../../../src/core';
import type { Handlers, Message } from '../../../src/protocol/rpc';
import { Endpoint, moving } from '../../../src/protocol/rpc';

type Calls = {
  double: { params: number; result: number };
  later: { params: null; result: string };
  fail: { params: null; result: null };
  broken: { params: null; result: null };
  bytes: { params: number; result: Uint8Array };
};
type Events = { news: { readonly text: string }; other: number };
type None = Record<string, never>;

/** Two ends, joined by messages that are copied as between threads. */
class Pair {
  readonly sent: Message[] = [];
  /** Buffers that were moved. */
  readonly moved: ArrayBuffer[] = [];
  readonly caller: Endpoint<Calls, None, None, Events>;
  readonly answerer: Endpoint<None, Calls, Events, None>;

  constructor(handlers: Partial<Handlers<Calls>>) {
    const carry = (to: () => { receive(message: Message): void }) => (message: Message, moved: readonly ArrayBuffer[] = []): void => {
      const copy = structuredClone(message, { transfer: [...moved] });
      this.sent.push(copy);
      this.moved.push(...moved);
      setImmediate(() => {
        to().receive(copy);
      });
    };
    this.caller = new Endpoint({ send: carry(() => this.answerer), toWire, fromWire }, {});
    this.answerer = new Endpoint({ send: carry(() => this.caller), toWire, fromWire }, handlers as Handlers<Calls>);
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('calls', () => {
  it('are answered, each with its own result, in whatever order', async () => {
    const release: ((text: string) => void)[] = [];
    const { caller } = new Pair({
      double: (n) => 2 * n,
      later: () =>
        new Promise((resolve) => {
          release.push(resolve);
        }),
    });
    const first = caller.call('later', null);
    const second = caller.call('later', null);
    assert.deepEqual(await Promise.all([caller.call('double', 4), caller.call('double', 5)]), [8, 10]);
    release[1]?.('second');
    assert.equal(await second, 'second');
    release[0]?.('first');
    assert.equal(await first, 'first');
  });

  it('that fail are answered with the error, at once or later', async () => {
    const { caller } = new Pair({
      fail: () => {
        throw new TypeError('out of order');
      },
      broken: () => Promise.reject(new Error('later on')),
    });
    await assert.rejects(caller.call('fail', null), { name: 'Error', message: 'out of order' });
    await assert.rejects(caller.call('broken', null), { message: 'later on' });
  });

  it('that throw what is no error are answered with its text', async () => {
    const { caller } = new Pair({
      fail: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- libraries do
        throw 'a text';
      },
    });
    await assert.rejects(caller.call('fail', null), { name: 'Error', message: 'a text' });
  });

  it('that fail with a DiskError fail so at the other end, with all it says', async () => {
    const { caller } = new Pair({
      fail: () => {
        throw new DiskError('corrupt', 'it is broken', { file: '/images/disk', offset: 2 ** 40 }, 'Make it anew.');
      },
      broken: () => {
        throw new DiskError('limit', 'too much');
      },
    });
    await assert.rejects(caller.call('fail', null), (error) => {
      assert(error instanceof DiskError);
      const { code, message, file, offset, advice } = error;
      assert.deepEqual([code, message, file, offset, advice], [
        'corrupt', 'it is broken', '/images/disk', 2 ** 40, 'Make it anew.',
      ]);
      return true;
    });
    await assert.rejects(caller.call('broken', null), (error) => {
      assert(error instanceof DiskError);
      const { code, file, offset, advice } = error;
      assert.deepEqual([code, file, offset, advice], ['limit', undefined, undefined, undefined]);
      return true;
    });
  });

  it('are answered with a copy, or with the buffers themselves where nobody else looks at them', async () => {
    const kept = Uint8Array.of(1, 2, 3);
    const { caller, moved } = new Pair({
      bytes: (length) => (length === 0 ? kept : ((made) => moving(made, [made.buffer]))(new Uint8Array(length).fill(7))),
    });
    assert.deepEqual(await caller.call('bytes', 0), Uint8Array.of(1, 2, 3));
    assert.deepEqual([kept.length, moved.length], [3, 0]);
    assert.deepEqual(await caller.call('bytes', 2), Uint8Array.of(7, 7));
    assert.deepEqual(moved.map(({ byteLength }) => byteLength), [0], 'moved away');
  });

  it('that nobody answers fail, also by a name that every object has', async () => {
    const { caller } = new Pair({});
    await assert.rejects(caller.call('double', 1), /no such call: double/);
    for (const name of ['toString', 'constructor', '__proto__']) {
      await assert.rejects(caller.call(name as 'double', 1), new RegExp(`no such call: ${name}`));
    }
  });

  it('that wait when the connection is closed fail with its reason', async () => {
    const { caller } = new Pair({ later: () => new Promise(() => undefined) });
    const waiting = [caller.call('later', null), caller.call('later', null)];
    caller.close(new Error('the worker ended'));
    for (const call of waiting) await assert.rejects(call, { message: 'the worker ended' });
  });

  it('after that fail without being sent', async () => {
    const pair = new Pair({ double: (n) => 2 * n });
    pair.caller.close(new Error('over'));
    await assert.rejects(pair.caller.call('double', 1), /double: the connection is closed/);
    assert.deepEqual(pair.sent, []);
  });

  it('that are answered after that, or twice, disturb nothing', async () => {
    const pair = new Pair({ double: (n) => 2 * n });
    const { caller } = pair;
    assert.equal(await caller.call('double', 1), 2);
    const reply = pair.sent.find(({ type }) => type === 'reply');
    assert(reply);
    caller.receive(reply);
    assert.equal(await caller.call('double', 2), 4);
    const waiting = caller.call('double', 3);
    caller.close(new Error('over'));
    await assert.rejects(waiting, { message: 'over' });
    await turn();
    await turn();
  });
});

describe('events', () => {
  it('reach everyone who listens for them, in their order, and nobody else', async () => {
    const { caller, answerer } = new Pair({});
    const heard: string[] = [];
    caller.on('news', ({ text }) => heard.push(`one ${text}`));
    caller.on('news', ({ text }) => heard.push(`two ${text}`));
    caller.on('other', (n) => heard.push(`other ${n}`));
    answerer.emit('news', { text: 'a' });
    answerer.emit('other', 7);
    answerer.emit('news', { text: 'b' });
    await turn();
    await turn();
    assert.deepEqual(heard, ['one a', 'two a', 'other 7', 'one b', 'two b']);
  });

  it('no longer reach who stopped listening', async () => {
    const { caller, answerer } = new Pair({});
    const heard: string[] = [];
    const stop = caller.on('news', ({ text }) => heard.push(`one ${text}`));
    caller.on('news', ({ text }) => heard.push(`two ${text}`));
    stop();
    stop();
    answerer.emit('news', { text: 'a' });
    await turn();
    await turn();
    assert.deepEqual(heard, ['two a']);
  });

  it('that nobody listens for are no error', async () => {
    const { answerer } = new Pair({});
    answerer.emit('news', { text: 'a' });
    await turn();
    await turn();
  });

  it('are not sent once the connection is closed', () => {
    const pair = new Pair({});
    pair.answerer.close(new Error('over'));
    pair.answerer.emit('news', { text: 'a' });
    assert.deepEqual(pair.sent, []);
  });
});
