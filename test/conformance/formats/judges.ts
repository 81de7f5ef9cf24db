/** Who can tell what a guest reads from an image: readers that others wrote. */
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { qemuImg, qemuVersion } from '../../support/qemu';
import { repositoryRoot } from '../../support/root';

export type OtherJudge = 'libvhdi' | 'libvmdk' | 'libqcow' | '7-Zip' | typeof REPLAYED;

/** qemu-img reads no VHDX whose log waits to be replayed: it is asked about a copy in which it replayed that. */
const REPLAYED = 'qemu-img after replay';

/** Has the Python modules of libyal. */
const PYTHON = process.env['VMDISK_PYTHON'] ?? 'python3';
const LIBYAL = join(repositoryRoot(), 'test', 'conformance', 'formats', 'libyal.py');

/** What 7-Zip calls a driver's format. */
const SEVEN_ZIP_TYPES: Readonly<Record<string, string>> = {
  vpc: 'VHD',
  vhdx: 'VHDX',
  vdi: 'VDI',
  vmdk: 'VMDK',
  qcow: 'QCOW',
};

export interface Question {
  readonly folder: string;
  /** Newest first, as paths below the folder. */
  readonly chain: readonly string[];
  readonly format: string;
}

export function qemuName(): string {
  return `qemu-img ${qemuVersion()?.text ?? ''}`;
}

/** Writes what qemu-img reads to a raw file. */
export function readByQemu({ folder, chain: [leaf = ''], format }: Question, out: string): void {
  qemuImg(folder, 'convert', '-q', '-f', format, '-O', 'raw', leaf, out);
}

/**
 * Writes what a judge reads to a raw file.
 * @returns its name and version
 * @throws Error when it can't
 */
export function readBy(judge: OtherJudge, question: Question, out: string): string {
  if (judge === '7-Zip') return readBySevenZip(question, out);
  if (judge === REPLAYED) return readReplayed(question, out);
  const { folder, chain } = question;
  return `${judge} ${run(PYTHON, [LIBYAL, judge, out, ...chain], folder).trim()}`;
}

function readReplayed({ folder, chain: [leaf = ''], format }: Question, out: string): string {
  const copy = `${out}.copy`;
  copyFileSync(join(folder, leaf), copy);
  qemuImg(folder, 'check', '-q', '-r', 'all', '-f', format, copy);
  readByQemu({ folder, chain: [copy], format }, out);
  rmSync(copy);
  return `${qemuName()}, of a copy whose log it replayed`;
}

function readBySevenZip({ folder, chain, format }: Question, out: string): string {
  const type = SEVEN_ZIP_TYPES[format];
  const [leaf = ''] = chain;
  if (type === undefined) throw new Error(`7-Zip does not read ${format}`);
  const version = /7-Zip[^\d]*(?:\[64\] )?(\d+\.\d+)/.exec(run('7z', ['i'], folder))?.[1];
  const descriptor = openSync(out, 'w');
  try {
    const result = spawnSync('7z', ['x', '-so', `-t${type}`, leaf], {
      cwd: folder,
      stdio: ['ignore', descriptor, 'pipe'],
    });
    if (result.status !== 0) throw new Error(`7z ${leaf}: ${result.error?.message ?? String(result.stderr)}`);
  } finally {
    closeSync(descriptor);
  }
  return `7-Zip ${version ?? ''}`;
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 24 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
