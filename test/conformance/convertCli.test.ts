/** What `vmdisk convert` promises beside the bytes: what it refuses, what it leaves behind, and what it does when it is stopped. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { buildQcow2, data, guestBytes, noise, prose, writeImage } from '../fixtures/build/index';
import type { CliResult } from '../support/cli';
import { cliPath, runCli, runCliJson } from '../support/cli';
import { Draw } from '../support/random';
import { makePipe, ON_WINDOWS } from '../support/specialFiles';
import { makeTempFolder, removeFolder } from '../support/temp';

const CLUSTER = 65536;
const SEED = 20260721;
const KILLS = 10;

describe('vmdisk convert', () => {
  const folder = makeTempFolder('convert-cli');
  const at = (name: string): string => join(folder, name);
  const run = (...args: readonly string[]): CliResult => runCli(['convert', ...args], { cwd: folder });
  const names = (): string[] => readdirSync(folder).sort();
  /** Names and content of all files, links followed. */
  const everything = (): Record<string, string> =>
    Object.fromEntries(
      names()
        .filter((name) => statSync(at(name)).isFile())
        .map((name) => [name, readFileSync(at(name)).toString('base64')]),
    );
  let made: string[];
  let expected: Uint8Array;

  before(() => {
    const base = noise(9, 3 * CLUSTER);
    writeFileSync(at('base.raw'), base);
    const now = { size: 4 * CLUSTER, clusters: new Map([[1, data(noise(1, CLUSTER))]]) };
    const old = new Map([[0, data(noise(2, CLUSTER))]]);
    const snapshots = [{ id: '7', name: 'before', clusters: old, date: 1_700_000_000 }];
    const leaf = buildQcow2({ ...now, backing: 'base.raw', backingFormat: 'raw', snapshots });
    writeImage(at('leaf.qcow2'), leaf.image);
    const external = buildQcow2({ size: CLUSTER, dataFile: { name: 'content.bin' }, clusters: old });
    writeImage(at('external.qcow2'), external.image);
    writeImage(at('content.bin'), external.dataFile ?? assert.fail('no data file'));
    writeImage(at('orphan.qcow2'), buildQcow2({ ...now, backing: 'gone.raw', backingFormat: 'raw' }).image);
    expected = guestBytes(now, base);
    made = names();
  });

  afterEach(() => {
    for (const name of names()) if (!made.includes(name)) rmSync(at(name), { recursive: true });
  });

  after(() => {
    removeFolder(folder);
  });

  it('writes a raw image when it is not told otherwise, and nothing else', () => {
    const result = run('leaf.qcow2', 'out');
    assert.deepEqual([result.code, result.stderr], [0, '']);
    assert.match(result.stdout, /^out: raw, 256 KiB in a file of 256 KiB/);
    assert.deepEqual(names(), [...made, 'out'].sort());
    assert.equal(Buffer.compare(readFileSync(at('out')), expected), 0);
  });

  for (const options of [[], ['-c', 'zlib'], ['--compress', 'zstd']]) {
    it(`says in JSON what it wrote: -O qcow2 ${options.join(' ')}`, () => {
      const told = runCliJson(['convert', '-O', 'qcow2', ...options, '--verify', 'leaf.qcow2', 'out'], { cwd: folder });
      const { size, blocks } = statSync(at('out')) as { size: number; blocks?: number };
      assert.deepEqual(told, {
        filename: 'out',
        format: 'qcow2',
        guestSize: 4 * CLUSTER,
        fileSize: size,
        ...(blocks === undefined ? {} : { diskUsage: blocks * 512 }),
      });
      assert.deepEqual(names(), [...made, 'out'].sort());
    });
  }

  it('writes what an internal snapshot holds', () => {
    for (const snapshot of ['before', '7']) {
      assert.equal(run('--snapshot', snapshot, '--force', 'leaf.qcow2', 'out').code, 0);
      assert.equal(Buffer.compare(readFileSync(at('out')).subarray(0, CLUSTER), noise(2, CLUSTER)), 0);
    }
  });

  const wrong: readonly (readonly string[])[] = [
    ['leaf.qcow2'],
    ['leaf.qcow2', 'out', 'more'],
    ['-O', 'vmdk', 'leaf.qcow2', 'out'],
    ['-c', 'zlib', 'leaf.qcow2', 'out'],
    ['-c', 'zstd', '-O', 'raw', 'leaf.qcow2', 'out'],
    ['-c', 'lz4', '-O', 'qcow2', 'leaf.qcow2', 'out'],
  ];
  for (const args of wrong) {
    it(`is used wrongly: ${args.join(' ')}`, () => {
      const result = run(...args);
      assert.equal(result.code, 2, result.stderr);
      assert.deepEqual(names(), made);
    });
  }

  /** Fails with one line, and no file is another one afterwards, or more. */
  const assertRefused = (args: readonly string[], message: RegExp): void => {
    const before = everything();
    const result = run(...args);
    assert.deepEqual([result.code, result.stdout], [1, ''], result.stderr);
    assert.match(result.stderr, message);
    assert.equal(result.stderr.trimEnd().split('\n').length, 1);
    assert.deepEqual(everything(), before);
  };

  it('leaves a file alone that has the name already, unless it is forced', () => {
    writeFileSync(at('out'), 'old');
    assertRefused(['leaf.qcow2', 'out'], /out: there is a file of this name already/);
    assert.equal(run('--force', 'leaf.qcow2', 'out').code, 0);
    assert.equal(Buffer.compare(readFileSync(at('out')), expected), 0);
  });

  const own: Readonly<Record<string, readonly [image: string, target: string]>> = {
    'the image itself': ['leaf.qcow2', 'leaf.qcow2'],
    'the base': ['leaf.qcow2', 'base.raw'],
    'a data file': ['external.qcow2', 'content.bin'],
  };
  for (const [what, [image, target]] of Object.entries(own)) {
    it(`never writes to ${what}, by any of its names`, () => {
      linkSync(at(target), at('hard'));
      const targets = [target, `./${target}`, at(target), 'hard'];
      if (!ON_WINDOWS) {
        symlinkSync(target, at('soft'));
        targets.push('soft');
      }
      for (const out of targets) {
        for (const format of ['raw', 'qcow2']) {
          assertRefused(['--force', '-O', format, image, out], /part of the disk that is to be copied/);
        }
      }
    });
  }

  it('never puts the copy where a missing parent is looked for', () => {
    assertRefused(['orphan.qcow2', 'gone.raw'], /gone\.raw: .*part of the disk/);
  });

  it('never writes to a folder, a pipe or a device', () => {
    mkdirSync(at('folder'));
    assertRefused(['--force', 'leaf.qcow2', 'folder'], /folder: this is a folder/);
    if (ON_WINDOWS) return;
    makePipe(at('pipe'));
    assertRefused(['--force', 'leaf.qcow2', 'pipe'], /pipe: this is a device or a pipe/);
    assertRefused(['--force', 'leaf.qcow2', '/dev/null'], /\/dev\/null: this is a device or a pipe/);
  });

  it('makes no copy of what can’t be known, and names the first byte', () => {
    assertRefused(['orphan.qcow2', 'out'], /orphan\.qcow2: guest byte 0 can't be read: .*gone\.raw/);
    assertRefused(['-O', 'qcow2', '-c', 'zstd', 'orphan.qcow2', 'out'], /guest byte 0 can't be read/);
  });

  it('makes no copy of a disk of which a file was cut short, unless it is told to salvage what there is', () => {
    const kept = data(noise(3, CLUSTER));
    const lost = data(noise(4, CLUSTER));
    const spec = {
      size: 4 * CLUSTER,
      clusters: new Map([
        [0, kept],
        [2, lost],
      ]),
    };
    const { image, layout } = buildQcow2(spec);
    const { places, l1 } = layout;
    writeImage(at('whole.qcow2'), image);
    writeImage(
      at('child.qcow2'),
      buildQcow2({ size: 4 * CLUSTER, backing: 'cut.qcow2', backingFormat: 'qcow2' }).image,
    );
    const table = layout.l2Table(0) ?? assert.fail('no table');
    const noTable = /guest byte 0 can't be known: .* before the table that maps it/;
    const ends: readonly (readonly [end: number, why: RegExp, told: RegExp])[] = [
      [
        places.get(lost)?.offset ?? NaN,
        /guest byte 131072 can't be known: .* before its data/,
        /before 1 piece of data .*guest byte 0x2_0000/,
      ],
      [table, noTable, /before 1 L2 table/],
      [l1.offset, noTable, /the L1 table goes on past the end/],
    ];
    const content = guestBytes(spec);
    for (const [end, why, told] of ends) {
      writeFileSync(at('cut.qcow2'), readFileSync(at('whole.qcow2')).subarray(0, end));
      const copied = end > table ? content.fill(0, 2 * CLUSTER, 3 * CLUSTER) : new Uint8Array(4 * CLUSTER);
      for (const leaf of ['cut.qcow2', 'child.qcow2']) {
        const message = new RegExp(`cut\\.qcow2: .*${why.source}.*No copy was made`);
        assertRefused([leaf, 'out'], message);
        assertRefused(['-O', 'qcow2', '--verify', leaf, 'out'], message);
        const salvaged = run('--salvage', '--force', leaf, 'out');
        assert.deepEqual([salvaged.code, told.test(salvaged.stderr)], [0, true], salvaged.stderr);
        assert.equal(Buffer.compare(readFileSync(at('out')), copied), 0, `${leaf} cut at ${end}`);
        rmSync(at('out'));
      }
    }
  });

  describe('stopped on its way', () => {
    const args = ['convert', '-O', 'qcow2', '-c', 'zlib', 'large.raw', 'out'];
    /** Of a run that nobody stopped: how long it took, in milliseconds, and what it wrote. */
    let duration: number;
    let whole: Buffer;
    const temporary = (): string[] => names().filter((name) => /^\.out\.\d+\.\d+\.tmp$/.test(name));
    const start = (): ChildProcess => spawn(process.execPath, [cliPath(), ...args], { cwd: folder, stdio: 'ignore' });
    const ended = async (child: ChildProcess): Promise<readonly [code: number | null, signal: string | null]> =>
      child.exitCode === null && child.signalCode === null
        ? ((await once(child, 'exit')) as [number | null, string | null])
        : [child.exitCode, child.signalCode];

    before(async () => {
      const text = prose(5, 2 ** 20);
      writeFileSync(
        at('large.raw'),
        Buffer.concat(Array.from({ length: 32 }, (_, i) => text.subarray(i))).subarray(0, 31 * 2 ** 20),
      );
      made = names();
      const begun = Date.now();
      assert.deepEqual(await ended(start()), [0, null]);
      duration = Date.now() - begun;
      whole = readFileSync(at('out'));
      rmSync(at('out'));
    });

    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      it(`by ${signal} it cleans up and exits with ${code}`, async function () {
        if (ON_WINDOWS) this.skip();
        const child = start();
        while (temporary().length === 0 && child.exitCode === null) await setTimeout(1);
        child.kill(signal);
        assert.deepEqual(await ended(child), [code, null]);
        assert.deepEqual(names(), made);
      });
    }

    const draw = Draw.named(SEED, 'kill');
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const moment = draw.below(1000) / 1000;
      it(`killed after ${moment} of its time it leaves no part of a file under the name (seed ${SEED})`, async () => {
        const child = start();
        await setTimeout(moment * duration);
        child.kill('SIGKILL');
        const [code] = await ended(child);
        // One that was quicker this time has finished.
        if (code === 0 || existsSync(at('out'))) assert.equal(Buffer.compare(readFileSync(at('out')), whole), 0);
        assert.deepEqual(
          names().filter((name) => ![...made, 'out', ...temporary()].includes(name)),
          [],
        );
        assert(temporary().length <= 1);
        rmSync(at('out'), { force: true });
        assert.deepEqual(await ended(start()), [0, null], 'another run is not hindered');
        assert.equal(Buffer.compare(readFileSync(at('out')), whole), 0);
      });
    }
  });
});
