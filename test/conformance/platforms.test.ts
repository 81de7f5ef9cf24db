import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { platformFindings } from '../../src/node/platforms';
import { SIZE, TestDomain, uuidOf } from '../fixtures/platforms/domain';
import { makeLibvirt } from '../fixtures/platforms/others';
import { makeParallels } from '../fixtures/platforms/parallels';
import { runCli, runCliJson } from '../support/cli';
import { qemuImg, qemuInfo, qemuVersion } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

interface ChainJson {
  readonly layers: readonly { readonly label?: string; readonly format: string }[];
}

const labels = (image: string): unknown =>
  (runCliJson(['chain', image]) as ChainJson).layers.map(({ label, format }) => [label, format]);

describe('platforms’ names of snapshots', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('platforms');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  it('are told by vmdisk chain', () => {
    const { current } = makeLibvirt(folder);
    assert.deepEqual(labels(current), [
      ['current', 'qcow2'],
      ['after-upgrade', 'qcow2'],
      ['before-upgrade', 'qcow2'],
    ]);
    const { stdout, code } = runCli(['chain', current]);
    assert.equal(code, 0);
    assert.match(stdout, /^libvirt · disk vda · VM web01$/m);
    assert.match(stdout, /qcow2 +before-upgrade, 12 Mar 2024 +.*web01\.qcow2$/m);
  });

  it('are told of a bundle of Parallels, whose layers are files of their own', () => {
    const descriptor = makeParallels(folder);
    assert.deepEqual(labels(dirname(descriptor)), [
      ['current', 'parallels'],
      ['after-upgrade', 'parallels'],
      ['before-upgrade', 'parallels'],
    ]);
  });

  for (const version of [4, 5] as const) {
    it(`and of volumes that qemu-img made, in a domain of version ${version}, nothing is told to be wrong`, function () {
      if (!qemuVersion()) {
        if (process.env['CI']) assert.fail('qemu-img is missing');
        this.skip();
      }
      const domain = new TestDomain(folder, version);
      const overlays = [
        ['web-disk', 'web-1', uuidOf('template'), 'qcow2'],
        ['web-disk', 'web-2', uuidOf('web-1'), 'qcow2'],
        ['web-disk', 'web-3', `../${uuidOf('web-disk')}/${uuidOf('web-2')}`, 'qcow2'],
        ['db-disk', 'db-2', uuidOf('db-1'), 'raw'],
      ] as const;
      for (const [image, volume, backing, format] of overlays) {
        rmSync(domain.path(image, volume));
        const args = ['-q', '-f', 'qcow2', '-b', backing, '-F', format, uuidOf(volume), String(SIZE)];
        qemuImg(domain.folder(image), 'create', ...args);
      }
      assert.deepEqual(platformFindings(folder), []);
      assert.deepEqual(labels(domain.path('web-disk', 'web-3')), [
        ['current', 'qcow2'],
        ['after-upgrade', 'qcow2'],
        ['before-upgrade', 'qcow2'],
        ['template', 'qcow2'],
      ]);
      assert.deepEqual(labels(domain.path('db-disk', 'db-2')), [
        ['current', 'qcow2'],
        ['nightly – 12 März', 'raw'],
      ]);
      // What the engine's own tools can't see: the header alone is changed, the metadata is not.
      qemuImg(domain.folder('web-disk'), 'rebase', '-u', '-b', uuidOf('web-1'), '-F', 'qcow2', uuidOf('web-3'));
      assert.equal(qemuInfo(domain.folder('web-disk'), uuidOf('web-3'))['backing-filename'], uuidOf('web-1'));
      assert.deepEqual(
        platformFindings(folder).map(({ code, path }) => [code, path]),
        [['volume-backing', domain.path('web-disk', 'web-3')]],
      );
    });
  }
});
