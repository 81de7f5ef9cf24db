/**
 * A parent that was moved or renamed: found among files like it, named anew by qemu-img, and read as it was. VMDISK_KILLS
 * is how often that is killed, VMDISK_SEED draws other moments.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ParentCandidate, Relocated } from '../../src/core';
import { noise } from '../fixtures/build/index';
import { cliPath, runCli } from '../support/cli';
import { lacksQemu, qemuCheck, qemuImg, qemuInfo, qemuIo } from '../support/qemu';
import { Draw } from '../support/random';
import { repositoryRoot } from '../support/root';
import { makeTempFolder, removeFolder } from '../support/temp';

const seed = Number(process.env['VMDISK_SEED'] ?? 20_260_101);
const kills = Number(process.env['VMDISK_KILLS'] ?? 6);
const LONG_AGO = new Date('2021-03-04T05:06:07Z');

describe('a parent that was moved', () => {
  if (lacksQemu()) return;
  let top: string;
  let folder: string;
  const at = (name: string): string => join(folder, name);

  beforeEach(() => {
    top = makeTempFolder('relocate');
    // Folders beside it are looked through too.
    folder = join(top, 'vms', 'web');
    fs.mkdirSync(folder, { recursive: true });
  });
  afterEach(() => {
    removeFolder(top);
  });

  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  function content(name: string): string {
    qemuImg(folder, 'convert', '-q', '-O', 'raw', name, 'content.out');
    const found = hash(fs.readFileSync(at('content.out')));
    fs.rmSync(at('content.out'));
    return found;
  }
  /** What changed a moment ago is looked at twice. */
  function settle(): void {
    for (const name of fs.readdirSync(folder)) fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
  }
  function chain(options: readonly string[] = []): void {
    fs.writeFileSync(at('base.raw'), noise(7, 1 << 20));
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', ...options, '-b', 'base.raw', '-F', 'raw', 'leaf.qcow2');
    qemuIo(folder, ['-f', 'qcow2', 'leaf.qcow2'], ['write -P 3 64k 64k']);
  }
  function move(from: string, to: string): void {
    fs.mkdirSync(dirname(at(to)), { recursive: true });
    fs.renameSync(at(from), at(to));
  }
  const vmdisk = (...args: readonly string[]): ReturnType<typeof runCli> => runCli(args, { cwd: folder });
  function relocate(...args: readonly string[]): Relocated {
    settle();
    const { code, stdout, stderr } = vmdisk('snapshot', 'relocate', '--output', 'json', ...args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Relocated;
  }
  function refusal(...args: readonly string[]): string {
    settle();
    const before = hash(fs.readFileSync(at('leaf.qcow2')));
    const { code, stderr } = vmdisk('snapshot', 'relocate', ...args);
    assert.equal(code, 1, stderr);
    assert.equal(hash(fs.readFileSync(at('leaf.qcow2'))), before);
    assert.deepEqual(leftovers(), []);
    return stderr;
  }
  const leftovers = (): string[] => fs.readdirSync(folder).filter((name) => name.startsWith('.'));
  function candidates(image: string, ...args: readonly string[]): readonly ParentCandidate[] {
    const { code, stdout, stderr } = vmdisk('snapshot', 'relocate', '--output', 'json', image, ...args);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as { candidates: readonly ParentCandidate[] }).candidates;
  }

  it('is named anew, and the disk reads as before', () => {
    chain();
    const before = content('leaf.qcow2');
    const tables = fs.readFileSync(at('leaf.qcow2')).subarray(65_536);
    move('base.raw', 'moved/new name.img');
    const done = relocate('leaf.qcow2', '--parent', 'moved/new name.img');
    assert.deepEqual(done, {
      image: at('leaf.qcow2'),
      before: 'base.raw',
      backing: 'moved/new name.img',
      backingFormat: 'raw',
    });
    const info = qemuInfo(folder, 'leaf.qcow2');
    assert.equal(info['backing-filename'], 'moved/new name.img');
    assert.equal(info['backing-filename-format'], 'raw');
    assert.equal(content('leaf.qcow2'), before);
    assert.equal(qemuCheck(folder, 'leaf.qcow2').code, 0);
    assert.equal(hash(fs.readFileSync(at('leaf.qcow2')).subarray(65_536)), hash(tables));
    assert.deepEqual(leftovers(), []);
  });

  it('is named by its whole path, or from the folder of the image', () => {
    chain();
    const before = content('leaf.qcow2');
    move('base.raw', '../other/a:b.raw');
    assert.equal(relocate('leaf.qcow2', '--parent', '../other/a:b.raw').backing, '../other/a:b.raw');
    assert.equal(content('leaf.qcow2'), before);
    const whole = fs.realpathSync(at('../other/a:b.raw'));
    assert.equal(relocate('leaf.qcow2', '--parent', '../other/a:b.raw', '--absolute').backing, whole);
    assert.equal(content('leaf.qcow2'), before);
    move('../other/a:b.raw', 'a:b.raw');
    assert.equal(relocate('leaf.qcow2', '--parent', 'a:b.raw').backing, './a:b.raw');
    assert.equal(content('leaf.qcow2'), before);
  });

  it('is named from where the folders really are, and by a name that is right for a link too', function () {
    if (process.platform === 'win32') this.skip();
    chain();
    const before = content('leaf.qcow2');
    fs.mkdirSync(at('deep/down'), { recursive: true });
    fs.symlinkSync('deep/down', at('short'));
    move('leaf.qcow2', 'deep/down/leaf.qcow2');
    assert.equal(relocate('short/leaf.qcow2', '--parent', 'base.raw').backing, '../../base.raw');
    assert.equal(content('short/leaf.qcow2'), before);
    // To whoever opens it by the link, what it writes counts from the folder of that.
    fs.symlinkSync('deep/down/leaf.qcow2', at('leaf.qcow2'));
    assert.match(refusal('leaf.qcow2', '--parent', 'base.raw'), /is a link to/);
    relocate('leaf.qcow2', '--absolute', '--parent', 'base.raw');
    assert.equal(content('leaf.qcow2'), before);
  });

  it('has no header put back that a stranger has put there', function () {
    if (process.geteuid?.() !== 0) this.skip();
    chain();
    settle();
    const header = fs.readFileSync(at('leaf.qcow2')).subarray(0, 65_536);
    header.write('evil', header.readUInt32BE(12), 'latin1');
    fs.writeFileSync(at('.leaf.qcow2.vmdisk-header'), header);
    fs.chownSync(at('.leaf.qcow2.vmdisk-header'), 65_534, 65_534);
    const { code, stderr } = vmdisk('snapshot', 'relocate', '--restore', 'leaf.qcow2');
    assert.equal(code, 1);
    assert.match(stderr, /there is no kept header/);
  });

  it('further down is mended in the layer that misses it', () => {
    chain();
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'leaf.qcow2', '-F', 'qcow2', 'top.qcow2');
    const before = content('top.qcow2');
    move('base.raw', 'renamed.raw');
    const done = relocate('top.qcow2', '--parent', 'renamed.raw');
    assert.equal(done.image, at('leaf.qcow2'));
    assert.equal(content('top.qcow2'), before);
  });

  // The header, its extensions and the end marker take as much; the rest is for the name (worked out with qemu-img).
  for (const [what, options, room] of [
    ['clusters of 512 bytes', ['-o', 'cluster_size=512'], 376],
    ['version 2 and clusters of 512 bytes', ['-o', 'cluster_size=512,compat=0.10'], 416],
    ['clusters of 1 KiB', ['-o', 'cluster_size=1k'], 888],
    ['clusters of 64 KiB', [], 1023],
  ] as const) {
    it(`may have a name of up to ${room} bytes: ${what}`, () => {
      chain(options);
      const before = content('leaf.qcow2');
      const folders = (length: number): string => {
        const parts: string[] = [];
        for (let left = length - 'x.raw'.length; left > 0;) {
          const part = Math.min(left, 200);
          parts.push(`${'d'.repeat(part - 1)}/`);
          left -= part;
          if (left === 1) parts.push('/');
        }
        return `${parts.join('').replace(/\/\/$/, 'd/')}x.raw`;
      };
      const longest = folders(room);
      const longer = folders(room + 1);
      assert.equal(longest.length, room);
      move('base.raw', longer);
      assert.match(refusal('leaf.qcow2', '--parent', longer), /has room for/);
      move(longer, longest);
      assert.equal(relocate('leaf.qcow2', '--parent', longest).backing, longest);
      assert.equal(content('leaf.qcow2'), before);
    });
  }

  it('is refused where it would not work, and nothing is changed', () => {
    chain();
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'leaf.qcow2', '-F', 'qcow2', 'child.qcow2');
    fs.writeFileSync(at('text.txt'), 'nothing');
    move('base.raw', 'moved.raw');
    assert.match(refusal('leaf.qcow2', '--parent', 'child.qcow2', '--parent-format', 'qcow2'), /a loop/);
    assert.match(refusal('leaf.qcow2', '--parent', 'leaf.qcow2', '--parent-format', 'qcow2'), /a loop/);
    assert.match(refusal('leaf.qcow2', '--parent', 'gone.raw'), /is not there|no such file/);
    assert.match(
      refusal('leaf.qcow2', '--parent', 'moved.raw', '--parent-format', 'qcow2'),
      /can't be its parent|qcow2/,
    );
    assert.match(refusal('moved.raw', '--parent', 'leaf.qcow2'), /stands on nothing/);
    const bytes = fs.readFileSync(at('leaf.qcow2'));
    const flagged = Buffer.from(bytes);
    flagged.writeUInt8(1, 79);
    fs.writeFileSync(at('leaf.qcow2'), flagged);
    assert.match(refusal('leaf.qcow2', '--parent', 'moved.raw'), /not closed cleanly/);
    flagged.writeUInt8(2, 79);
    fs.writeFileSync(at('leaf.qcow2'), flagged);
    assert.match(refusal('leaf.qcow2', '--parent', 'moved.raw'), /corrupt/);
  });

  it('is refused while a VM has the image open, or writes to the parent', async () => {
    chain();
    fs.copyFileSync(at('base.raw'), at('copy.raw'));
    const hold = async (...args: readonly string[]): Promise<() => Promise<void>> => {
      const child = spawn(process.env['VMDISK_QEMU_IO'] ?? 'qemu-io', args, {
        cwd: folder,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      return async () => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      };
    };
    const endOne = await hold('-f', 'qcow2', 'leaf.qcow2');
    assert.match(refusal('leaf.qcow2', '--parent', 'copy.raw'), /is open for writing by qemu-io/);
    await endOne();
    const endTwo = await hold('-f', 'raw', 'copy.raw');
    assert.match(refusal('leaf.qcow2', '--parent', 'copy.raw'), /nothing can stand on it/);
    await endTwo();
    relocate('leaf.qcow2', '--parent', 'copy.raw');
  });

  it('has its old header kept where qemu-img fails halfway, and put back on demand', () => {
    chain();
    const before = content('leaf.qcow2');
    move('base.raw', 'moved.raw');
    settle();
    const was = fs.readFileSync(at('leaf.qcow2'));
    const fake = at('broken-qemu-img');
    // It changes what it should not, as a program gone wrong would.
    const script = [
      '#!/bin/sh',
      '[ "$1" = --version ] && { echo "qemu-img version 10.0.2"; exit; }',
      'for image; do :; done',
      'printf X | dd of="$image" bs=1 seek=63 conv=notrunc 2>/dev/null',
    ];
    fs.writeFileSync(fake, script.join('\n'), { mode: 0o755 });
    const { code, stderr } = vmdisk('snapshot', 'relocate', 'leaf.qcow2', '--parent', 'moved.raw', '--qemu-img', fake);
    assert.equal(code, 1);
    assert.match(stderr, /--restore/);
    assert.deepEqual(leftovers(), ['.leaf.qcow2.vmdisk-header', '.leaf.qcow2.vmdisk-relocate.json']);
    assert.equal(hash(fs.readFileSync(at('.leaf.qcow2.vmdisk-header'))), hash(was.subarray(0, 65_536)));
    settle();
    const restored = vmdisk('snapshot', 'relocate', 'leaf.qcow2', '--restore');
    assert.equal(restored.code, 1);
    assert.match(restored.stderr, /was written to since/);
    // A header of which no sense can be made is what the kept one is for.
    const torn = Buffer.from(was);
    torn.fill(0, 0, 4096);
    fs.writeFileSync(at('leaf.qcow2'), torn);
    settle();
    assert.equal(vmdisk('snapshot', 'relocate', 'leaf.qcow2', '--restore').code, 0);
    assert.equal(hash(fs.readFileSync(at('leaf.qcow2'))), hash(was));
    assert.deepEqual(leftovers(), []);
    relocate('leaf.qcow2', '--parent', 'moved.raw');
    assert.equal(content('leaf.qcow2'), before);
  });

  it('leaves nothing behind where qemu-img does nothing', () => {
    chain();
    move('base.raw', 'moved.raw');
    const fake = at('no-qemu-img');
    fs.writeFileSync(fake, '#!/bin/sh\n[ "$1" = --version ] && { echo "qemu-img version 10.0.2"; exit; }\nexit 1\n', {
      mode: 0o755,
    });
    assert.match(refusal('leaf.qcow2', '--parent', 'moved.raw', '--qemu-img', fake), /qemu-img rebase failed/);
  });

  it('is found by its content among others, though nothing is named as it was', function () {
    // The sample has real ext4 file systems: a base and three overlays on each other.
    const sample = join(repositoryRoot(), 'sample');
    if (!fs.existsSync(join(sample, 'web01.img'))) this.skip();
    for (const name of [
      'web01.img',
      'web01.after-install.qcow2',
      'web01.before-upgrade.qcow2',
      'web01.experiment.qcow2',
      'db01.snapshot.qcow2',
    ]) {
      fs.copyFileSync(join(sample, name), at(name));
    }
    const size = fs.statSync(at('web01.img')).size;
    fs.writeFileSync(at('decoy.raw'), noise(3, 1 << 20));
    fs.truncateSync(at('decoy.raw'), size);
    move('web01.img', 'a.raw');
    move('web01.before-upgrade.qcow2', 'b.qcow2');
    for (const name of fs.readdirSync(folder)) fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
    const [base] = candidates('web01.after-install.qcow2');
    assert.equal(base?.path, at('a.raw'));
    assert.equal(base.certainty, 'certain');
    relocate('web01.after-install.qcow2', '--parent', 'a.raw');
    const [middle, ...rest] = candidates('web01.experiment.qcow2');
    assert.equal(middle?.path, at('b.qcow2'));
    assert.equal(middle.certainty, 'certain');
    // An older state of the same disk, and the disk of another machine.
    for (const name of ['web01.after-install.qcow2', 'db01.snapshot.qcow2', 'decoy.raw']) {
      const other = rest.find(({ path }) => path === at(name));
      assert.equal(other?.certainty ?? 'unlikely', 'unlikely', name);
    }
  });

  it('is offered behind a whole copy of it where it is damaged, and as damaged', () => {
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', 'base.qcow2', '1M');
    qemuIo(folder, ['-f', 'qcow2', 'base.qcow2'], ['write -P 7 0 1M']);
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'leaf.qcow2');
    fs.copyFileSync(at('base.qcow2'), at('whole.qcow2'));
    move('base.qcow2', 'moved/base.qcow2');
    fs.truncateSync(at('moved/base.qcow2'), 700_000);
    settle();
    const found = candidates('leaf.qcow2', '--look-in', 'moved').map(({ path, damaged }) => [path, damaged]);
    assert.deepEqual(found, [
      [at('whole.qcow2'), undefined],
      [at('moved/base.qcow2'), true],
    ]);
    const doctor = vmdisk('doctor', 'leaf.qcow2').stdout;
    assert.match(doctor, /whole\.qcow2[^]*base\.qcow2" as its parent \(\w+, damaged: /);
  });

  it('is not looked for among what stands on the image itself', () => {
    chain();
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'leaf.qcow2', '-F', 'qcow2', 'child.qcow2');
    move('base.raw', 'moved.raw');
    const paths = candidates('child.qcow2').map(({ path }) => path);
    assert.equal(paths[0], at('moved.raw'));
    assert.ok(!paths.includes(at('leaf.qcow2')) && !paths.includes(at('child.qcow2')), paths.join());
  });

  it('is looked for where a person says, and below', () => {
    chain();
    const far = makeTempFolder('far');
    try {
      fs.mkdirSync(join(far, 'x', 'y'), { recursive: true });
      fs.copyFileSync(at('base.raw'), join(far, 'x', 'y', 'base.raw'));
      fs.rmSync(at('base.raw'));
      assert.deepEqual(candidates('leaf.qcow2'), []);
      assert.equal(candidates('leaf.qcow2', '--look-in', far)[0]?.path, join(far, 'x', 'y', 'base.raw'));
    } finally {
      removeFolder(far);
    }
  });

  it(`reads as before or as planned when it is killed (VMDISK_SEED=${seed}, VMDISK_KILLS=${kills})`, async () => {
    const draw = Draw.named(seed, 'kill-relocate');
    chain();
    const planned = content('leaf.qcow2');
    move('base.raw', 'moved.raw');
    const was = fs.readFileSync(at('leaf.qcow2'));
    settle();
    const args = ['snapshot', 'relocate', 'leaf.qcow2', '--parent', 'moved.raw'];
    const begun = performance.now();
    assert.equal(vmdisk(...args).code, 0);
    const duration = performance.now() - begun;
    for (let number = 0; number < kills; number += 1) {
      for (const name of leftovers()) fs.rmSync(at(name));
      fs.writeFileSync(at('leaf.qcow2'), was);
      settle();
      // A group of its own, so that qemu-img goes with it.
      const child = spawn(process.execPath, [cliPath(), ...args], { cwd: folder, stdio: 'ignore', detached: true });
      const ended = once(child, 'exit');
      if (number % 2 === 0) await setTimeout((draw.below(1000) / 1000) * duration);
      else {
        while (leftovers().length === 0 && child.exitCode === null) await setTimeout(0);
        await setTimeout(draw.below(40));
      }
      if (child.pid !== undefined && child.exitCode === null) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It ended just now.
        }
      }
      await ended;
      const now = fs.readFileSync(at('leaf.qcow2'));
      if (hash(now) !== hash(was)) {
        assert.equal(qemuInfo(folder, 'leaf.qcow2')['backing-filename'], 'moved.raw');
        assert.equal(content('leaf.qcow2'), planned);
      }
      const left = leftovers().filter((name) => !/^\..*\.tmp$/.test(name));
      const known = ['.leaf.qcow2.vmdisk-header', '.leaf.qcow2.vmdisk-relocate.json'];
      assert.ok(
        left.every((name) => known.includes(name)),
        left.join(),
      );
      settle();
      if (left.includes('.leaf.qcow2.vmdisk-header') && number % 4 < 2) {
        assert.equal(vmdisk('snapshot', 'relocate', 'leaf.qcow2', '--restore').code, 0);
        assert.equal(hash(fs.readFileSync(at('leaf.qcow2'))), hash(was));
        settle();
      }
      // Doing it again finishes it.
      const again = vmdisk(...args);
      assert.equal(again.code, 0, again.stderr);
      assert.equal(content('leaf.qcow2'), planned);
      assert.deepEqual(
        leftovers().filter((name) => !name.endsWith('.tmp')),
        [],
      );
    }
  });
});
