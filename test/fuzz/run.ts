import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OpenedSource, Environment } from '../../src/core';
import { DiskError, oneLine, ReadCache, Session } from '../../src/core';
import { codecs } from '../../src/node/codecs';
import { createEnvironment } from '../../src/node/environment';
import { openFile } from '../../src/node/files';
import type { SparseImage } from '../fixtures/build/index';
import { writeImage } from '../fixtures/build/index';
import { MemoryDisk } from '../support/memory';
import { PatternImage } from '../support/patternImage';
import { Draw } from '../support/random';
import { openDescriptors } from '../support/specialFiles';
import { withTempFolder } from '../support/temp';
import type { Case } from './cases';
import { Cases } from './cases';
import type { Exercise } from './exercises';
import { EXERCISES } from './exercises';
import { grammarOf } from './formats';
import { mutateFormat } from './formats/mutate';
import { mutate } from './mutate';

/**
 * Numbers of runs, oldest first: a case is drawn by the first, broken by each in turn, and driven by the last. Together
 * with the seed that is all there is to a run.
 */
export type Lineage = readonly number[];

export interface Outcome {
  /** Why the leaf could not be opened, where it could not. */
  readonly refused: string | undefined;
  /** Milliseconds of processor time until the first facts are told, and in all. */
  readonly factsMs: number;
  readonly totalMs: number;
  /** The longest that a job worked between two yields, milliseconds, and the exercise that it was of. */
  readonly longestStepMs: number;
  readonly longestStepOf: string;
  /** Jobs that were given up: they would have come to an end, some time. */
  readonly givenUp: number;
  /** Of every answer, where it was asked for and all were given. */
  readonly digest: string;
}

/** The jobs of one run have this long together; each ends sooner or later, but there are many runs to do. */
const JOBS_MS = 400;
const REAL_FILES = 0.02;
const NO_TOOLS = { platformTools: false };

/** Runs cases of one seed. Await `codecsReady` first. */
export class Runner {
  private readonly cases: Cases;

  /** @param format of which driver's images; of all when left out */
  constructor(
    private readonly seed: number,
    format?: string,
  ) {
    this.cases = new Cases(seed, format);
  }

  /** Makes all that runs have in common. */
  prepare(): void {
    this.cases.prepare();
  }

  /** The files of a run, as they are when it is driven. */
  files(lineage: Lineage): Case {
    const [first = 0] = lineage;
    const made = this.cases.draw(Draw.named(this.seed, `case ${first}`));
    const names = [...made.files.keys()];
    for (const number of lineage) {
      const draw = Draw.named(this.seed, `mutation ${number}`);
      const target = draw.chance(0.7) ? made.leaf : draw.pick(names);
      const image = made.files.get(target);
      if (!image || image.size === 0 || draw.chance(0.02)) continue;
      const known = [...names, 'gone'];
      if (made.format === 'qcow2') mutate(draw, image, known);
      else mutateFormat(draw, image, grammarOf(made.format), known);
    }
    return made;
  }

  /**
   * @param digest whether answers are remembered, which takes time; those about files on disk never are, since they
   *   tell when and where that was
   * @throws Error when anything but a DiskError comes of it, or when answers contradict each other
   */
  run(lineage: Lineage, digest: boolean): Outcome {
    const made = this.files(lineage);
    const number = lineage.at(-1) ?? 0;
    const draw = (): Draw => Draw.named(this.seed, `drive ${number}`);
    const small = [...made.files.values()].every((image) => !(image instanceof PatternImage) && image.size < 2 ** 24);
    return small && draw().chance(REAL_FILES) ? onDisk(made, draw()) : inMemory(made, draw(), digest);
  }
}

function inMemory({ leaf, files, format }: Case, draw: Draw, digest: boolean): Outcome {
  const disk = new MemoryDisk();
  for (const [name, image] of files) {
    disk.put(`/${name}`, { bytes: image, diskUsage: draw.pick([image.size, 2 ** 16, 0]) });
  }
  const outcome = drive({ gate: disk, codecs }, () => disk.leaf(`/${leaf}`), draw, digest, format);
  if (disk.openFiles.length > 0) throw new Error(`left open: ${disk.openFiles.join(', ')}`);
  return outcome;
}

function onDisk({ leaf, files, format }: Case, draw: Draw): Outcome {
  return withTempFolder('fuzz', (folder) => {
    for (const [name, image] of files) writeCaseFile(join(folder, name), image);
    const policy = { folders: [folder], allowed: [], ...NO_TOOLS };
    const outcome = drive(createEnvironment(policy), () => openFile(join(folder, leaf), NO_TOOLS), draw, false, format);
    const left = process.platform === 'linux' ? [...openDescriptors().values()] : [];
    if (left.some((path) => path.startsWith(folder))) throw new Error('a file is left open');
    return outcome;
  });
}

/** Holes stay holes; what repeats itself is written as far as it goes. */
export function writeCaseFile(path: string, image: SparseImage): void {
  mkdirSync(dirname(path), { recursive: true });
  writeImage(path, image);
}

/** Milliseconds that the process has worked: a machine that has other things to do makes every other clock run on. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function drive(
  environment: Environment,
  open: () => OpenedSource,
  draw: Draw,
  digest: boolean,
  format: string,
): Outcome {
  const hash = digest ? createHash('sha1') : undefined;
  let jobsMs = 0;
  let givenUp = 0;
  let longestStepMs = 0;
  let longestStepOf = '';
  let current = '';
  const begun = processorMs();
  const told = (refused: string | undefined, factsMs: number): Outcome => ({
    refused,
    factsMs,
    totalMs: processorMs() - begun,
    longestStepMs,
    longestStepOf,
    givenUp,
    digest: givenUp === 0 && hash ? hash.digest('hex') : '',
  });
  let session: Session;
  try {
    // What it is can mostly still be told by its bytes; where it can't, its driver sees it all the same.
    const told = format === 'qcow2' || draw.chance(0.5) ? { format } : {};
    session = new Session(environment, open(), { ...told, cache: new ReadCache() });
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    hash?.update(oneLine(error));
    return told(error.message, processorMs() - begun);
  }
  const subject = {
    session,
    draw,
    note: (answer: unknown) => hash?.update(answer instanceof Uint8Array ? answer : JSON.stringify(answer)),
    finish: <T>(job: Generator<unknown, T, void>): T | undefined => {
      while (jobsMs < JOBS_MS) {
        const stepBegun = processorMs();
        const step = job.next();
        const stepMs = processorMs() - stepBegun;
        jobsMs += stepMs;
        if (stepMs > longestStepMs) [longestStepMs, longestStepOf] = [stepMs, current];
        if (step.done) return step.value;
      }
      givenUp += 1;
      job.return(undefined as T);
      return undefined;
    },
  };
  try {
    attempt(EXERCISES['facts'], subject);
    const factsMs = processorMs() - begun;
    for (const [name, exercise] of Object.entries(EXERCISES)) {
      current = name;
      if (name !== 'facts') attempt(exercise, subject);
    }
    return told(undefined, factsMs);
  } finally {
    session.close();
  }
}

function attempt(exercise: Exercise | undefined, subject: Parameters<Exercise>[0]): void {
  try {
    exercise?.(subject);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    subject.note(oneLine(error));
  }
}
