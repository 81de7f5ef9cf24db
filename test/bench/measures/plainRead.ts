import { readSync } from 'node:fs';
import { median } from '../statistics';
import { bytesOf, closeTables, openTables } from './tables';

/**
 * Reads each L2 table of a chain once, in guest order, layer after layer, into one buffer, knowing where they are: the
 * least that anybody who wants to know all owners has to do. Prints one line of JSON, a `PlainRead`.
 *   node plainRead.js IMAGE…
 */
export interface PlainRead {
  /** Milliseconds, the median of some passes. */
  readonly time: number;
  /** Bytes read. */
  readonly bytes: number;
  /** The fewest reads that fetch headers and tables. */
  readonly fewestReads: number;
}

const PASSES = 3;
const chain = process.argv.slice(2).map(openTables);
const buffer = Buffer.alloc(Math.max(...chain.map(({ tableBytes }) => tableBytes)));

function readAll(): number {
  const begun = performance.now();
  for (const { file, tableBytes, offsets } of chain) {
    for (const offset of offsets) readSync(file, buffer, 0, tableBytes, offset);
  }
  return performance.now() - begun;
}

// Once to bring the tables into the page cache.
readAll();
const figures: PlainRead = {
  time: median(Array.from({ length: PASSES }, readAll)),
  bytes: bytesOf(chain),
  fewestReads: chain.reduce((sum, { fewestReads }) => sum + fewestReads, 0),
};
closeTables(chain);
console.log(JSON.stringify(figures));
