/**
 * `vmdisk snapshot create` and the verbs of previews killed at random moments: what they make is complete or not there,
 * and what was there reads as it did. VMDISK_KILLS is how many of each, VMDISK_SEED draws other moments.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readNote } from '../../src/node/snapshots/notes';
import { noise } from '../fixtures/build/index';
import { cliPath, runCli } from '../support/cli';
import { lacksQemu, qemuCheck, qemuImg, qemuInfo, qemuIo } from '../support/qemu';
import { Draw } from '../support/random';
import { makeTempFolder, removeFolder } from '../support/temp';

const seed = Number(process.env['VMDISK_SEED'] ?? 20_260_101);
const kills = Number(process.env['VMDISK_KILLS'] ?? 6);
const LONG_AGO = new Date('2021-03-04T05:06:07Z');
const GIB = 2 ** 30;
/** Later, counted from the first sign of work in the folder, there is nothing left to interrupt. */
const LONGEST_WORK_MS = 12;

describe(`snapshots, killed (VMDISK_SEED=${seed}, VMDISK_KILLS=${kills})`, function () {
  this.timeout(60_000 + kills * 10_000);
  if (lacksQemu()) return;
  const draw = Draw.named(seed, 'kill-snapshots');
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const names = (): string[] => fs.readdirSync(folder).sort();

  beforeEach(() => {
    folder = makeTempFolder('killed');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  /** What changed a moment ago is looked at twice, and that is not what is to be killed. */
  function settle(): void {
    for (const name of names()) fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
  }

  const hash = (name: string): string =>
    createHash('sha256')
      .update(fs.readFileSync(at(name)))
      .digest('hex');

  function content(name: string): string {
    qemuImg(folder, 'convert', '-q', '-O', 'raw', name, 'content.out');
    const found = hash('content.out');
    fs.rmSync(at('content.out'));
    return found;
  }

  /**
   * Starts a verb and kills it: every other time as soon as something has changed in the folder, and a moment more,
   * else at any moment of the time that it takes.
   * @returns whether it had ended by itself
   */
  async function kill(number: number, duration: number, args: readonly string[]): Promise<boolean> {
    const child = spawn(process.execPath, [cliPath(), ...args], { cwd: folder, stdio: 'ignore' });
    if (number % 2 === 0) await setTimeout((draw.below(1000) / 1000) * duration);
    else {
      const before = names().join('/');
      while (names().join('/') === before && child.exitCode === null) await setTimeout(0);
      const end = performance.now() + (draw.below(1000) / 1000) * LONGEST_WORK_MS;
      while (performance.now() < end);
    }
    child.kill('SIGKILL');
    return (await exitCode(child)) === 0;
  }

  const exitCode = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  };

  function run(...args: readonly string[]): number {
    const begun = performance.now();
    const { code, stderr } = runCli(args, { cwd: folder });
    assert.equal(code, 0, stderr);
    return performance.now() - begun;
  }

  /** The codes of what the doctor finds in the folder, by the file's name. */
  function explained(): Map<string, string> {
    const { stdout, stderr } = runCli(['doctor', '--output', 'json', folder]);
    assert.notEqual(stdout, '', stderr);
    const { diagnoses } = JSON.parse(stdout) as { diagnoses: readonly { code: string; path: string }[] };
    return new Map(diagnoses.map(({ code, path }) => [basename(path), code]));
  }

  it('creates an overlay that is complete, or none', async () => {
    // The largest tables for their disk: 32 MiB of L1, and 65,800 counts.
    fs.writeFileSync(at('disk.raw'), noise(6, 1 << 20));
    fs.truncateSync(at('disk.raw'), 128 * GIB);
    settle();
    const head = (): Buffer => {
      const bytes = Buffer.alloc(1 << 20);
      const descriptor = fs.openSync(at('disk.raw'), 'r');
      fs.readSync(descriptor, bytes, 0, bytes.length, 0);
      fs.closeSync(descriptor);
      return bytes;
    };
    const before = [head(), fs.statSync(at('disk.raw'), { bigint: true }).mtimeNs] as const;
    const create = ['snapshot', 'create', '--cluster-size', '512', 'disk.raw', 'over.qcow2'];
    const duration = run(...create);
    fs.rmSync(at('over.qcow2'));
    for (let number = 0; number < kills; number += 1) {
      const finished = await kill(number, duration, create);
      const there = fs.existsSync(at('over.qcow2'));
      assert(there || !finished);
      if (there) {
        assert.equal(qemuCheck(folder, 'over.qcow2').code, 0);
        assert.equal(qemuInfo(folder, 'over.qcow2')['full-backing-filename'], 'disk.raw');
        fs.rmSync(at('over.qcow2'));
      }
      const left = names().filter((name) => name !== 'disk.raw');
      assert(left.length <= 1 && left.every((name) => /^\.over\.qcow2\.\d+\.\d+\.tmp$/.test(name)), left.join(', '));
      for (const name of left) {
        assert(explained().has(name), `the doctor explains ${name}`);
        fs.rmSync(at(name));
      }
      assert.deepEqual([head(), fs.statSync(at('disk.raw'), { bigint: true }).mtimeNs], before);
    }
    run(...create);
  });

  function chain(): void {
    fs.writeFileSync(at('base.raw'), noise(7, 256 * 1024));
    for (const [name, parent, format, pattern] of [
      ['one.qcow2', 'base.raw', 'raw', 1],
      ['two.qcow2', 'one.qcow2', 'qcow2', 2],
      ['leaf.qcow2', 'two.qcow2', 'qcow2', 3],
    ] as const) {
      qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', parent, '-F', format, name);
      qemuIo(folder, ['-f', 'qcow2', name], [`write -P ${pattern} ${pattern * 16}k 64k`]);
    }
    settle();
  }

  function startAgain(): void {
    for (const name of names()) fs.rmSync(at(name));
    chain();
    run('snapshot', 'preview', 'leaf.qcow2', 'base.raw', '--overlay', 'look.qcow2');
    qemuIo(folder, ['-f', 'qcow2', 'look.qcow2'], ['write -P 9 100k 30k']);
    settle();
  }

  it('commits a preview so that doing it again finishes it', async () => {
    startAgain();
    const look = content('look.qcow2');
    const commit = ['snapshot', 'commit', 'look.qcow2'];
    const duration = run(...commit);
    assert.deepEqual(names(), ['base.raw', 'look.qcow2']);
    for (let number = 0; number < kills; number += 1) {
      startAgain();
      const leaf = content('leaf.qcow2');
      await kill(number, duration, commit);
      assert.equal(content('look.qcow2'), look);
      // All of the old chain that is left can be read, from its newest layer down.
      if (fs.existsSync(at('leaf.qcow2'))) assert.equal(content('leaf.qcow2'), leaf);
      for (const name of ['leaf.qcow2', 'two.qcow2', 'one.qcow2']) {
        if (fs.existsSync(at(name))) assert.equal(qemuCheck(folder, name).code, 0, name);
      }
      settle();
      const begun = readNote(at('look.qcow2'), 'preview');
      const codes = [...explained().values()];
      if (begun?.kind === 'preview' && begun.drops) assert(codes.includes('preview-commit-interrupted'), String(codes));
      const again = runCli(commit, { cwd: folder });
      // It may have been done but for its end.
      assert(again.code === 0 || again.stderr.includes('is no preview'), again.stderr);
      const left = names().filter((name) => !/^\..*\.tmp$/.test(name));
      assert.deepEqual(left, ['base.raw', 'look.qcow2']);
      assert.equal(content('look.qcow2'), look);
    }
  });

  it('undoes a preview so that doing it again finishes it', async () => {
    startAgain();
    const undo = ['snapshot', 'undo', 'look.qcow2'];
    const leaf = content('leaf.qcow2');
    const duration = run(...undo);
    for (let number = 0; number < kills; number += 1) {
      startAgain();
      await kill(number, duration, undo);
      assert.equal(content('leaf.qcow2'), leaf);
      settle();
      const again = runCli(undo, { cwd: folder });
      assert(again.code === 0 || again.stderr.includes('is no preview'), again.stderr);
      assert.deepEqual(names(), ['base.raw', 'leaf.qcow2', 'one.qcow2', 'two.qcow2']);
      assert.equal(content('leaf.qcow2'), leaf);
    }
  });
});
