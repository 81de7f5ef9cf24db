import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempFolder, removeFolder } from '../support/temp';
import { qemuImg, qemuInfo, qemuMap, qemuVersion } from '../support/qemu';
import { repositoryRoot } from '../support/root';

const MIB = 1024 * 1024;
/** SHA-256 over the names and contents of the images: whoever changes the sample on purpose changes it here too. */
const DIGEST = '80c99299966bdde893a244686ab2df741c71634f94d4371df446957541a226e6';
const CHAIN = ['web01.qcow2', 'web01.before-upgrade.qcow2', 'web01.after-install.qcow2', 'web01.img'];

describe('the sample', function () {
  this.timeout(120_000);
  let folder = '';
  before(() => {
    folder = makeTempFolder('sample');
    const script = join(repositoryRoot(), 'scripts', 'sample.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8', windowsHide: true });
    assert.equal(status, 0, stderr);
  });
  after(() => {
    removeFolder(folder);
  });

  it('is the same bytes on every machine', () => {
    const digest = createHash('sha256');
    for (const name of readdirSync(folder).sort()) {
      digest.update(`${name}\0`).update(readFileSync(join(folder, name)));
    }
    assert.equal(digest.digest('hex'), DIGEST);
  });

  it('carries the dates of its story', () => {
    const dates = CHAIN.map((name) => statSync(join(folder, name)).mtime.toISOString().slice(0, 16));
    assert.deepEqual(dates, ['2025-06-22T03:31', '2025-06-17T20:41', '2025-03-03T14:10', '2025-02-11T09:00']);
  });

  it('stays modest', () => {
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 200 * MIB);
  });

  it('says in its README what is there', () => {
    const about = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const name of readdirSync(folder)) {
      assert.ok(name === 'README.md' || about.includes(name), `${name} is not told`);
    }
  });

  describe('to qemu-img', () => {
    before(function () {
      if (!qemuVersion()) {
        assert.ok(!process.env['VMDISK_REQUIRE_QEMU'], 'qemu-img is required here and missing');
        this.skip();
      }
    });

    it('is without a fault', () => {
      for (const name of [...CHAIN.slice(0, -1), 'web01.experiment.qcow2']) {
        qemuImg(folder, 'check', name);
      }
      assert.equal(qemuInfo(folder, 'db01.snapshot.qcow2')['backing-filename'], 'db01.img');
      assert.throws(() => qemuImg(folder, 'check', 'db01.snapshot.qcow2'), /db01\.img/);
    });

    it('has every layer own data of its own, zeros and compressed clusters', () => {
      const map = qemuMap(folder, 'web01.qcow2');
      for (const depth of [0, 1, 2, 3]) {
        assert.ok(map.some((e) => e.depth === depth && e.present && e.data), `no data at depth ${depth}`);
        assert.ok(map.some((e) => e.depth === depth && e.present && e.zero), `no zeros at depth ${depth}`);
      }
      assert.deepEqual([...new Set(map.filter((e) => e.compressed).map((e) => e.depth))].sort(), [0, 1, 2]);
    });

    it('holds what its README promises at the offsets that it names', () => {
      const about = readFileSync(join(folder, 'README.md'), 'utf8');
      const [kernel = NaN, page = NaN] = [...about.matchAll(/0x[0-9a-f]+/g)].map(([hex]) => Number(hex));
      const at = (name: string, offset: number) =>
        qemuMap(folder, name).find((e) => e.start <= offset && offset < e.start + e.length);
      assert.deepEqual([at('web01.qcow2', kernel)?.depth, at('web01.qcow2', kernel)?.zero], [0, true]);
      assert.deepEqual([at('web01.before-upgrade.qcow2', kernel)?.depth, at('web01.img', kernel)?.data], [2, true]);
      const small = at('web01.experiment.qcow2', page);
      assert.equal(small?.depth, 0);
      assert.ok(small.length < 16_384, 'the experiment owns more than a few subclusters');
    });

    it('has file systems that e2fsck finds clean, in every state', function () {
      if (spawnSync('e2fsck', ['-V']).error) {
        this.skip();
      }
      const states = [...CHAIN, 'web01.experiment.qcow2'].map((name) => [name]);
      for (const args of [...states, ['-l', 'before-logturn', 'web01.before-upgrade.qcow2']]) {
        qemuImg(folder, 'convert', '-O', 'raw', ...args, 'flat.raw');
        const file = join(folder, 'flat.raw');
        const { status, stdout } = spawnSync('e2fsck', ['-fn', `${file}?offset=${MIB}`], { encoding: 'utf8' });
        assert.equal(status, 0, `${args.join(' ')}:\n${stdout}`);
      }
    });
  });
});
