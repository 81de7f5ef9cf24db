import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { toWire } from '../../core/errors';
import type { Assignment, Report, Task, Tasks } from './task';

/** Does the task that this thread is sent; the thread ends with it. */
export async function serve(tasks: Tasks): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('this file runs as a helper thread');
  const report = (message: Report): void => {
    port.postMessage(message);
  };
  const [{ name, params }] = (await once(port, 'message')) as [Assignment];
  try {
    if (!Object.hasOwn(tasks, name)) throw new Error(`no such task: ${name}`);
    const task = tasks[name] as Task<unknown, unknown, unknown>;
    const result = await task(params, (part, transfer = []) => {
      const message: Report = { kind: 'part', part };
      port.postMessage(message, transfer);
    });
    report({ kind: 'done', result });
  } catch (error) {
    report({ kind: 'failed', error: toWire(error) });
  }
}
