import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDiskFile } from '../../../src/node/diskFile';
import { TRUST_ALL } from '../../../src/node/gate';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('the file of a disk', () => {
  let folder: string;
  let bundle: string;
  let descriptor: string;
  beforeEach(() => {
    folder = makeTempFolder('chosen');
    bundle = join(folder, 'disk.hdd');
    descriptor = join(bundle, 'DiskDescriptor.xml');
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'disk.hdd'), '');
    writeFileSync(join(bundle, 'disk.hdd.0.hds'), 'WithoutFreeSpace');
    writeFileSync(descriptor, '<Parallels_disk_image/>');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const opened = (name: string, policy = TRUST_ALL): string => {
    const { identity, source } = openDiskFile(name, policy);
    source.close();
    return identity.path;
  };

  it('is the descriptor of a bundle where the folder is named, or the empty file in it', () => {
    assert.equal(opened(bundle), descriptor);
    assert.equal(opened(join(bundle, 'disk.hdd')), descriptor);
    const untrusted = { ...TRUST_ALL, folders: [folder] };
    assert.equal(opened(bundle, untrusted), descriptor);
  });

  it('is itself where it is an image, another empty file, or lies in no bundle', () => {
    const image = join(bundle, 'disk.hdd.0.hds');
    const empty = join(bundle, 'empty.img');
    const alone = join(folder, 'alone.hdd');
    writeFileSync(empty, '');
    writeFileSync(alone, '');
    for (const file of [image, empty, alone, descriptor]) assert.equal(opened(file), file);
    assert.throws(() => opened(folder), { code: 'refused', message: /a folder/ });
    assert.throws(() => opened(join(folder, 'none.hdd')), { code: 'not-found' });
  });

  it('leads out of a folder that is not trusted by no link that lies in it', () => {
    const other = join(folder, 'other');
    const link = join(other, 'DiskDescriptor.xml');
    mkdirSync(other);
    symlinkSync(descriptor, link);
    writeFileSync(join(other, 'disk.hdd'), '');
    assert.equal(opened(other), link);
    for (const name of [other, join(other, 'disk.hdd')]) {
      assert.throws(() => opened(name, { ...TRUST_ALL, folders: [other] }), { code: 'refused', message: /leads out/ });
    }
  });
});
