import fs from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

/**
 * Loaded before anything else in a process and in each of its threads (`--require`): counts the reads of files. Each
 * thread keeps its numbers in a file of its own in the folder that VMDISK_BENCH_READS names, since a thread that is
 * ended from outside has no last moment in which to tell them.
 */
const counter = fs.openSync(join(process.env['VMDISK_BENCH_READS'] ?? '.', String(threadId)), 'w');
/** Reads, bytes. */
const numbers = new Float64Array(2);

function count(bytes: number): void {
  numbers[0]! += 1;
  numbers[1]! += bytes;
  fs.writeSync(counter, numbers, 0, numbers.byteLength, 0);
}

type Read = (...args: unknown[]) => unknown;
const original = fs as unknown as Record<'readSync' | 'readvSync' | 'read' | 'readv', Read>;

function counted(read: Read): Read {
  return (...args) => {
    const bytes = read(...args);
    count(bytes as number);
    return bytes;
  };
}

/** The callback comes last, and gets an error and the number of bytes. */
function countedLater(read: Read): Read {
  return (...args) => {
    const answer = args.pop() as Read;
    return read(...args, (error: unknown, bytes: number, ...rest: unknown[]) => {
      count(bytes);
      return answer(error, bytes, ...rest);
    });
  };
}

Object.assign(fs, {
  readSync: counted(original.readSync),
  readvSync: counted(original.readvSync),
  read: countedLater(original.read),
  readv: countedLater(original.readv),
});
