import * as path from 'node:path';
import { Worker } from 'node:worker_threads';
import { fromWire } from '../../core/errors';
import type { Assignment, ParamsOf, PartOf, Report, ResultOf, Tasks } from './task';
import type { CrewTasks } from './tasks';

/** For objects; what is large, buffers, lies outside the heap. */
const MAX_HEAP_MB = 512;

/** Where the bundle of helper threads lies when that is not beside this one; given when bundles are made. */
declare const CREW_FOLDER: string | undefined;

const bundle = (): string => path.join(typeof CREW_FOLDER === 'undefined' ? __dirname : CREW_FOLDER, 'crew.js');

/** A task that a helper thread of its own works at. */
export interface RunningTask<R> {
  /** Fails with the task's error, when the thread dies, or when it is stopped. Whoever does not care may drop it. */
  readonly done: Promise<R>;
  /** Ends the thread, whatever it is doing; from then on no part is told. Resolves once it does nothing any more. */
  stop(): Promise<void>;
}

export interface TaskListener<T> {
  /** Is given what the task tells on its way, in that order and before `done`. */
  readonly onPart?: ((part: T) => void) | undefined;
}

/** Threads that wait for a task, by their file: one each. */
const waiting = new Map<string, Worker>();

/** Starts a thread that may be kept for the next task. It does not keep the process alive. */
export function launchHelper(file = bundle()): Worker {
  const worker = launch(file);
  worker.unref();
  // If it dies while it waits, another one is started when there is something to do.
  worker.on('error', () => undefined);
  return worker;
}

/** Keeps a thread for the next task, so that this need not wait for one. */
export function keepHelper(worker: Worker, file = bundle()): void {
  waiting.set(file, worker);
  worker.on('exit', () => {
    if (waiting.get(file) === worker) waiting.delete(file);
  });
}

/** Ends the thread that waits for a task. */
export function dismissHelper(file = bundle()): void {
  const worker = waiting.get(file);
  waiting.delete(file);
  void worker?.terminate();
}

/** Starts a task of `tasks.ts` in a thread of its own, which costs some 30 ms and a few MiB if none was prepared. */
export function startTask<N extends Extract<keyof CrewTasks, string>>(
  name: N,
  params: ParamsOf<CrewTasks[N]>,
  listener: TaskListener<PartOf<CrewTasks[N]>> = {},
): RunningTask<ResultOf<CrewTasks[N]>> {
  return startTaskOf<CrewTasks, N>(bundle(), name, params, listener);
}

/** @param file a bundle that serves these tasks, an absolute path */
export function startTaskOf<A extends Tasks, N extends Extract<keyof A, string>>(
  file: string,
  name: N,
  params: ParamsOf<A[N]>,
  { onPart }: TaskListener<PartOf<A[N]>> = {},
): RunningTask<ResultOf<A[N]>> {
  const worker = takePrepared(file) ?? launch(file);
  const assignment: Assignment = { name, params };
  worker.postMessage(assignment);
  let stopped = false;
  const done = new Promise<ResultOf<A[N]>>((resolve, reject) => {
    worker.on('message', (report: Report) => {
      if (stopped) return;
      if (report.kind === 'part') onPart?.(report.part as PartOf<A[N]>);
      else if (report.kind === 'done') resolve(report.result as ResultOf<A[N]>);
      else reject(fromWire(report.error));
    });
    worker.on('messageerror', reject);
    worker.on('error', reject);
    worker.on('exit', (code) => {
      reject(new Error(stopped ? `${name} was stopped` : `the thread of ${name} ended with code ${code}`));
    });
  });
  done.catch(() => undefined);
  return {
    done,
    stop: async () => {
      stopped = true;
      await worker.terminate();
    },
  };
}

function launch(file: string): Worker {
  return new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
}

function takePrepared(file: string): Worker | undefined {
  const worker = waiting.get(file);
  waiting.delete(file);
  worker?.ref();
  return worker;
}
