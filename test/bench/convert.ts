import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { QEMU_IMG } from '../support/qemu';
import { buildDataChain, STORED } from './inputs/dataChains';
import { time } from './programs';
import type { Row, Section } from './sections';
import { figure } from './sections';
import { median } from './statistics';
import type { World } from './world';

const GIB = 2 ** 30;
const ROUNDS = 3;

/** Raw copies of chains that hold data, and qemu-img making the same in turn with it. */
export async function measureConvert(world: World): Promise<Section> {
  const rows: Row[] = [];
  for (const stored of STORED) {
    const image = await buildDataChain(world.cache, stored, world.dataSize);
    const target = join(world.out, 'converted.raw');
    const timeOf = (program: string, args: readonly string[]): number => {
      rmSync(target, { force: true });
      return time(program, [...args, image, target]);
    };
    const ours = (): number => timeOf(process.execPath, [world.cli, 'convert', '-O', 'raw']);
    // What is written is brought to the disk, which qemu-img leaves out unless it is told not to.
    const qemu = (): number => timeOf(QEMU_IMG, ['convert', '-t', 'writeback', '-O', 'raw']);
    const times = { ours: [] as number[], qemu: [] as number[] };
    try {
      // Once to bring the chain into the page cache.
      ours();
      for (let round = 0; round < Math.min(ROUNDS, world.rounds); round += 1) {
        console.error(`convert, ${stored}: round ${round + 1}`);
        times.ours.push(ours());
        if (world.qemu) times.qemu.push(qemu());
      }
    } finally {
      rmSync(target, { force: true });
    }
    const taken = { ours: median(times.ours), qemu: median(times.qemu) };
    const compared = world.qemu
      ? [figure(taken.qemu, 'ms'), figure(taken.qemu / taken.ours, '×', { atLeast: 1 })]
      : [null, null];
    rows.push({
      headline: true,
      what: `${world.dataSize / GIB} GiB, 2 layers, ${stored}, to raw`,
      aim: '≥ 1 ×',
      figures: [figure(taken.ours, 'ms'), ...compared],
    });
  }
  return { title: 'Convert', columns: ['vmdisk', 'qemu-img', 'faster'], rows };
}
