import { setImmediate } from 'node:timers/promises';
import type { SharedClaims } from './claims';
import { Claims } from './claims';
import type { StopToken } from '../slices';
import type { RunningTask } from './start';

/** How many pieces may be made ahead of the first one that is not used yet: each waits in memory. */
const AHEAD = 8;

/** Claims of pieces that are used in their order, and how many are used already. */
export interface SharedOrder {
  readonly claims: SharedClaims;
  readonly used: SharedArrayBuffer;
}

export function shareOrder(count: number): SharedOrder {
  return { claims: Claims.ofPieces(count).shared, used: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
}

/** A helper thread's claims: waits where it is too far ahead. */
export function* claimInOrder({ claims, used }: SharedOrder): Generator<number, void, void> {
  const count = new Int32Array(used);
  const mine = Claims.from(claims);
  for (let piece = mine.next(); piece !== undefined; piece = mine.next()) {
    for (let now = Atomics.load(count, 0); piece >= now + AHEAD; now = Atomics.load(count, 0))
      Atomics.wait(count, 0, now);
    yield piece;
  }
}

export interface InOrder<P> {
  readonly order: SharedOrder;
  readonly token?: StopToken | undefined;
  /** Makes a piece in this thread. */
  readonly make: (index: number) => P;
  /** Is given all pieces in their order; the next one once it is done with one. */
  readonly use: (piece: P, index: number) => void | Promise<void>;
  /** Starts the helpers' tasks; `arrived` is to be told each piece that they make. */
  readonly start: (arrived: (index: number, piece: P) => void) => readonly RunningTask<unknown>[];
}

/**
 * Makes pieces here and in helper threads, and uses them in order. What a helper claimed and did not make, since it
 * failed, is made here: as nobody knows which helper claimed what, once one has failed a piece whose turn it is is not
 * waited for. Stopped it uses no more.
 */
export async function inOrder<P>({ order, make, use, start, token }: InOrder<P>): Promise<void> {
  const claims = Claims.from(order.claims);
  const used = new Int32Array(order.used);
  const made = new Map<number, P>();
  const { count } = order.claims;
  let next = 0;
  let wake = (): void => undefined;
  const tasks = start((index, piece) => {
    // A helper may still come with one that was not waited for.
    if (index < next) return;
    made.set(index, piece);
    wake();
  });
  token?.onStop(() => {
    wake();
  });
  const helpers = { running: tasks.length, failed: false };
  for (const { done } of tasks) {
    const ended = (): void => {
      helpers.running -= 1;
      wake();
    };
    done.then(ended, () => {
      helpers.failed = true;
      ended();
    });
  }
  try {
    while (next < count) {
      if (token?.stopped) return;
      const piece = made.get(next);
      if (piece !== undefined) {
        made.delete(next);
        await use(piece, next);
        if (token?.stopped) return;
        next += 1;
        Atomics.store(used, 0, next);
        Atomics.notify(used, 0);
        continue;
      }
      const claimed = claims.claimed < next + AHEAD ? claims.next() : undefined;
      if (claimed !== undefined) made.set(claimed, make(claimed));
      else if (helpers.failed || helpers.running === 0) made.set(next, make(next));
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      await setImmediate();
    }
    // They have nothing left to claim, and may have something to tell of what they did.
    await Promise.allSettled(tasks.map(({ done }) => done));
  } finally {
    for (const task of tasks) void task.stop();
  }
}
