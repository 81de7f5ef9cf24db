import assert from 'node:assert/strict';
import { chownSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Note } from '../../../../src/node/snapshots/notes';
import { notedImage, notePath, readNote, removeNote, writeNote } from '../../../../src/node/snapshots/notes';
import { makeTempFolder, removeFolder } from '../../../support/temp';

describe('notes about what is being done to an image', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('notes');
  });
  afterEach(() => {
    removeFolder(folder);
  });
  const image = (): string => join(folder, 'web01.qcow2');
  const note = (): Note => {
    const parent = join(folder, 'base');
    return { kind: 'delete', image: image(), parent, direction: 'commit', children: [join(folder, 'top')], began: 1 };
  };

  it('lie beside the image, are read back whole, and are gone when it is done', () => {
    writeNote(image(), note());
    assert.deepEqual(readdirSync(folder), ['.web01.qcow2.vmdisk-delete.json']);
    assert.deepEqual(readNote(image(), 'delete'), note());
    assert.equal(readNote(image(), 'preview'), undefined);
    removeNote(image(), 'delete');
    assert.deepEqual(readdirSync(folder), []);
    removeNote(image(), 'delete');
  });

  it('are not written over: somebody else may be at it', () => {
    writeNote(image(), note());
    assert.throws(() => {
      writeNote(image(), note());
    }, /there is a file of this name already/);
  });

  it('replace a link, not what it leads to', function () {
    if (process.platform === 'win32') this.skip();
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'precious');
    symlinkSync(precious, notePath(image(), 'delete'));
    writeNote(image(), note(), true);
    assert.equal(readFileSync(precious, 'utf8'), 'precious');
    assert.deepEqual(readNote(image(), 'delete'), note());
  });

  it('are not believed of somebody who could not change the image either', function () {
    if (process.geteuid?.() !== 0) this.skip();
    const STRANGER = 65_534;
    writeNote(image(), note());
    chownSync(notePath(image(), 'delete'), STRANGER, STRANGER);
    assert.equal(readNote(image(), 'delete'), undefined);
    writeFileSync(image(), '');
    chownSync(image(), STRANGER, STRANGER);
    assert.deepEqual(readNote(image(), 'delete'), note(), 'it is the owner of the image');
  });

  it('name the image that they are about', () => {
    assert.deepEqual(notedImage(notePath(image(), 'relocate')), { image: image(), kind: 'relocate' });
    assert.equal(notedImage(image()), undefined);
    assert.equal(notedImage(join(folder, '.vmdisk-delete.json')), undefined);
  });

  it('are believed only as far as they make sense', () => {
    for (const text of ['', '{', 'null', '[]', '{"kind":"delete"}', JSON.stringify({ ...note(), image: '../x' })]) {
      writeFileSync(notePath(image(), 'delete'), text);
      assert.equal(readNote(image(), 'delete'), undefined, text);
    }
    writeFileSync(notePath(image(), 'delete'), `${' '.repeat(2 ** 20)}${JSON.stringify(note())}`);
    assert.equal(readNote(image(), 'delete'), undefined);
  });
});
