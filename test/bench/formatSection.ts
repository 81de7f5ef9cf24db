import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QEMU_IMG } from '../support/qemu';
import { cached } from './inputs/cache';
import type { FormatInput } from './inputs/formatFiles';
import { FORMAT_INPUTS } from './inputs/formatFiles';
import { countRanges } from './mapFiles';
import type { OpenFigures } from './measures/open';
import type { PlainRead } from './measures/plainRead';
import { measure, time } from './programs';
import type { Row, Section } from './sections';
import { figure, headline, mebibytes } from './sections';
import { median } from './statistics';
import type { World } from './world';

/**
 * qemu-img tells one range of data for a whole VHDX, which takes it no time; in a Parallels disk of so many clusters
 * qemu-img 10.0.2 ends with a failed assertion (block/io.c, `bdrv_co_do_block_status`).
 */
const NOT_MAPPED_BY_QEMU = ['vhdx', 'parallels'];

/** Each format but qcow2: the time until all is known beside the plain read of its tables, and beside qemu-img. */
export async function measureFormats(world: World): Promise<Section> {
  const rows: Row[] = [];
  for (const input of FORMAT_INPUTS) {
    console.error(`formats: ${input.what}`);
    rows.push(headline(await measureFormat(world, input)));
  }
  return {
    title: 'Other formats, half of the disk in runs of 4 blocks',
    columns: ['tables', 'ranges', 'plain read', 'ready', '× plain read', 'vmdisk map', 'qemu-img map'],
    rows,
  };
}

async function measureFormat(world: World, { format, what, write }: FormatInput): Promise<Row> {
  const name = `disk.${format}`;
  const folder = await cached(world.cache, `format-${format}`, { what }, (target) => {
    writeFileSync(join(target, 'tables.json'), JSON.stringify(write(join(target, name))));
  });
  const [image, tables] = [join(folder, name), join(folder, 'tables.json')];
  const [ours, theirs] = ['ours', 'qemu'].map((who) => join(world.out, `map-${format}.${who}.json`)) as [
    string,
    string,
  ];
  const plain: PlainRead[] = [];
  const opened: OpenFigures[] = [];
  const maps: number[] = [];
  try {
    for (let round = 0; round < world.rounds; round += 1) {
      plain.push(measure('plainRead', ['--ranges', tables, image]));
      opened.push(measure('open', [world.worker, image]));
      maps.push(time(process.execPath, [world.cli, 'map', '--output', 'json', image], { stdout: ours }));
    }
    const byQemu = world.qemu && !world.quick && !NOT_MAPPED_BY_QEMU.includes(format);
    const qemu = byQemu ? time(QEMU_IMG, ['map', '--output=json', '-f', format, image], { stdout: theirs }) : undefined;
    const [read, ready] = [median(plain.map((one) => one.time)), median(opened.map((one) => one.ready))];
    if (opened.some(({ unknown }) => unknown > 0)) throw new Error(`${what}: not all of the disk is known`);
    return {
      what,
      figures: [
        mebibytes(plain[0]!.bytes),
        figure(countRanges(ours), ''),
        figure(read, 'ms'),
        figure(ready, 'ms'),
        figure(ready / read, '×'),
        figure(median(maps), 'ms'),
        qemu === undefined ? null : figure(qemu, 'ms'),
      ],
    };
  } finally {
    for (const map of [ours, theirs]) rmSync(map, { force: true });
  }
}
