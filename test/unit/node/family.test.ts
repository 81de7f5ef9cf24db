import assert from 'node:assert/strict';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { above, chainOf, childrenOf, findFamily, memberAt } from '../../../src/node/family';
import type { Family } from '../../../src/node/family';
import { TRUST_ALL } from '../../../src/node/gate';
import { buildQcow2, writeImage } from '../../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('the family of an image', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('family');
  });
  afterEach(() => {
    removeFolder(folder);
  });
  const at = (name: string): string => join(folder, name);
  const make = (name: string, backing?: string): string => {
    const parent = backing === undefined ? {} : { backing, backingFormat: 'qcow2' };
    writeImage(at(name), buildQcow2({ size: 2 ** 20, ...parent }).image);
    return at(name);
  };
  const names = (images: Family['images']): string[] => images.map(({ path }) => basename(path)).sort();
  const familyOf = (name: string, ...folders: string[]): Family => findFamily(at(name), TRUST_ALL, folders.map(at));
  const idOf = (family: Family, name: string): string => {
    const member = memberAt(family, at(name));
    assert(member, `${name} is not in the family`);
    return member.id;
  };

  it('is all that hangs together in the folder, from whichever member it is asked, and nothing else', () => {
    make('base');
    make('mid', 'base');
    make('left', 'mid');
    make('right', 'mid');
    make('other-base');
    make('other', 'other-base');
    writeFileSync(at('notes.txt'), 'no image');
    for (const start of ['base', 'mid', 'left']) {
      assert.deepEqual(names(familyOf(start).images), ['base', 'left', 'mid', 'right']);
    }
    const family = familyOf('left');
    assert.deepEqual(names(childrenOf(family, idOf(family, 'mid'))), ['left', 'right']);
    assert.deepEqual(names(above(family, idOf(family, 'base'))), ['left', 'mid', 'right']);
    assert.deepEqual(
      chainOf(family, idOf(family, 'left')).map(({ path }) => basename(path)),
      ['left', 'mid', 'base'],
    );
  });

  it('is not what our own work keeps beside an image, though it begins as one', () => {
    make('base');
    make('top', 'base');
    const kept = ['.top.vmdisk-header', 'top.before-repair', 'top.before-repair-3', '.new.77.1764081000000.tmp'];
    for (const name of kept) make(name, 'base');
    // Decoys: only like these.
    make('top.before-repairs', 'base');
    make('vmdisk-header', 'base');
    assert.deepEqual(names(familyOf('base').images), ['base', 'top', 'top.before-repairs', 'vmdisk-header']);
  });

  it('looks where each layer of the chain lies, and where it is told to', () => {
    for (const name of ['gold', 'vm', 'elsewhere', 'gold/deep']) mkdirSync(at(name));
    make('gold/deep/base');
    make('gold/template', 'deep/base');
    make('gold/sibling', 'template');
    make('gold/deep/cousin', 'base');
    make('vm/disk', '../gold/template');
    make('elsewhere/hidden', '../vm/disk');
    const near = familyOf('vm/disk');
    assert.deepEqual(names(near.images), ['base', 'cousin', 'disk', 'sibling', 'template']);
    assert.deepEqual([...near.folders].sort(), [at('gold'), at('gold/deep'), at('vm')]);
    assert.deepEqual(names(familyOf('vm/disk', 'elsewhere').images), [...names(near.images), 'hidden'].sort());
  });

  it('counts a file once, whatever names it has', () => {
    make('base');
    linkSync(at('base'), at('base-again'));
    symlinkSync(at('base'), at('base-link'));
    make('top', 'base-link');
    const family = familyOf('top');
    assert.equal(family.images.length, 2);
    assert.equal(memberAt(family, at('base-again'))?.id, memberAt(family, at('base'))?.id);
    assert.deepEqual(names(childrenOf(family, idOf(family, 'base'))), ['top']);
  });

  it('tells of images that could not be read: they may stand on any of these', () => {
    make('base');
    writeFileSync(at('cut.qcow2'), 'QFI\xfb\0\0\0\x03', 'latin1');
    assert.deepEqual(
      familyOf('base').unusable.map(({ path }) => path),
      [at('cut.qcow2')],
    );
  });

  it('ends where a chain does, in a ring or with a parent that is not there', () => {
    make('a', 'b');
    make('b', 'a');
    assert.deepEqual(names(familyOf('a').images), ['a', 'b']);
    make('orphan', 'gone');
    make('child', 'orphan');
    assert.deepEqual(names(familyOf('orphan').images), ['child', 'orphan']);
  });

  it('is empty for what is no image', () => {
    writeFileSync(at('text'), 'no image');
    assert.deepEqual(familyOf('text').images, []);
    assert.equal(familyOf('absent').unusable[0]?.error.code, 'not-found');
  });
});
