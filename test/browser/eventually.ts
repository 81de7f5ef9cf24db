import { isDeepStrictEqual } from 'node:util';
import { strict as assert } from 'node:assert';

const LIMIT_MS = 20_000;
const STEP_MS = 50;
/** Of an answer that is not right, so much is told. */
const TOLD = 1000;

/** Reads until `read` gives `expected`; then it passes. Otherwise it fails with how the last answer differs. */
export async function becomes<T>(read: () => T | Promise<T>, expected: T, what?: string): Promise<void> {
  await eventually(read, (value) => isDeepStrictEqual(value, expected), (value) => {
    assert.deepEqual(value, expected, what);
  });
}

/** Reads until `isRight` accepts the answer, and returns that. */
export async function until<T>(what: string, read: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  return eventually(read, isRight, (value) => {
    assert.fail(`${what}: not so, but ${JSON.stringify(value).slice(0, TOLD)}`);
  });
}

async function eventually<T>(
  read: () => T | Promise<T>, isRight: (value: T) => boolean, complain: (last: T) => void,
): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const value = await read();
    if (isRight(value)) return value;
    if (Date.now() > deadline) {
      complain(value);
      throw new Error('what was right just now is not');
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
