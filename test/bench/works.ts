import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../fixtures/build/index';
import { buildQcow2, noise, writeImage, zeroAllocated } from '../fixtures/build/index';
import { QEMU_IMG } from '../support/qemu';
import { withTempFolder } from '../support/temp';
import { time } from './programs';
import type { Row, Section } from './sections';
import { figure } from './sections';
import { median } from './statistics';
import type { World } from './world';

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

/** What takes a while on small images, through the command line, and qemu-img doing the same in turn with it. */
export function measureWorks(world: World): Section {
  return withTempFolder('bench', (folder) => {
    writeInputs(folder);
    const timeOf = (program: string, args: readonly string[]): number => {
      rmSync(join(folder, 'out'), { force: true });
      return time(program, args, { cwd: folder });
    };
    const rows = WORKS.map(({ what, ours, qemu }): Row => {
      const times = { ours: [] as number[], qemu: [] as number[] };
      for (let round = 0; round < world.rounds; round += 1) {
        times.ours.push(timeOf(process.execPath, [world.cli, ...ours]));
        if (world.qemu) times.qemu.push(timeOf(QEMU_IMG, qemu));
      }
      const taken = { ours: median(times.ours), qemu: median(times.qemu) };
      const compared = world.qemu ? [figure(taken.qemu, 'ms'), figure(taken.qemu / taken.ours, '×')] : [null, null];
      return { what, figures: [figure(taken.ours, 'ms'), ...compared] };
    });
    return { title: 'Works on small images', columns: ['vmdisk', 'qemu-img', 'faster'], rows };
  });
}
