/** A qcow2 on each other format: QEMU takes ours for its own, and both read and map the chain in the same way. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { DiskError } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import { createSnapshot } from '../../src/node/snapshots/create';
import { runCli, runCliJson } from '../support/cli';
import type { MapEntry } from '../support/qemu';
import { lacksQemu, qemuImg, qemuInfo, qemuIo, qemuMap } from '../support/qemu';
import { buildLuks2 } from '../fixtures/build/luks';
import { writeImage } from '../fixtures/build/index';
import { buildTar } from '../fixtures/build/tar';
import { makeTempFolder, removeFolder } from '../support/temp';
import { mapDifferences } from './compare';
import { unpackCorpus } from './corpus';

/** What qemu-img writes, by the name of the file: its format, and the options. */
const BASES: Readonly<Record<string, readonly [format: string, ...options: string[]]>> = {
  'disk.qcow': ['qcow'],
  'disk.qed': ['qed'],
  'sparse.vmdk': ['vmdk'],
  'flat.vmdk': ['vmdk', '-o', 'subformat=monolithicFlat'],
  'split.vmdk': ['vmdk', '-o', 'subformat=twoGbMaxExtentSparse'],
  'stream.vmdk': ['vmdk', '-o', 'subformat=streamOptimized'],
  'disk.vdi': ['vdi'],
  'static.vdi': ['vdi', '-o', 'static=on'],
  'dynamic.vhd': ['vpc', '-o', 'force_size=on'],
  'fixed.vhd': ['vpc', '-o', 'subformat=fixed,force_size=on'],
  'disk.vhdx': ['vhdx'],
  'disk.hdd': ['parallels'],
};
/** qemu-img tells one extent of data for each VHDX, whatever is in it. */
const WITHOUT_MAP: ReadonlySet<string> = new Set(['vhdx']);
const LONG_AGO = new Date('2021-03-04T05:06:07Z');

describe('chains of several formats', function () {
  if (lacksQemu()) {
    it('are not compared: there is no qemu-img');
    return;
  }
  let folder: string;
  before(() => {
    folder = makeTempFolder('mixed');
    qemuImg(folder, 'create', '-q', '-f', 'raw', 'source.raw', '6M');
    qemuIo(folder, ['-f', 'raw', 'source.raw'], ['write -P 7 0 96k', 'write -P 8 1M 1500k', 'write -P 9 5M 64k']);
    for (const [name, [format, ...options]] of Object.entries(BASES)) {
      qemuImg(folder, 'convert', '-q', '-f', 'raw', '-O', format, ...options, 'source.raw', name);
    }
    for (const name of fs.readdirSync(folder)) fs.utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
  });
  after(() => {
    removeFolder(folder);
  });

  const create = (base: string, overlay = `${base}.qcow2`): ReturnType<typeof createSnapshot> =>
    createSnapshot({ base: resolve(folder, base), overlay: join(folder, overlay) }, TRUST_ALL);

  const hashOf = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

  async function assertRefused(base: string, why: RegExp): Promise<void> {
    await assert.rejects(create(base, 'never.qcow2'), (error) => {
      assert(error instanceof DiskError && error.code === 'refused', String(error));
      assert.match(error.message, why);
      return true;
    });
    assert.equal(fs.existsSync(join(folder, 'never.qcow2')), false);
  }

  for (const [base, [format]] of Object.entries(BASES)) {
    it(`a qcow2 on ${base}: made, written to by QEMU, read by both`, async () => {
      const before = hashOf(join(folder, base));
      const created = await create(base);
      assert.deepEqual([created.backingFormat, created.backing], [format, base]);
      const overlay = `${base}.qcow2`;
      const [, parent] = JSON.parse(qemuImg(folder, 'info', '--output=json', '--backing-chain', overlay)) as [
        unknown,
        Record<string, unknown>,
      ];
      assert.equal(parent['format'], format);
      assert.equal(qemuInfo(folder, overlay)['virtual-size'], created.guestSize);
      qemuIo(folder, ['-f', 'qcow2', overlay], ['write -P 17 64k 64k', 'write -z 2M 128k', 'write -P 18 5500k 8k']);
      qemuImg(folder, 'convert', '-q', '-f', 'qcow2', '-O', 'raw', overlay, 'theirs.raw');
      const { code, stderr } = runCli(['convert', '-O', 'raw', overlay, 'ours.raw', '--force'], { cwd: folder });
      assert.equal(code, 0, stderr);
      assert.equal(hashOf(join(folder, 'ours.raw')), hashOf(join(folder, 'theirs.raw')));
      if (!WITHOUT_MAP.has(format)) {
        const ours = runCliJson(['map', overlay], { cwd: folder }) as MapEntry[];
        assert.deepEqual(mapDifferences(ours, qemuMap(folder, overlay)), []);
      }
      assert.equal(hashOf(join(folder, base)), before);
    });
  }

  it('are not merged into another format, and nothing changes', () => {
    const before = hashOf(join(folder, 'disk.vdi.qcow2'));
    const { code, stderr, stdout } = runCli(['snapshot', 'delete', 'disk.vdi.qcow2'], { cwd: folder });
    assert.notEqual(code, 0);
    assert.match(`${stdout}${stderr}`, /disk\.vdi is of the format vdi: qemu-img merges qcow2 alone/);
    assert.equal(hashOf(join(folder, 'disk.vdi.qcow2')), before);
  });

  it('have no parent of another format that is told a new place', () => {
    const { code, stderr } = runCli(['snapshot', 'relocate', 'sparse.vmdk'], { cwd: folder });
    assert.notEqual(code, 0);
    assert.match(stderr, /this vmdk image stands on nothing/);
  });

  it('have candidates for a parent of another format that is gone, which is then to be put back', () => {
    fs.mkdirSync(join(folder, 'moved', 'old'), { recursive: true });
    qemuImg(folder, 'create', '-q', '-f', 'vmdk', 'moved/base.vmdk', '4M');
    qemuImg(join(folder, 'moved'), 'create', '-q', '-f', 'vmdk', '-b', 'base.vmdk', '-F', 'vmdk', 'child.vmdk');
    fs.renameSync(join(folder, 'moved', 'base.vmdk'), join(folder, 'moved', 'old', 'kept.vmdk'));
    const listed = runCli(['snapshot', 'relocate', 'moved/child.vmdk'], { cwd: folder });
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /certain +moved\/old\/kept\.vmdk.*\n +\+ its CID is the one that the overlay expects/);
    assert.match(listed.stdout, /put the parent back where this one looks for it, base\.vmdk\n$/);
    const args = ['snapshot', 'relocate', 'moved/child.vmdk', '--parent', 'moved/old/kept.vmdk'];
    assert.match(runCli(args, { cwd: folder }).stderr, /only of a qcow2 image the name of its parent is changed/);
    const [place, at] = ['old/kept.vmdk', 'base.vmdk'].map((name) => join(folder, 'moved', name));
    assert.ok(place !== undefined && at !== undefined);
    assert.ok(runCli(['doctor', 'moved'], { cwd: folder }).stdout.includes(` ${place} ${at}\n`));
    fs.renameSync(place, at);
    assert.match(runCli(['doctor', 'moved'], { cwd: folder }).stdout, /^no problem found/);
  });

  it('have none that QEMU can not read: LUKS, an archive', async () => {
    writeImage(join(folder, 'disk.luks'), buildLuks2());
    const bytes = fs.readFileSync(join(folder, 'disk.vdi'));
    fs.writeFileSync(join(folder, 'disk.ova'), buildTar([{ name: 'disk.vdi', bytes }]));
    for (const name of ['disk.luks', 'disk.ova']) fs.utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
    await assertRefused('disk.luks', /does not know LUKS of version 2/);
    await assertRefused('disk.ova', /inside an archive/);
  });

  const corpus = unpackCorpus();
  if (!corpus) {
    it('are not tried on differencing images of others: ../shared/corpus is not there');
    return;
  }
  after(() => {
    removeFolder(corpus.folder);
  });
  it('have none that QEMU misreads: differencing VHD and VHDX', async () => {
    for (const [name, why] of [
      ['fat-differential.vhd', /takes no notice of the parent/],
      ['fat-differential.vhdx', /no differencing VHDX/],
    ] as const) {
      await assertRefused(join(corpus.folder, 'log2timeline__dfvfs', name), why);
    }
    await assertRefused(join(corpus.folder, 'DiscUtils__DiscUtils', 'vhdx-log-replay.vhdx'), /its log is still to be/);
  });
});
