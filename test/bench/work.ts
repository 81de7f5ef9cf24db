import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../fixtures/build/index';
import { buildQcow2, noise, writeImage, zeroAllocated } from '../fixtures/build/index';
import { qemuVersion } from '../support/qemu';
import { withTempFolder } from '../support/temp';

/**
 * Times what takes a while, through the CLI, and qemu-img doing the same in turn with it. Prints one line of JSON: for
 * each, the medians in milliseconds; `qemu` is left out where qemu-img is not there.
 */

const [, , cli = '', rounds = '5'] = process.argv;
const MIB = 2 ** 20;

interface Work {
  readonly what: string;
  readonly ours: readonly string[];
  readonly qemu: readonly string[];
}

const WORKS: readonly Work[] = [
  { what: 'check 256 Ki clusters of 512 bytes', ours: ['check', 'small'], qemu: ['check', 'small'] },
  { what: 'compare two disks of 256 MiB', ours: ['compare', 'data', 'same'], qemu: ['compare', 'data', 'same'] },
  ...(['raw', 'qcow2'] as const).map((format) => ({
    // What is written is brought to the disk, which qemu-img leaves out unless it is told not to.
    what: `convert 256 MiB of data to ${format}`,
    ours: ['convert', '-O', format, 'data', 'out'],
    qemu: ['convert', '-t', 'writeback', '-O', format, 'data', 'out'],
  })),
];

function writeInputs(folder: string): void {
  const kept = Array.from({ length: 2 ** 18 }, (_, i): [number, Cluster] => [i, zeroAllocated()]);
  writeImage(join(folder, 'small'), buildQcow2({ size: 128 * MIB, clusterBits: 9, clusters: new Map(kept) }).image);
  // Two of three clusters, in pieces: what is between them is zero.
  const bytes = noise(1, 2 ** 16);
  const filled = Array.from({ length: 6 * 1024 }, (_, i): [number, Cluster] => [i, { kind: 'data', bytes }]);
  const clusters = new Map(filled.filter(([i]) => i % 12 < 8));
  const { image } = buildQcow2({ size: 384 * MIB, clusters });
  for (const name of ['data', 'same']) writeImage(join(folder, name), image);
}

function time(folder: string, program: string, args: readonly string[]): number {
  rmSync(join(folder, 'out'), { force: true });
  const start = performance.now();
  const { status, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - start;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;

withTempFolder('bench', (folder) => {
  writeInputs(folder);
  const compared = qemuVersion() !== undefined;
  const results = WORKS.map(({ what, ours, qemu }) => {
    const times = { ours: [] as number[], qemu: [] as number[] };
    for (let round = 0; round < Number(rounds); round += 1) {
      times.ours.push(time(folder, process.execPath, [cli, ...ours]));
      if (compared) times.qemu.push(time(folder, 'qemu-img', qemu));
    }
    return { what, ours: median(times.ours), ...(compared && { qemu: median(times.qemu) }) };
  });
  console.log(JSON.stringify(results));
});
