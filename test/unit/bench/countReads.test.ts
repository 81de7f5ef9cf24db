import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { emptyCounters, readCounters } from '../../bench/reads';
import { repositoryRoot } from '../../support/root';
import { withTempFolder } from '../../support/temp';

/** Reads 10 + 20 bytes on the main thread and 3 × 7 on another, which is ended without a last word. */
const PROGRAM = `
  const { openSync, readSync } = require('node:fs');
  const { Worker, isMainThread, parentPort } = require('node:worker_threads');
  const file = openSync(__filename, 'r');
  const read = (bytes) => readSync(file, Buffer.alloc(bytes), 0, bytes, 0);
  if (isMainThread) {
    read(10);
    read(20);
    const worker = new Worker(__filename);
    worker.on('message', () => worker.terminate());
  } else {
    for (let i = 0; i < 3; i += 1) read(7);
    parentPort.postMessage('done');
    setInterval(() => undefined, 1000);
  }
`;

describe('counting reads for the bench', () => {
  it('counts each thread’s reads and bytes', () => {
    withTempFolder('bench', (folder) => {
      const counters = join(folder, 'counters');
      const preload = join(folder, 'countReads.js');
      const program = join(folder, 'program.js');
      const source = join(repositoryRoot(), 'test', 'bench', 'measures', 'countReads.ts');
      buildSync({ entryPoints: [source], outfile: preload, bundle: true, platform: 'node', format: 'cjs' });
      writeFileSync(program, PROGRAM);
      emptyCounters(counters);
      execFileSync(process.execPath, ['--require', preload, program], {
        env: { ...process.env, VMDISK_BENCH_READS: counters },
      });
      const threads = readCounters(counters).sort((a, b) => a.reads - b.reads);
      assert.deepEqual(threads, [
        { reads: 2, bytes: 30 },
        { reads: 3, bytes: 21 },
      ]);
    });
  });
});
