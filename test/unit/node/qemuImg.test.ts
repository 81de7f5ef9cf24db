import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { DiskError } from '../../../src/core';
import { commandText, findQemuImg, runQemuImg } from '../../../src/node/qemuImg';
import type { QemuImg } from '../../../src/node/qemuImg';
import { ON_WINDOWS } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('qemu-img, found and run', function () {
  // The programs here are scripts of a shell.
  if (ON_WINDOWS) return;
  const path = process.env['PATH'];
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('qemu-img');
  });
  afterEach(() => {
    process.env['PATH'] = path;
    removeFolder(folder);
  });

  function script(...lines: readonly string[]): QemuImg {
    const file = join(folder, 'qemu-img');
    writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
    return { path: file, version: '10.0.2' };
  }
  const refused = async (work: Promise<unknown>): Promise<DiskError> => {
    try {
      await work;
    } catch (error) {
      return error as DiskError;
    }
    return assert.fail('it was not refused');
  };

  for (const [says, version] of [
    ['qemu-img version 10.0.2 (Debian 1:10.0.2+ds-2)', '10.0.2'],
    ['qemu-img version 4.2.0 (qemu-kvm-4.2.0-59)', '4.2.0'],
    ['warning: something\nqemu-img version 8.2', '8.2'],
    ['qemu-img version 11.0.50 (v11.0.0-1-gabc)\nCopyright (c) 2003-2026', '11.0.50'],
  ] as const) {
    it(`knows version ${version}`, async () => {
      const { path: file } = script(`printf '%s\\n' '${says}'`);
      assert.deepEqual(await findQemuImg(file), { path: file, version });
    });
  }

  for (const says of ['qemu-img version 4.1.1', 'qemu-img version 2.12.0 (qemu-kvm-ev)']) {
    it(`refuses an old one: ${says}`, async () => {
      const error = await refused(findQemuImg(script(`echo '${says}'`).path));
      assert.equal(error.code, 'unsupported');
      assert.match(error.message, /is too old: 4\.2 is needed/);
    });
  }

  it('refuses what answers otherwise, or not at all', async () => {
    for (const line of ['echo hello', 'exit 1', 'echo version 10.0.2']) {
      const error = await refused(findQemuImg(script(line).path));
      assert.match(error.message, /does not answer as qemu-img does/, line);
    }
  });

  it('refuses a setting that is no whole path, or leads to no file', async () => {
    assert.match((await refused(findQemuImg('bin/qemu-img'))).message, /has to be a whole one/);
    assert.match((await refused(findQemuImg(join(folder, 'gone')))).message, /there is no qemu-img/);
    mkdirSync(join(folder, 'sub'));
    assert.match((await refused(findQemuImg(join(folder, 'sub')))).message, /there is no qemu-img/);
  });

  it('finds the one on PATH, and says what to do where there is none', async () => {
    const { path: file } = script("echo 'qemu-img version 9.1.0'");
    process.env['PATH'] = folder;
    assert.equal((await findQemuImg()).path, file);
    process.env['PATH'] = join(folder, 'nowhere');
    const error = await refused(findQemuImg());
    assert.equal(error.code, 'not-found');
    assert.match(error.advice ?? '', /Install it.*vmDisk\.qemuImgPath/);
  });

  it('words one that can’t be started', async () => {
    const file = join(folder, 'qemu-img');
    writeFileSync(file, '', { mode: 0o644 });
    assert.match((await refused(findQemuImg(file))).message, /could not be started/);
  });

  it('tells progress, and gives what was said', async () => {
    const tool = script(
      "printf '    (0.00/100%%)\\r'; sleep 0.05; printf '    (50.00/100%%)\\r    (100.00/100%%)\\r'",
      'echo done',
    );
    const shares: number[] = [];
    const { code, stdout } = await runQemuImg(tool, ['commit', '-p'], { progress: (share) => shares.push(share) });
    assert.equal(code, 0);
    assert.match(stdout, /done\n$/);
    assert.equal(shares.at(-1), 1);
    assert.ok(shares.every((share) => share >= 0 && share <= 1));
  });

  it('passes arguments on as they are, and speaks no other language', async () => {
    const tool = script('printf "%s|" "$@"; printf "$LC_ALL"');
    const args = ['rebase', '-b', 'a b$(id)\'";', '-x\ny'];
    assert.equal((await runQemuImg(tool, args)).stdout, `${args.join('|')}|C`);
  });

  it('words a failure as the program does, in one line', async () => {
    const tool = script('echo "qemu-img: Could not open \'x\':" >&2; echo "  No such file" >&2; exit 1');
    const error = await refused(runQemuImg(tool, ['rebase', '-u']));
    assert.equal(error.code, 'io');
    assert.equal(error.message, "qemu-img rebase failed: Could not open 'x': No such file");
    assert.equal(
      (await refused(runQemuImg(script('exit 3'), ['check']))).message,
      'qemu-img check failed: it ended with code 3',
    );
  });

  it('takes exit codes for an answer that are one', async () => {
    assert.equal((await runQemuImg(script('exit 3'), ['check'], { fine: [0, 3] })).code, 3);
    await refused(runQemuImg(script('exit 2'), ['check'], { fine: [0, 3] }));
  });

  it('keeps no more of what it says than it needs', async () => {
    const tool = script('yes 0123456789012345678901234567890123456789 | head -c 20000000');
    const { stdout } = await runQemuImg(tool, []);
    assert.ok(stdout.length < 4_000_000, String(stdout.length));
  });

  const isRunning = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  /** Ends a run once the program has said who it is. @returns its id */
  async function endOne(tool: QemuImg, grace?: number): Promise<number> {
    const controller = new AbortController();
    const run = runQemuImg(tool, [], { signal: controller.signal, grace });
    const file = join(folder, 'pid');
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await setTimeout(5);
    controller.abort();
    await assert.rejects(run, { name: 'AbortError' });
    return Number(readFileSync(file, 'utf8'));
  }

  it('is ended by a signal, and nothing of it is left', async () => {
    const pid = await endOne(script('echo $$ > "$(dirname "$0")/pid"', 'exec sleep 60'));
    assert.equal(isRunning(pid), false);
  });

  it('is ended though it does not listen', async () => {
    const pid = await endOne(script("trap '' TERM", 'echo $$ > "$(dirname "$0")/pid"', 'while :; do :; done'), 50);
    assert.equal(isRunning(pid), false);
  });

  it('is not started when it is too late', async () => {
    const tool = script('touch "$(dirname "$0")/ran"');
    await assert.rejects(runQemuImg(tool, [], { signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.equal(existsSync(join(folder, 'ran')), false);
  });

  it('is shown as a command for a shell', () => {
    assert.equal(
      commandText(['rebase', '-b', "it's here.qcow2"], { path: '/usr/bin/qemu-img' }),
      "/usr/bin/qemu-img rebase -b 'it'\\''s here.qcow2'",
    );
    assert.equal(commandText(['info']), 'qemu-img info');
  });
});
