import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What one thread read. */
export interface ThreadReads {
  readonly reads: number;
  readonly bytes: number;
}

/** An empty folder for the counters of `measures/countReads.ts`. */
export function emptyCounters(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

/** The counters as they are now, one for each thread that read anything. */
export function readCounters(folder: string): ThreadReads[] {
  return readdirSync(folder).flatMap((thread) => {
    const bytes = readFileSync(join(folder, thread));
    if (bytes.length < 16) return [];
    const [reads = 0, total = 0] = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 16));
    return [{ reads, bytes: total }];
  });
}

export const totalReads = (threads: readonly ThreadReads[]): ThreadReads => ({
  reads: threads.reduce((sum, { reads }) => sum + reads, 0),
  bytes: threads.reduce((sum, { bytes }) => sum + bytes, 0),
});
