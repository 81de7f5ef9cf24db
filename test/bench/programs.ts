import type { SpawnSyncReturns } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenFigures } from './measures/open';
import type { PlainRead } from './measures/plainRead';
import type { Refresh } from './measures/refresh';

export interface RunOptions {
  readonly cwd?: string | undefined;
  /** A file that takes what the program prints; without one it is not kept. */
  readonly stdout?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** The measures by the names of their files, and what they print. */
interface Measures {
  readonly open: OpenFigures;
  readonly plainRead: PlainRead;
  readonly refresh: Refresh;
}

/** Runs a program to its end. @returns milliseconds @throws when it fails */
export function time(program: string, args: readonly string[], { cwd, stdout, env }: RunOptions = {}): number {
  const file = stdout === undefined ? undefined : openSync(stdout, 'w');
  try {
    const begun = performance.now();
    const ended = spawnSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', file ?? 'ignore', 'pipe'] });
    const taken = performance.now() - begun;
    assertEnded(ended, program, args);
    return taken;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Runs `vmdisk` to its end. @param stdout a file that takes what it prints
 * @returns milliseconds, and the most memory that it had, in bytes
 */
export function timeWithPeak(cli: string, args: readonly string[], stdout: string): { time: number; peak: number } {
  const target = `${stdout}.peak`;
  const env = { ...process.env, VMDISK_BENCH_PEAK: target };
  try {
    const taken = time(process.execPath, ['--require', script('tellPeak'), cli, ...args], { stdout, env });
    return { time: taken, peak: Number(readFileSync(target, 'utf8')) };
  } finally {
    rmSync(target, { force: true });
  }
}

/**
 * Runs one of the measures beside this bundle in a process of its own. @returns what it printed, which is JSON
 * @param counters a folder: the process's reads are then counted there (`measures/countReads.ts`)
 */
export function measure<N extends keyof Measures>(name: N, args: readonly string[], counters?: string): Measures[N] {
  const preload = counters === undefined ? [] : ['--require', script('countReads')];
  const all = [...preload, script(name), ...args];
  const env = { ...process.env, ...(counters !== undefined && { VMDISK_BENCH_READS: counters }) };
  const ended = spawnSync(process.execPath, all, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  assertEnded(ended, process.execPath, all);
  return JSON.parse(ended.stdout) as Measures[N];
}

const script = (name: string): string => join(__dirname, 'measures', `${name}.js`);

function assertEnded(ended: SpawnSyncReturns<string>, program: string, args: readonly string[]): void {
  if (ended.error) throw ended.error;
  if (ended.status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${ended.status}: ${ended.stderr}`);
}
