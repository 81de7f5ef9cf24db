import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Overrides the names on PATH, for a build kept elsewhere. */
export const QEMU_IMG = process.env['VMDISK_QEMU_IMG'] ?? 'qemu-img';
const QEMU_IO = process.env['VMDISK_QEMU_IO'] ?? 'qemu-io';

/** One range of `qemu-img map --output=json`. `present` came with QEMU 6.1, `compressed` with 8.2. */
export interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  readonly compressed?: boolean;
  readonly offset?: number;
}

export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** The version of qemu-img, or undefined where there is none. */
export function qemuVersion(): QemuVersion | undefined {
  const result = spawnSync(QEMU_IMG, ['--version'], { encoding: 'utf8', windowsHide: true });
  const match = /version (\d+)\.(\d+)\S*/.exec(result.error ? '' : result.stdout);
  if (!match) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), text: match[0].replace('version ', '') };
}

/** To begin a suite with: where there is no qemu-img it has one test alone, which fails where there must be one. */
export function lacksQemu(): boolean {
  if (qemuVersion()) return false;
  it('need qemu-img', () => {
    assert.equal(process.env['VMDISK_REQUIRE_QEMU'] ?? '', '', 'there is no qemu-img on PATH: install qemu-utils');
  });
  return true;
}

export function isAtLeast(version: QemuVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** What failed, for callers to whom a failure is an answer. */
export class QemuError extends Error {
  constructor(
    readonly command: readonly string[],
    readonly status: number | null,
    readonly output: string,
  ) {
    super(`${command.join(' ')}: exit code ${status}\n${output}`);
    this.name = 'QemuError';
  }
}

/** How a program ended, whatever its exit code. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function attempt(program: string, args: readonly string[], cwd: string): Ended {
  const result = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 256 * 1024 * 1024,
    windowsHide: true,
  });
  if (result.error) throw result.error;
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { code, stdout, stderr } = attempt(program, args, cwd);
  if (code !== 0) throw new QemuError([program, ...args], code, stderr || stdout);
  return stdout;
}

/** Runs qemu-img in `cwd`. @throws QemuError when it fails */
export function qemuImg(cwd: string, ...args: readonly string[]): string {
  return run(QEMU_IMG, args, cwd);
}

/** Runs qemu-io in `cwd` with each command in turn. @throws QemuError when one of them fails */
export function qemuIo(cwd: string, image: readonly string[], commands: readonly string[]): void {
  if (commands.length === 0) return;
  const output = run(QEMU_IO, [...commands.flatMap((command) => ['-c', command]), ...image], cwd);
  // qemu-io ends with 0 after a failed write, saying so on stdout only.
  const failure = /^.*(?:failed|error|invalid|non-sector|not found).*$/im.exec(output);
  if (failure) throw new QemuError([QEMU_IO, ...commands, ...image], 0, failure[0]);
}

/** The map of an image, named by a path or, with secrets or options, by the arguments that open it. */
export function qemuMap(cwd: string, ...image: readonly string[]): MapEntry[] {
  return JSON.parse(qemuImg(cwd, 'map', '--output=json', ...image)) as MapEntry[];
}

export function qemuInfo(cwd: string, ...image: readonly string[]): Record<string, unknown> {
  return JSON.parse(qemuImg(cwd, 'info', '--output=json', ...image)) as Record<string, unknown>;
}

/** The exit code of `qemu-img compare`: 0 the same, 1 different. @throws QemuError when it can't compare */
export function qemuCompare(cwd: string, a: string, b: string): 0 | 1 {
  const format = (image: string): string => (image.endsWith('.raw') ? 'raw' : 'qcow2');
  const args = ['compare', '-q', '-U', '-f', format(a), '-F', format(b), a, b];
  const { code, stdout, stderr } = attempt(QEMU_IMG, args, cwd);
  if (code !== 0 && code !== 1) throw new QemuError([QEMU_IMG, ...args], code, stderr || stdout);
  return code;
}

/** What `qemu-img check` makes of an image. */
export interface QemuCheck {
  readonly code: number | null;
  /** Its numbers under their names, without the file's name; null where the check broke off. */
  readonly report: Readonly<Record<string, unknown>> | null;
  /** Its complaints, a line each. */
  readonly messages: string;
}

/** Checks an image, named by a path or, with secrets or options, by the arguments that open it. */
export function qemuCheck(cwd: string, ...image: readonly string[]): QemuCheck {
  const { code, stdout, stderr } = attempt(QEMU_IMG, ['check', '--output=json', ...image], cwd);
  if (stdout.trim() === '') return { code, report: null, messages: stderr };
  const entries = Object.entries(JSON.parse(stdout) as Record<string, unknown>);
  return { code, report: Object.fromEntries(entries.filter(([key]) => key !== 'filename')), messages: stderr };
}

/**
 * Has qemu-io open an image for writing, as a running VM does.
 * @returns closes it
 */
export async function holdOpen(cwd: string, image: string): Promise<() => Promise<void>> {
  const child = spawn(QEMU_IO, ['-f', 'qcow2', image], { cwd, stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true });
  const ended = once(child, 'exit');
  // It answers once the image is open.
  child.stdin.write('length\n');
  await Promise.race([once(child.stdout, 'data'), ended]);
  if (child.exitCode !== null) throw new QemuError([QEMU_IO, image], child.exitCode, 'it did not stay');
  return async () => {
    child.stdin.end('quit\n');
    await ended;
  };
}
