/**
 * npm run fuzz -- [--runs N] [--format DRIVER] [--seed N] [--from N] [--only LINEAGE]
 *
 * Broken images by the thousand, each opened and driven through everything that the core can do. The runs are done by a
 * worker thread with little memory; this one watches it, so that an endless loop and a run that takes too much are
 * caught, told of and put away. LINEAGE is what a failure is told with: `--only 17.502` does that one again.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, Worker } from 'node:worker_threads';
import { repositoryRoot } from '../support/root';
import type { Lineage } from './run';
import { Runner, writeCaseFile } from './run';
import type { Message, Task } from './worker';
import { work } from './worker';

const DEFAULT_SEED = 20_260_101;
const DEFAULT_RUNS = 20_000;
/** A run that goes on for longer is an endless loop, or as good as one. */
const HANG_MS = 30_000;
const WATCH_MS = 10;
/** Above what the process takes when it has done nothing yet. */
const MOST_MEMORY = 256 * 2 ** 20;
const HEAP_MB = 200;
const MOST_FAILURES = 20;
const TELL_EVERY_MS = 30_000;

class Supervisor {
  private readonly kept: Lineage[] = [];
  private failures = 0;
  private done = 0;
  private refused = 0;
  private givenUp = 0;
  private slowest = 0;
  private mostMemory = 0;
  private readonly begun = Date.now();

  constructor(
    private readonly seed: number,
    private readonly from: number,
    private readonly runs: number,
    private readonly only: Lineage | undefined,
    private readonly format: string | undefined,
  ) {}

  async run(): Promise<number> {
    const telling = setInterval(() => {
      this.tell();
    }, TELL_EVERY_MS);
    let next = this.from;
    while (next < this.from + this.runs && this.failures < MOST_FAILURES) next = await this.workOn(next);
    clearInterval(telling);
    this.tell();
    return this.failures;
  }

  /** Lets a worker do runs from `first` on. @returns the first that it did not come to */
  private workOn(first: number): Promise<number> {
    const { seed, format, only, kept } = this;
    const task: Task = { seed, format, first, last: this.from + this.runs, only, kept, bundle: __filename };
    const worker = new Worker(__filename, { workerData: task, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    return new Promise((resolve) => {
      let next = first;
      let lineage: Lineage = [];
      let since = Infinity;
      let baseline = Infinity;
      const stop = (why: string): void => {
        since = Infinity;
        this.fail(lineage, why);
        void worker.terminate();
      };
      const watch = setInterval(() => {
        const memory = process.memoryUsage.rss() - baseline;
        this.mostMemory = Math.max(this.mostMemory, memory);
        if (Date.now() - since > HANG_MS) stop(`no end after ${HANG_MS / 1000} s`);
        else if (memory > MOST_MEMORY && since < Infinity)
          stop(`${Math.round(memory / 2 ** 20)} MiB over the baseline`);
      }, WATCH_MS);
      worker.on('message', (message: Message) => {
        switch (message.kind) {
          case 'ready':
            baseline = process.memoryUsage.rss();
            return;
          case 'begin':
            ({ lineage } = message);
            since = Date.now();
            next += 1;
            return;
          case 'end':
            since = Infinity;
            this.done += 1;
            this.refused += message.refused ? 1 : 0;
            this.givenUp += message.givenUp;
            this.slowest = Math.max(this.slowest, message.totalMs);
            return;
          case 'failure':
            this.fail(message.lineage, message.what);
            if (this.failures >= MOST_FAILURES) void worker.terminate();
            return;
          case 'kept':
            this.kept.push(message.lineage);
            return;
          case 'coverage':
            console.log(`code of the core reached: ${((100 * message.reached) / message.characters).toFixed(1)} %`);
            console.log(`functions never reached: ${message.never.join(' ')}`);
        }
      });
      worker.on('error', (error) => {
        this.fail(lineage, error.stack ?? error.message);
      });
      worker.on('exit', () => {
        clearInterval(watch);
        resolve(next);
      });
    });
  }

  private fail(lineage: Lineage, what: string): void {
    this.failures += 1;
    const name = lineage.join('.');
    const format = this.format === undefined ? '' : `--format ${this.format} `;
    console.log(`\nFAILED: ${what}\n  again: npm run fuzz -- ${format}--seed ${this.seed} --only ${name}`);
    const folder = join(repositoryRoot(), 'out', 'fuzz', 'failed', `${this.seed}-${name}`);
    try {
      const { leaf, files } = new Runner(this.seed, this.format).files(lineage);
      for (const [file, image] of files) writeCaseFile(join(folder, file), image);
      console.log(`  image: ${join(folder, leaf)}`);
    } catch (error) {
      console.log(`  image: not written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private tell(): void {
    const seconds = (Date.now() - this.begun) / 1000;
    console.log(
      `${this.done} runs in ${seconds.toFixed(0)} s (${(this.done / seconds).toFixed(0)} a second): ` +
        `${this.failures} failed, ${this.refused} refused to open, ${this.givenUp} jobs given up, ` +
        `${this.kept.length} kept; at most ${this.slowest.toFixed(0)} ms and ${Math.round(this.mostMemory / 2 ** 20)} MiB`,
    );
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      seed: { type: 'string', default: String(DEFAULT_SEED) },
      from: { type: 'string', default: '0' },
      only: { type: 'string' },
      format: { type: 'string' },
    },
  });
  const only = values.only?.split('.').map(Number);
  const runs = only ? 1 : Number(values.runs ?? DEFAULT_RUNS);
  const numbers = [runs, Number(values.seed), Number(values.from), ...(only ?? [])];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    console.error('npm run fuzz -- [--runs N] [--format DRIVER] [--seed N] [--from N] [--only LINEAGE]');
    process.exitCode = 2;
    return;
  }
  console.log(`seed ${values.seed}, Node ${process.versions.node}`);
  const failures = await new Supervisor(Number(values.seed), Number(values.from), runs, only, values.format).run();
  process.exitCode = failures === 0 ? 0 : 1;
}

void (isMainThread ? main() : work());
