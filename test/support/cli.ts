import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { CliResult } from './cliHost';
import { CliHost } from './cliHost';
import { repositoryRoot } from './root';

export type { CliResult };

export interface CliOptions {
  /** Working folder; the repository's when left out. */
  readonly cwd?: string;
  /** Milliseconds after which the process is stopped. */
  readonly timeout?: number;
}

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** The command line as built; `VMDISK_CLI` names another one to test, such as an installed one. */
export function cliPath(): string {
  const file = process.env['VMDISK_CLI'] ?? join(repositoryRoot(), 'dist', 'cli.js');
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`);
  return file;
}

const settings = ({ cwd = repositoryRoot(), timeout = TIMEOUT_MS }: CliOptions) => {
  return { cwd, timeout, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true } as const;
};

/** Runs `vmdisk` as a user does: another process, its two streams and its exit code. */
export function runCli(args: readonly string[], options: CliOptions = {}): CliResult {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [cliPath(), ...args], settings(options));
  return { code: status, stdout, stderr, timedOut: (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT' };
}

/**
 * Runs a verb with `--output json`.
 * @throws when it fails, or when stdout is not JSON and nothing else
 */
export function runCliJson(args: readonly string[], options: CliOptions = {}): unknown {
  return parse(args, runCli(withJson(args), options));
}

/**
 * As `runCli`, many of them side by side, in processes that go on to the next call: as many as there are processors, the
 * others waiting their turn. For questions that are asked of hundreds of images; what a process of its own shows, such
 * as how it ends, is for `runCli`.
 */
export async function startCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const host = await turn();
  try {
    return await host.run(cliPath(), args, settings(options));
  } finally {
    const next = waiting.shift();
    if (next) next(host);
    else idle.push(host);
  }
}

/** As `runCliJson`, many of them side by side. */
export async function startCliJson(args: readonly string[], options: CliOptions = {}): Promise<unknown> {
  return parse(args, await startCli(withJson(args), options));
}

const idle = Array.from({ length: availableParallelism() }, () => new CliHost());
const waiting: ((host: CliHost) => void)[] = [];

async function turn(): Promise<CliHost> {
  return idle.pop() ?? new Promise<CliHost>((resolve) => waiting.push(resolve));
}

const withJson = ([verb = '', ...rest]: readonly string[]): string[] => [verb, '--output', 'json', ...rest];

function parse(args: readonly string[], { code, stdout, stderr }: CliResult): unknown {
  if (code !== 0) throw new Error(`vmdisk ${args.join(' ')}: exit code ${code}\n${stderr}${stdout.slice(0, 400)}`);
  try {
    return JSON.parse(stdout) as unknown;
  } catch {
    throw new Error(`vmdisk ${args.join(' ')}: no JSON on stdout:\n${stdout.slice(0, 400)}`);
  }
}
