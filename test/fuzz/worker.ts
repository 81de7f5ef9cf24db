import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { codecsReady } from '../../src/node/codecs';
import { Draw } from '../support/random';
import { Coverage } from './coverage';
import type { Lineage } from './run';
import { Runner } from './run';

/** What a worker is started with. */
export interface Task {
  readonly seed: number;
  /** A driver's id: only its images; those of all when left out. */
  readonly format: string | undefined;
  /** Runs `[first, last)`, or the one of `only`. */
  readonly first: number;
  readonly last: number;
  readonly only: Lineage | undefined;
  /** What reached new code before: further runs start from it. */
  readonly kept: readonly Lineage[];
  readonly bundle: string;
}

export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'begin'; readonly lineage: Lineage }
  | { readonly kind: 'end'; readonly refused: boolean; readonly givenUp: number; readonly totalMs: number }
  | { readonly kind: 'failure'; readonly lineage: Lineage; readonly what: string }
  | { readonly kind: 'kept'; readonly lineage: Lineage }
  | {
      readonly kind: 'coverage';
      readonly reached: number;
      readonly characters: number;
      readonly never: readonly string[];
    };

/** Processor time that a run may take, milliseconds: the first facts, one step between two yields, all of it. */
const MOST_FACTS_MS = 1000;
const MOST_STEP_MS = 1000;
const MOST_RUN_MS = 2000;
/** One run in so many is run twice. */
const TWICE = 64;
/** One run in so many is measured for what code it reaches: that takes as long as a few runs. */
const MEASURED = 100;
const FROM_KEPT = 0.5;
/** Bytes that earlier runs may leave behind before they are put away. */
const LEFT_BEHIND = 64 * 2 ** 20;
const LONGEST_LINEAGE = 12;

/** Does the runs of a task, telling of each what comes of it. */
export async function work(): Promise<void> {
  const { seed, format, first, last, only, kept: before, bundle } = workerData as Task;
  await codecsReady();
  const runner = new Runner(seed, format);
  if (only === undefined) runner.prepare();
  const kept = [...before];
  const coverage = new Coverage(bundle);
  tell({ kind: 'ready' });
  const collect = collector();
  for (let number = first; number < last; number += 1) {
    collect();
    const lineage = only ?? choose(Draw.named(seed, `parent ${number}`), kept, number);
    tell({ kind: 'begin', lineage });
    const measured = number % MEASURED === 0;
    if (measured) coverage.take();
    run(runner, lineage, number % TWICE === 0 || only !== undefined);
    if (measured && coverage.take() > 0 && only === undefined) {
      kept.push(lineage);
      tell({ kind: 'kept', lineage });
    }
  }
  tell({ kind: 'coverage', ...coverage.report() });
}

/** Puts away what earlier runs left behind, so that what a run takes is its own. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const held = (): number => {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  gc();
  const most = held() + LEFT_BEHIND;
  return () => {
    if (held() > most) gc();
  };
}

const tell = (message: Message): void => parentPort?.postMessage(message);

function choose(draw: Draw, kept: readonly Lineage[], number: number): Lineage {
  if (kept.length === 0 || !draw.chance(FROM_KEPT)) return [number];
  const parent = draw.pick(kept);
  return parent.length < LONGEST_LINEAGE ? [...parent, number] : [number];
}

function run(runner: Runner, lineage: Lineage, twice: boolean): void {
  const fail = (what: string): void => {
    tell({ kind: 'failure', lineage, what });
  };
  try {
    const outcome = runner.run(lineage, twice);
    const { refused, givenUp, factsMs, totalMs, longestStepMs, longestStepOf } = outcome;
    tell({ kind: 'end', refused: refused !== undefined, givenUp, totalMs });
    if (factsMs > MOST_FACTS_MS) fail(`the first facts took ${factsMs.toFixed(0)} ms`);
    if (longestStepMs > MOST_STEP_MS) fail(`one step of ${longestStepOf} took ${longestStepMs.toFixed(0)} ms`);
    if (totalMs > MOST_RUN_MS) fail(`the run took ${totalMs.toFixed(0)} ms`);
    if (outcome.digest === '') return;
    const { digest } = runner.run(lineage, true);
    if (digest !== '' && digest !== outcome.digest) fail('the answers differ from one time to the next');
  } catch (error) {
    fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
