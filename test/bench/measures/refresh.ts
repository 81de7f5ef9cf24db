import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { ThreadReads } from '../reads';
import { readCounters, totalReads } from '../reads';
import { openOn, openOnNewWorker } from './opening';
import { closeTables, openTables } from './tables';

/**
 * Opens a chain, drops some clusters of its leaf as a VM's trim does, and opens it again on the same worker, as the
 * editor does when a file has changed. Prints one line of JSON, a `Refresh`. The leaf is changed.
 *   node --require countReads.js refresh.js WORKER IMAGE
 */
export interface Refresh {
  readonly first: Reading;
  readonly again: Reading;
}

/** What opening took until the map was complete: milliseconds, reads, bytes. */
export interface Reading extends ThreadReads {
  readonly time: number;
}

const [, , workerPath = '', image = ''] = process.argv;
const ENTRIES = 64;

async function main(): Promise<void> {
  const counters = process.env['VMDISK_BENCH_READS'] ?? '';
  const { worker, summary, times } = await openOnNewWorker(workerPath, image);
  try {
    const read = totalReads(readCounters(counters));
    dropClusters();
    const before = totalReads(readCounters(counters));
    const again = await openOn(worker, image, 0, summary);
    const after = totalReads(readCounters(counters));
    if (again.summary.accounting?.layers[0]?.owned === summary.accounting?.layers[0]?.owned)
      throw new Error('the leaf changed, and what is shown of it did not');
    const figures: Refresh = {
      first: { time: times.ready, ...read },
      again: { time: again.times.ready, reads: after.reads - before.reads, bytes: after.bytes - before.bytes },
    };
    console.log(JSON.stringify(figures));
  } finally {
    worker.dispose();
  }
}

/** Entries of one table in the middle of the first ones become those of clusters that are not allocated. */
function dropClusters(): void {
  const leaf = openTables(image);
  const at = leaf.offsets[leaf.offsets.length >> 3] ?? 0;
  closeTables([leaf]);
  const file = openSync(image, 'r+');
  const entries = Buffer.alloc(ENTRIES * 8);
  readSync(file, entries, 0, entries.length, at);
  if (entries.every((byte) => byte === 0)) throw new Error('there is nothing to drop in that table');
  writeSync(file, entries.fill(0), 0, entries.length, at);
  closeSync(file);
}

void main();
