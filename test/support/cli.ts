import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './root';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
  /** True when the process had to be stopped. */
  readonly timedOut: boolean;
}

export interface CliOptions {
  /** Working folder; the repository's when left out. */
  readonly cwd?: string;
  /** After which the process is stopped. */
  readonly timeout?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** The command line as built; `VMDISK_CLI` names another one to test, such as an installed one. */
export function cliPath(): string {
  const file = process.env['VMDISK_CLI'] ?? join(repositoryRoot(), 'dist', 'cli.js');
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`);
  return file;
}

/** Runs `vmdisk` as a user does: another process, its two streams and its exit code. */
export function runCli(args: readonly string[], options: CliOptions = {}): CliResult {
  const begin = process.hrtime.bigint();
  const result = spawnSync(process.execPath, [cliPath(), ...args], {
    cwd: options.cwd ?? repositoryRoot(),
    env: options.env ?? process.env,
    encoding: 'utf8',
    timeout: options.timeout ?? 60_000,
    maxBuffer: 256 * 1024 * 1024,
    windowsHide: true,
  });
  return {
    code: result.status,
    stdout: result.stdout,
    stderr: result.stderr,
    milliseconds: Number(process.hrtime.bigint() - begin) / 1e6,
    timedOut: (result.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT',
  };
}

/**
 * Runs a verb with `--output json`.
 * @throws when it fails, or when stdout is not JSON and nothing else
 */
export function runCliJson(args: readonly string[], options: CliOptions = {}): unknown {
  const [verb = '', ...rest] = args;
  const result = runCli([verb, '--output', 'json', ...rest], options);
  if (result.code !== 0) {
    throw new Error(`vmdisk ${args.join(' ')}: exit code ${result.code}\n${result.stderr}${result.stdout}`);
  }
  try {
    return JSON.parse(result.stdout) as unknown;
  } catch {
    throw new Error(`vmdisk ${args.join(' ')}: no JSON on stdout:\n${result.stdout.slice(0, 400)}`);
  }
}
