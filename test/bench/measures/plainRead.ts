import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { TableRange } from '../inputs/formatFiles';
import { median } from '../statistics';
import { openTables } from './tables';

/**
 * Reads each L2 table of a chain once, in guest order, layer after layer, into one buffer, knowing where they are: the
 * least that anybody who wants to know all owners has to do. Prints one line of JSON, a `PlainRead`.
 *   node plainRead.js IMAGE…
 * Of an image of another format, the tables that a file lists (`TableRange`s as JSON):
 *   node plainRead.js --ranges RANGES IMAGE
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

/** Pieces of a file that hold tables. */
interface Pieces {
  readonly file: number;
  readonly ranges: readonly TableRange[];
  readonly fewestReads: number;
}

function piecesOf(args: readonly string[]): Pieces[] {
  const [option, ranges, image] = args;
  if (option === '--ranges' && ranges !== undefined && image !== undefined) {
    const told = JSON.parse(readFileSync(ranges, 'utf8')) as TableRange[];
    return [{ file: openSync(image, 'r'), ranges: told, fewestReads: told.length }];
  }
  return args.map((path) => {
    const { file, tableBytes, offsets, fewestReads } = openTables(path);
    return { file, ranges: [...offsets].map((offset) => [offset, tableBytes] as const), fewestReads };
  });
}

const chain = piecesOf(process.argv.slice(2));
const lengths = chain.flatMap(({ ranges }) => ranges.map(([, length]) => length));
const buffer = Buffer.alloc(lengths.reduce((most, length) => Math.max(most, length), 0));

function readAll(): number {
  const begun = performance.now();
  for (const { file, ranges } of chain) {
    for (const [offset, length] of ranges) readSync(file, buffer, 0, length, offset);
  }
  return performance.now() - begun;
}

// Once to bring the tables into the page cache.
readAll();
const figures: PlainRead = {
  time: median(Array.from({ length: PASSES }, readAll)),
  bytes: lengths.reduce((sum, length) => sum + length, 0),
  fewestReads: chain.reduce((sum, { fewestReads }) => sum + fewestReads, 0),
};
for (const { file } of chain) closeSync(file);
console.log(JSON.stringify(figures));
