/** Exit codes of `vmdisk compare` beside those of `qemu-img compare`, and the ranges that are known from what was written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { runCli } from '../support/cli';
import { qemuImg, qemuIo, qemuVersion } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

const version = qemuVersion();
const QEMU_IMG = process.env['VMDISK_QEMU_IMG'] ?? 'qemu-img';

describe(`compare beside qemu-img ${version?.text ?? ''}`, () => {
  if (!version) {
    const required = (process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '';
    if (required) it('has qemu-img', () => assert.fail('there is no qemu-img and VMDISK_REQUIRE_QEMU is set'));
    else it('is not run: there is no qemu-img on PATH; install qemu-utils');
    return;
  }

  let folder: string;
  const img = (...args: readonly string[]): string => qemuImg(folder, ...args);
  const io = (image: string, ...commands: readonly string[]): void => {
    qemuIo(folder, [image], commands);
  };

  before(() => {
    folder = makeTempFolder('compare');
    img('create', '-q', '-f', 'qcow2', 'base.qcow2', '4M');
    io('base.qcow2', 'write -P 1 0 1M', 'write -P 2 2M 64k');
    const on = (name: string, ...options: readonly string[]): void => {
      img('create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', ...options, name);
    };
    on('same.qcow2');
    on('zeroed.qcow2');
    io('zeroed.qcow2', 'write -z 3M 64k');
    on('changed.qcow2', '-o', 'extended_l2=on,cluster_size=128k');
    io('changed.qcow2', 'write -P 9 4096 512', 'write -P 1 512k 4k', 'write -z 2M 4k');
    img('create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'longer.qcow2', '6M');
    on('longer-data.qcow2');
    img('resize', '-q', 'longer-data.qcow2', '6M');
    io('longer-data.qcow2', 'write -P 3 5M 1k');
    img('convert', '-O', 'raw', 'base.qcow2', 'flat.raw');
    img('convert', '-c', '-O', 'qcow2', 'base.qcow2', 'packed.qcow2');
    img('create', '-q', '-f', 'qcow2', '-o', 'data_file=data.raw', 'external.qcow2', '4M');
    io('external.qcow2', 'write -P 1 0 1M', 'write -P 2 2M 64k');
  });

  after(() => {
    removeFolder(folder);
  });

  const images = [
    'base.qcow2',
    'same.qcow2',
    'zeroed.qcow2',
    'changed.qcow2',
    'longer.qcow2',
    'longer-data.qcow2',
    'flat.raw',
    'packed.qcow2',
    'external.qcow2',
  ];
  for (const strict of [false, true]) {
    it(`ends with the same exit code for each pair${strict ? ', with -s' : ''}`, () => {
      const options = strict ? ['-s'] : [];
      for (const [index, a] of images.entries()) {
        for (const b of images.slice(index)) {
          const qemu = spawnSync(QEMU_IMG, ['compare', ...options, a, b], { cwd: folder, encoding: 'utf8' });
          const ours = runCli(['compare', ...options, a, b], { cwd: folder });
          assert.equal(ours.code, qemu.status, `${a} ${b}: ${qemu.stdout}${ours.stdout}${ours.stderr}`);
        }
      }
    });
  }

  it('tells on stderr, once, that a parent is not as its child knows it', () => {
    img('create', '-q', '-f', 'vmdk', 'parent.vmdk', '4M');
    img('create', '-q', '-f', 'vmdk', '-b', 'parent.vmdk', '-F', 'vmdk', 'delta.vmdk');
    qemuIo(folder, ['-f', 'vmdk', 'parent.vmdk'], ['write -P 3 0 64k']);
    const { code, stderr } = runCli(['compare', 'delta.vmdk', 'parent.vmdk'], { cwd: folder });
    assert.equal(code, 0);
    assert.match(stderr, /^vmdisk: delta\.vmdk: the parent "parent\.vmdk" is not as it was[^\n]*\n$/);
    assert.equal(runCli(['compare', 'delta.vmdk', 'delta.vmdk'], { cwd: folder }).stderr, stderr);
  });

  it('lists what was written', () => {
    const { stdout } = runCli(['compare', '--output', 'json', 'base.qcow2', 'changed.qcow2'], { cwd: folder });
    const { differences, bytesDifferent } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(differences, [
      { start: 4096, length: 512 },
      { start: 2 << 20, length: 4096 },
    ]);
    assert.equal(bytesDifferent, 4608);
  });

  it('names internal snapshots, and files of such names first', () => {
    const size = ['create', '-q', '-f', 'qcow2'];
    img(...size, 'disk.qcow2', '1M');
    io('disk.qcow2', 'write -P 1 0 64k');
    img('snapshot', '-c', 'before', 'disk.qcow2');
    io('disk.qcow2', 'write -P 2 64k 64k');
    const code = (a: string, b: string): number | null => runCli(['compare', a, b], { cwd: folder }).code;
    assert.equal(code('disk.qcow2@before', 'disk.qcow2'), 1);
    assert.equal(code('disk.qcow2@before', 'disk.qcow2@1'), 0);
    assert.equal(code('disk.qcow2@after', 'disk.qcow2'), 2);
    img('convert', '-O', 'qcow2', 'disk.qcow2', 'disk.qcow2@before');
    assert.equal(code('disk.qcow2@before', 'disk.qcow2'), 0);
  });

  it('says 2 where an image can’t be opened, 4 where only a part can’t be known', () => {
    const code = (...args: readonly string[]): number | null => runCli(['compare', ...args], { cwd: folder }).code;
    assert.equal(code('gone.qcow2', 'base.qcow2'), 2);
    assert.equal(spawnSync(QEMU_IMG, ['compare', 'gone.qcow2', 'base.qcow2'], { cwd: folder }).status, 2);
    img('create', '-q', '-f', 'qcow2', '-u', '-b', 'gone.qcow2', '-F', 'qcow2', 'orphan.qcow2', '4M');
    assert.equal(code('orphan.qcow2', 'base.qcow2'), 4);
  });
});
