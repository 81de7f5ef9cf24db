import assert from 'node:assert/strict';
import type { Chain, FileReference } from '../../../../../src/core';
import { closeChain, openChain } from '../../../../../src/core';
import type { VhdxSpec } from '../../../../fixtures/build/vhdx';
import { buildVhdx, VHDX_DATA_WRITE, VHDX_GUIDS } from '../../../../fixtures/build/vhdx';
import { MemoryDisk } from '../../../../support/memory';
import { codesOf, le, MIB, openOne, PARENT_GUID } from './open';

const SPEC: VhdxSpec = { size: 2 * MIB };
const OTHER = '{ffffffff-0000-0000-0000-000000000000}';

const parentOf = (parent: Readonly<Record<string, string>>): FileReference => {
  const found = openOne(buildVhdx({ ...SPEC, parent }).image).layer.parent;
  assert(found);
  return found;
};

const places = ({ target, elsewhere = [] }: FileReference): unknown =>
  [target, ...elsewhere].map((place) =>
    place.kind === 'path' ? `${place.path}${place.isGuess === true ? ' (a guess)' : ''}` : place,
  );

/** A child in `/vm` with these places, and files by their names. */
function chainOf(parent: Readonly<Record<string, string>>, files: Readonly<Record<string, VhdxSpec>>): Chain {
  const disk = new MemoryDisk().put('/vm/child.avhdx', buildVhdx({ ...SPEC, parent }).image);
  for (const [name, spec] of Object.entries(files)) disk.put(name, buildVhdx(spec).image);
  const chain = openChain(disk.environment, disk.leaf('/vm/child.avhdx'));
  closeChain(chain);
  assert.deepEqual(disk.openFiles, [], 'what was tried is closed');
  return chain;
}

const found = ({ layers }: Chain): readonly (string | undefined)[] => [
  layers[1]?.identity.path,
  ...(layers[0]?.findings ?? []).map(({ code, severity }) => `${code} ${severity}`),
];

describe('the parent of a differencing VHDX', () => {
  it('is looked for by its relative path, its volume, its absolute path, and last beside the image', () => {
    const reference = parentOf({
      absolute_win32_path: '\\\\?\\D:\\disks\\base.vhdx',
      parent_linkage: PARENT_GUID,
      volume_path: '\\\\?\\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\\disks\\base.vhdx',
      relative_path: '..\\disks\\base.vhdx',
    });
    assert.deepEqual(places(reference), [
      '../disks/base.vhdx',
      '\\\\?\\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\\disks\\base.vhdx',
      'D:\\disks\\base.vhdx',
      'base.vhdx (a guess)',
    ]);
    assert.deepEqual([reference.written, reference.format, reference.role], ['..\\disks\\base.vhdx', 'vhdx', 'parent']);
    assert.deepEqual(reference.expects, [
      { what: 'DataWriteGuid', value: VHDX_DATA_WRITE, or: undefined, severity: 'error' },
    ]);
  });

  it('may be on another computer, as it is written without the prefix of long paths', () => {
    const { target } = parentOf({ absolute_win32_path: '\\\\?\\UNC\\server\\share\\base.vhdx' });
    assert.deepEqual(target.kind === 'path' && target.path, '\\\\server\\share\\base.vhdx');
    assert.deepEqual(places(parentOf({ absolute_win32_path: '\\\\?\\server\\base.vhdx' })), [
      '\\\\?\\server\\base.vhdx',
      'base.vhdx (a guess)',
    ]);
  });

  it('is nowhere where what locates it is shorter than its own header', () => {
    const item = { guid: VHDX_GUIDS.parentLocator, bytes: new Uint8Array(19), flags: 4 };
    const { layer } = openOne(buildVhdx({ ...SPEC, parent: { relative_path: 'base.vhdx' }, items: [item] }).image);
    const { target } = layer.parent ?? assert.fail();
    assert(target.kind === 'refused');
    assert.match(target.message, /located in a way that is not known \(none\)/);
  });

  it('beside the image is no guess where the image says so', () => {
    for (const path of ['base.vhdx', '.\\base.vhdx']) {
      assert.deepEqual(places(parentOf({ relative_path: path })), [path.replace('\\', '/')]);
    }
    for (const path of ['..', '.', 'x\\']) {
      assert.deepEqual(places(parentOf({ relative_path: path })), [path.replace('\\', '/')]);
    }
  });

  it('is known by its DataWriteGuid, or by the one that it was about to get', () => {
    const path = { relative_path: '..\\base.vhdx' };
    for (const links of [
      { parent_linkage: PARENT_GUID },
      { parent_linkage: OTHER, parent_linkage2: PARENT_GUID },
      { parent_linkage2: PARENT_GUID },
    ]) {
      assert.deepEqual(found(chainOf({ ...path, ...links }, { '/base.vhdx': SPEC })), ['/base.vhdx']);
    }
    const changed = chainOf({ ...path, parent_linkage: OTHER }, { '/base.vhdx': SPEC });
    assert.deepEqual(found(changed), ['/base.vhdx', 'parent-changed error']);
    assert.match(changed.layers[0]?.findings[0]?.message ?? '', /its DataWriteGuid is 00010203-.*, where ffffffff-/);
    // A link that is no GUID expects nothing.
    assert.deepEqual(parentOf({ ...path, parent_linkage: 'no GUID' }).expects, []);
    const { layers } = chainOf({ ...path, parent_linkage: 'no GUID' }, { '/base.vhdx': SPEC });
    assert.deepEqual(layers[0] && codesOf(layers[0]), ['parent-unverified']);
  });

  it('is taken from beside the image only where it is the one that is expected, and this is told', () => {
    const parent = { absolute_win32_path: '\\\\?\\D:\\disks\\base.vhdx', parent_linkage: PARENT_GUID };
    const files = { '/vm/base.vhdx': SPEC };
    assert.deepEqual(found(chainOf(parent, files)), ['/vm/base.vhdx', 'parent-guessed warning']);
    const chain = chainOf({ ...parent, parent_linkage: OTHER }, files);
    assert.equal(chain.end.kind, 'missing');
  });

  it('is another place than the first where only that has the GUID', () => {
    const parent = {
      relative_path: '..\\base.vhdx',
      absolute_win32_path: '\\\\?\\D:\\disks\\old.vhdx',
      parent_linkage: OTHER,
    };
    const old = { ...SPEC, dataWriteGuid: OTHER.slice(1, -1) };
    assert.deepEqual(found(chainOf(parent, { '/base.vhdx': SPEC, '/vm/old.vhdx': old })), [
      '/vm/old.vhdx',
      'parent-guessed warning',
    ]);
  });

  it('without a path is any image nearby that is known by the GUID', () => {
    const reference = parentOf({ parent_linkage: PARENT_GUID });
    assert.deepEqual(reference.target, { kind: 'search', endings: ['.vhdx', '.avhdx'] });
    assert.equal(reference.written, VHDX_DATA_WRITE);
    const chain = chainOf(
      { parent_linkage: OTHER },
      {
        '/vm/a.vhdx': SPEC,
        '/vm/b.vhdx': { ...SPEC, dataWriteGuid: OTHER.slice(1, -1) },
      },
    );
    assert.deepEqual(found(chain), ['/vm/b.vhdx']);
  });

  it('is not found by a locator of another kind, or by none', () => {
    const type = 'aaaaaaaa-0000-0000-0000-000000000000';
    const other = openOne(buildVhdx({ ...SPEC, parent: {}, locatorType: type }).image).layer.parent;
    assert.deepEqual([other?.target.kind, other?.written], ['refused', type]);
    const items = [{ guid: VHDX_GUIDS.parentLocator, bytes: new Uint8Array(), flags: 0 }];
    const none = openOne(buildVhdx({ ...SPEC, parent: {}, items }).image).layer.parent;
    assert.match(none?.target.kind === 'refused' ? none.target.message : '', /nothing that says where its parent is/);
    const chain = chainOf({}, { '/vm/a.vhdx': SPEC });
    assert.equal(chain.end.kind, 'refused');
  });

  it('is named by keys inside of the locator alone, the first of each', () => {
    const built = buildVhdx({ ...SPEC, parent: { relative_path: 'a.vhdx', parent_linkage: PARENT_GUID } });
    const locator = built.itemAt(VHDX_GUIDS.parentLocator);
    const changed = (at: number, bytes: Uint8Array): FileReference | undefined =>
      openOne(
        buildVhdx({ ...SPEC, parent: { relative_path: 'a.vhdx', parent_linkage: PARENT_GUID } }).image.poke(
          locator + at,
          bytes,
        ),
      ).layer.parent;
    assert.equal(changed(20 + 4, le(2 ** 32 - 2, 4))?.target.kind, 'search', 'a value past the item');
    assert.equal(changed(20, le(2 ** 32 - 2, 4))?.target.kind, 'search', 'a key past the item');
    assert.equal(changed(20 + 8, le(65534, 2))?.target.kind, 'search', 'a key too long');
    assert.deepEqual(changed(18, le(65535, 2))?.expects?.length, 1, 'more keys than there is room for');
    assert.deepEqual(changed(18, le(1, 2))?.expects, []);
    const twice = buildVhdx({ ...SPEC, parent: { relative_path: 'a.vhdx', relativePpath: 'b.vhdx' } });
    const key = twice.itemAt(VHDX_GUIDS.parentLocator) + 20 + 24 + 2 * ('relative_path'.length + 'a.vhdx'.length);
    twice.image.poke(key + 2 * 'relative'.length, le(0x5f, 2)).poke(key + 2 * 'relative_'.length, le(0x70, 2));
    assert.deepEqual(places(openOne(twice.image).layer.parent ?? parentOf({})), ['a.vhdx']);
  });

  it('is none where the disk says that it has none', () => {
    const bytes = new Uint8Array(20);
    const items = [{ guid: VHDX_GUIDS.parentLocator, bytes, flags: 4 }];
    const layer = openOne(buildVhdx({ ...SPEC, items }).image);
    assert.deepEqual([layer.layer.parent, codesOf(layer)], [undefined, []]);
  });
});
