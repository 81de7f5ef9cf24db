import type { ImageWorker } from '../../../src/node/workerClient';
import { Random } from '../../fixtures/build/random';
import { median } from '../statistics';
import { peakMemory } from './memory';
import type { OpenTimes } from './opening';
import { answerOnly, openOnNewWorker } from './opening';

/**
 * Opens one image once, in a process that does nothing else. Prints one line of JSON: an `OpenFigures`, with `probes`
 * where they are asked for.
 *   node open.js WORKER IMAGE [probe]
 */
const [, , workerPath = '', image = '', probe] = process.argv;

export interface OpenFigures extends OpenTimes {
  /** Bytes; the most that the process ever had until the map was complete. */
  readonly peak: number;
  /** The share of the disk whose owner is not known in the end: all of its map must be there for times to count. */
  readonly unknown: number;
  readonly probes?: Probes;
}

/** Median and worst, milliseconds in the worker: what a call took, less one that does nothing. */
export interface Spread {
  readonly median: number;
  readonly worst: number;
}

export interface Probes {
  /** By viewport, each one's median of some calls. */
  readonly cells: Spread;
  /** The slowest of all these calls. */
  readonly slowestCall: number;
  readonly trace: Spread;
  /** Of 4 KiB at random places, for the first time and right after it. */
  readonly readFirst: Spread;
  readonly readAgain: Spread;
}

const READ = 4096;
const SEED = 5;
const CELL_COUNTS = [4096, 10_000, 20_000];
/** The whole disk, then ever deeper. */
const ZOOMS = [1, 4, 16, 64, 256, 1024, 4096];
const PLACES = 5;
/** Of each viewport. */
const CALLS = 3;
const ROUNDS = 100;
/** Before it counts: code that has not run yet is slow. */
const WARM_UP = 20;

async function main(): Promise<void> {
  const { worker, summary, times } = await openOnNewWorker(workerPath, image);
  try {
    const peak = peakMemory();
    const { guestSize, accounting } = summary;
    const unknown = (accounting?.unknown ?? guestSize) / guestSize;
    const unit = Math.min(...summary.layers.map(({ grain }) => grain));
    const probes = probe === undefined ? undefined : await probing(worker, guestSize, unit);
    const figures: OpenFigures = { ...times, peak, unknown, ...(probes && { probes }) };
    console.log(JSON.stringify(figures));
  } finally {
    worker.dispose();
  }
}

async function probing(worker: ImageWorker, guestSize: number, unit: number): Promise<Probes> {
  const random = new Random(SEED);
  const place = (room: number): number => Math.floor((random.next() / 2 ** 32) * room);
  const empty = median(await timed(Array.from({ length: ROUNDS }, () => () => answerOnly(worker))));
  const viewports = CELL_COUNTS.flatMap((cells) =>
    ZOOMS.flatMap((zoom) =>
      Array.from({ length: PLACES }, () => {
        // As the page has it: cells double from the disk's unit on, and begin at a multiple of themselves.
        let cellBytes = unit;
        while (cellBytes * cells * zoom < guestSize) cellBytes *= 2;
        const start = place(Math.max(0, guestSize - cellBytes * cells));
        return {
          start: start - (start % cellBytes),
          cellBytes,
          cells: Math.min(cells, Math.ceil(guestSize / cellBytes)),
        };
      }),
    ),
  );
  const offsets = Array.from({ length: ROUNDS }, () => place(guestSize - READ));
  const cells = viewports.map((viewport) => () => worker.call('pixels', viewport));
  const traces = offsets.map((offset) => () => worker.call('trace', { offset }));
  const reads = offsets.map((offset) => () => worker.call('read', { offset, length: READ }));
  await timed(cells.slice(0, WARM_UP));
  // One after the other, and all of them again: none finds what it needs in the processor's cache.
  const rounds: number[][] = [];
  while (rounds.length < CALLS) rounds.push(await timed(cells));
  const medians = cells.map((_, i) => median(rounds.map((times) => times[i] ?? NaN)));
  const spread = (times: number[]): Spread => ({
    median: Math.max(0, median(times) - empty),
    worst: Math.max(0, Math.max(...times) - empty),
  });
  const traced = await timedTwice(traces);
  const read = await timedTwice(reads);
  return {
    cells: spread(medians),
    slowestCall: spread(rounds.flat()).worst,
    trace: spread(traced.again),
    readFirst: spread(read.first),
    readAgain: spread(read.again),
  };
}

type Call = () => Promise<unknown>;

async function timed(calls: readonly Call[]): Promise<number[]> {
  const times: number[] = [];
  for (const call of calls) {
    const begun = performance.now();
    await call();
    times.push(performance.now() - begun);
  }
  return times;
}

/** The times of each call, and of the same right after it: what is asked for is warm then. */
async function timedTwice(calls: readonly Call[]): Promise<{ readonly first: number[]; readonly again: number[] }> {
  const both = await timed(calls.flatMap((call) => [call, call]));
  return { first: both.filter((_, i) => i % 2 === 0), again: both.filter((_, i) => i % 2 === 1) };
}

void main();
