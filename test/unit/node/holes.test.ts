import assert from 'node:assert/strict';
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { HostExtents } from '../../../src/core';
import { openFile } from '../../../src/node/files';
import { fromRanges, hostExtents } from '../../../src/node/holes';
import { findTool } from '../../../src/node/tools';
import { ON_WINDOWS } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

/** The ranges of data, so that a test can be written as the file was. */
function dataOf({ bounds, startsWithData }: HostExtents): number[][] {
  const ranges: number[][] = [];
  for (let i = startsWithData ? 0 : 1; i + 1 < bounds.length; i += 2) {
    ranges.push([bounds[i] ?? NaN, bounds[i + 1] ?? NaN]);
  }
  return ranges;
}

describe('ranges of data as a program prints them', () => {
  const cases: readonly (readonly [string, string, readonly number[], boolean])[] = [
    ['one that is the whole file', '0 30\n', [0, 30], true],
    ['a hole before', '10 30\n', [0, 10, 30], false],
    ['a hole behind', '0 10\n', [0, 10, 30], true],
    ['a hole between', '0 10\n20 30\n', [0, 10, 20, 30], true],
    ['holes on all sides', '5 10\n20 25\n', [0, 5, 10, 20, 25, 30], false],
    ['two that touch', '0 10\n10 20\n', [0, 20, 30], true],
    ['two that touch behind a hole', '5 10\n10 20\n', [0, 5, 20, 30], false],
    ['three that touch up to the end', '5 10\n10 20\n20 30\n', [0, 5, 30], false],
    ['one that passes the end', '20 4096\n', [0, 20, 30], false],
    ['one beyond the end', '0 10\n4096 8192\n', [0, 10, 30], true],
    ['only one beyond the end', '4096 8192\n', [0, 30], false],
    ['one that begins at the end', '30 40\n', [0, 30], false],
    ['none at all: the file is one hole', '', [0, 30], false],
    ['one of no length', '10 10\n', [0, 30], false],
    ['one turned round', '20 10\n', [0, 30], false],
    ['without a last line end', '0 10\n20 30', [0, 10, 20, 30], true],
    ['with lines that are none', 'perl: warning\n0 10\n\n \n12\nx 15\n15 x\n20 30\n', [0, 10, 20, 30], true],
  ];
  for (const [what, text, bounds, startsWithData] of cases) {
    it(`are bounds: ${what}`, () => {
      assert.deepEqual(fromRanges(text, 30), { bounds: Float64Array.from(bounds), startsWithData, certainty: 'exact' });
    });
  }

  it('beyond 4 GiB keep every byte', () => {
    assert.deepEqual(
      [...fromRanges('4294967296 9007199254736896\n', 2 ** 53 - 1).bounds],
      [0, 4_294_967_296, 9_007_199_254_736_896, 2 ** 53 - 1],
    );
  });
});

describe('data and holes of a real file', () => {
  const KB = 2 ** 10;
  const MB = 2 ** 20;
  let folder: string;
  let path: string | undefined;
  beforeEach(() => {
    folder = makeTempFolder('holes');
    path = process.env['PATH'];
  });
  afterEach(() => {
    if (path === undefined) delete process.env['PATH'];
    else process.env['PATH'] = path;
    removeFolder(folder);
  });

  /** A file of `size` with something in `written`; what lies between was never written. */
  const sparse = (size: number, written: readonly (readonly [start: number, end: number])[]): string => {
    const file = join(folder, "a 'sparse' file.raw");
    const descriptor = openSync(file, 'w');
    ftruncateSync(descriptor, size);
    for (const [start, end] of written) {
      writeSync(descriptor, new Uint8Array(end - start).fill(0xa5), 0, end - start, start);
    }
    fsyncSync(descriptor);
    closeSync(descriptor);
    return file;
  };

  const assumed = (size: number): HostExtents => ({
    bounds: Float64Array.of(0, size),
    startsWithData: true,
    certainty: 'assumed',
  });

  /** A program of that name in a folder of its own, alone on PATH. */
  const program = (folderName: string, name: string, ...lines: readonly string[]): string => {
    const bin = join(folder, folderName);
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
    return bin;
  };

  const layouts: readonly (readonly [string, readonly (readonly [number, number])[]])[] = [
    [
      'data in the middle',
      [
        [MB, MB + 64 * KB],
        [4 * MB, 4 * MB + 128 * KB],
      ],
    ],
    [
      'data at both ends',
      [
        [0, 64 * KB],
        [8 * MB - 64 * KB, 8 * MB],
      ],
    ],
    ['no data', []],
  ];
  for (const [what, written] of layouts) {
    it(`are where it was written and not: ${what}`, function () {
      if (ON_WINDOWS) this.skip();
      assert(findTool('perl') ?? findTool('python3'), 'a system with neither perl nor python3');
      const file = sparse(8 * MB, written);
      // Some file systems make no holes, or only large ones: then what is told is no test of ours.
      if (statSync(file).blocks * 512 > 2 * MB) this.skip();
      const extents = hostExtents(file, 8 * MB, { platformTools: true });
      assert.equal(extents.certainty, 'exact');
      assert.deepEqual(dataOf(extents), written);
      const { source } = openFile(file, { platformTools: true });
      assert.deepEqual(source.extents?.(), extents);
      source.close();
    });
  }

  for (const tool of ['perl', 'python3']) {
    it(`are told by ${tool} alone`, function () {
      const found = findTool(tool);
      if (ON_WINDOWS || found === undefined) this.skip();
      const file = sparse(8 * MB, [[MB, MB + 64 * KB]]);
      if (statSync(file).blocks * 512 > 2 * MB) this.skip();
      const other = tool === 'perl' ? 'python3' : 'perl';
      process.env['PATH'] = `${program('broken', other, 'exit 1')}${delimiter}${path ?? ''}`;
      assert.deepEqual(dataOf(hostExtents(file, 8 * MB, { platformTools: true })), [[MB, MB + 64 * KB]]);
    });
  }

  it('are assumed to be all data when no program may be run', () => {
    process.env['PATH'] = program('bin', 'perl', 'echo 0 4096', `: > '${join(folder, 'ran')}'`);
    const file = sparse(8 * MB, []);
    assert.deepEqual(hostExtents(file, 8 * MB, { platformTools: false }), assumed(8 * MB));
    assert.equal(statSync(join(folder, 'ran'), { throwIfNoEntry: false }), undefined, 'a program was run');
    const { source } = openFile(file, { platformTools: false });
    assert.deepEqual(source.extents?.(), assumed(8 * MB));
    source.close();
  });

  it('are assumed when there is no program', () => {
    const file = sparse(8 * MB, []);
    for (const nowhere of ['', join(folder, 'empty')]) {
      process.env['PATH'] = nowhere;
      assert.deepEqual(hostExtents(file, 8 * MB, { platformTools: true }), assumed(8 * MB));
    }
    delete process.env['PATH'];
    assert.deepEqual(hostExtents(file, 8 * MB, { platformTools: true }), assumed(8 * MB));
  });

  it('are assumed when every program fails, whatever it printed', function () {
    if (ON_WINDOWS) this.skip();
    program('bin', 'perl', 'echo 0 4096', 'exit 1');
    process.env['PATH'] = program('bin', 'python3', 'echo 0 8192', 'exit 2');
    assert.deepEqual(hostExtents(sparse(8 * MB, []), 8 * MB, { platformTools: true }), assumed(8 * MB));
  });

  it('are not asked of a file of no bytes', () => {
    process.env['PATH'] = '';
    const { certainty, bounds } = hostExtents(sparse(0, []), 0, { platformTools: true });
    assert.deepEqual([certainty, [...bounds]], ['exact', [0, 0]]);
  });
});
