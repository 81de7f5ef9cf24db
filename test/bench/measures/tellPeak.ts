import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { peakMemory } from './memory';

/** Loaded before a program (`--require`): when it ends, its peak of memory goes into the file that VMDISK_BENCH_PEAK names. */
const target = process.env['VMDISK_BENCH_PEAK'];
if (isMainThread && target !== undefined) process.on('exit', () => writeFileSync(target, String(peakMemory())));
