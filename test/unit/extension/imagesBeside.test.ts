import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { besides } from '../../../src/extension/paths';
import { imageNames } from '../../../src/extension/tree/candidates';
import { imagesBeside } from '../../../src/extension/work/imagesBeside';

describe('the images beside an image', () => {
  const isImage = imageNames(['*.qcow2']);
  let folder = '';
  const put = (...names: readonly string[]): void => {
    for (const name of names) writeFileSync(join(folder, name), '');
  };
  const beside = (): Promise<string[]> => imagesBeside(join(folder, 'top.qcow2'), isImage);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'beside-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('are the files whose names say so', async () => {
    put('top.qcow2', 'other.QCOW2', 'disk.img', 'disk.raw', 'notes.txt', 'volume');
    mkdirSync(join(folder, 'folder.qcow2'));
    const names = ['disk.img', 'disk.raw', 'other.QCOW2', 'top.qcow2'];
    assert.deepEqual(
      await beside(),
      names.map((name) => join(folder, name)),
    );
  });

  it('are whole disks: not the files that are named as parts of one whose descriptor is there', async () => {
    const named = (): Promise<string[]> =>
      imagesBeside(join(folder, 'a.vmdk'), imageNames(['*.vmdk', '*.hds', '*.xml']));
    put('a.vmdk', 'a-s001.vmdk', 'a-flat.vmdk', 'b-s001.vmdk', 'c.hds');
    assert.deepEqual(await named(), [join(folder, 'a.vmdk'), join(folder, 'b-s001.vmdk'), join(folder, 'c.hds')]);
    put('DiskDescriptor.xml');
    assert.deepEqual(
      await named(),
      ['DiskDescriptor.xml', 'a.vmdk', 'b-s001.vmdk'].map((name) => join(folder, name)),
    );
  });

  it('are no more than anybody looks through', async () => {
    put(...Array.from({ length: 210 }, (_, index) => `${index}.qcow2`));
    assert.equal((await beside()).length, 200);
  });

  it('are none in a folder that is gone', async () => {
    assert.deepEqual(await imagesBeside(join(folder, 'gone', 'top.qcow2'), isImage), []);
  });
});

describe('paths besides others', () => {
  it('are each told once', () => {
    assert.deepEqual(besides(['/a', '/b', '/a', '/c'], ['/b']), ['/a', '/c']);
  });
});
