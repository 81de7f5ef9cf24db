import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, runCliJson } from '../support/cli';
import type { MapEntry } from '../support/qemu';
import { lacksQemu, qemuImg, qemuIo } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

/** A format in which appliances have their disks, and the options by which qemu-img makes it. */
const FORMATS = { vmdk: ['-O', 'vmdk', '-o', 'subformat=streamOptimized'], qcow2: ['-O', 'qcow2'] } as const;

describe('appliances', function () {
  if (lacksQemu()) {
    it('are not compared: there is no qemu-img');
    return;
  }
  let folder: string;
  before(() => {
    folder = makeTempFolder('ova');
    qemuImg(folder, 'create', '-q', '-f', 'raw', 'disk.raw', '8M');
    qemuIo(folder, ['-f', 'raw', 'disk.raw'], ['write -P 7 1M 700k', 'write -P 9 5M 64k']);
    for (const [format, options] of Object.entries(FORMATS)) {
      qemuImg(folder, 'convert', '-q', '-f', 'raw', ...options, 'disk.raw', `disk.${format}`);
      qemuImg(folder, 'convert', '-q', '-f', 'raw', ...options, 'disk.raw', `other.${format}`);
      writeFileSync(join(folder, 'vm.ovf'), '<Envelope><VirtualSystem id="web"/></Envelope>');
      tar(`one-${format}.ova`, 'vm.ovf', `disk.${format}`);
      tar(`two-${format}.ova`, 'vm.ovf', `disk.${format}`, `other.${format}`);
      rmSync(join(folder, `other.${format}`));
    }
  });
  after(() => {
    removeFolder(folder);
  });

  /** The system's own tar, whatever that is. */
  function tar(archive: string, ...files: readonly string[]): void {
    execFileSync('tar', ['-cf', archive, ...files], { cwd: folder });
  }

  for (const format of Object.keys(FORMATS)) {
    it(`with one disk (${format}) are that disk: its bytes and its map, moved to where the archive has it`, () => {
      const out = join(folder, 'out.raw');
      const { code, stderr } = runCli(['convert', `one-${format}.ova`, out, '-O', 'raw'], { cwd: folder });
      assert.equal(code, 0, stderr);
      assert(readFileSync(out).equals(readFileSync(join(folder, 'disk.raw'))));
      rmSync(out);
      const within = runCliJson(['map', `one-${format}.ova`], { cwd: folder }) as MapEntry[];
      const alone = runCliJson(['map', `disk.${format}`], { cwd: folder }) as MapEntry[];
      const by = readFileSync(join(folder, `one-${format}.ova`)).indexOf(readFileSync(join(folder, `disk.${format}`)));
      const moved = alone.map((entry) =>
        entry.offset === undefined ? entry : { ...entry, offset: entry.offset + by },
      );
      assert(by > 0);
      assert.deepEqual(within, moved);
    });

    it(`with two disks (${format}) are listed, and one is named`, () => {
      const archive = `two-${format}.ova`;
      const listed = runCliJson(['info', archive], { cwd: folder }) as { filename: string }[];
      const names = [`${archive}:disk.${format}`, `${archive}:other.${format}`];
      assert.deepEqual(
        listed.map(({ filename }) => filename),
        names,
      );
      const { code, stderr } = runCli(['map', archive], { cwd: folder });
      assert.equal(code, 1);
      for (const name of names) assert(stderr.includes(name), stderr);
      const { code: same } = runCli(['compare', names[1] ?? '', 'disk.raw', '-F', 'raw'], { cwd: folder });
      assert.equal(same, 0);
      const missing = runCli(['info', `${archive}:vm.ovf`], { cwd: folder });
      assert.match(missing.stderr, /there is no disk "vm\.ovf" in this archive/);
    });
  }

  it('are told from files that have a colon in their names', () => {
    if (process.platform === 'win32') return;
    writeFileSync(join(folder, 'x.ova:disk.raw'), Buffer.alloc(4096));
    const info = runCliJson(['info', 'x.ova:disk.raw'], { cwd: folder }) as { format: string };
    assert.equal(info.format, 'raw');
  });
});
