import assert from 'node:assert/strict';
import { cpSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Chain, FileReference } from '../../../src/core';
import { closeChain, openChain } from '../../../src/core';
import { diagnose } from '../../../src/node/doctor';
import { createEnvironment } from '../../../src/node/environment';
import { findFamily, memberAt } from '../../../src/node/family';
import { openFile } from '../../../src/node/files';
import { FileGate, TRUST_ALL } from '../../../src/node/gate';
import { survey } from '../../../src/node/survey';
import type { GatePolicy } from '../../../src/protocol/worker';
import { makeVirtualbox, putVdi, uuidOf, vboxXml } from '../../fixtures/platforms/virtualbox';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('an image that names its parent by an id alone', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('parents');
  });
  afterEach(() => {
    removeFolder(folder);
  });
  const at = (name: string): string => join(folder, name);
  const untrusted = (): GatePolicy => ({ folders: [at('work')], allowed: [], platformTools: false });

  const open = (file: string, policy = TRUST_ALL): Chain => {
    const chain = openChain(createEnvironment(policy), openFile(file, TRUST_ALL));
    closeChain(chain);
    return chain;
  };
  const namesOf = ({ layers }: Chain): string[] =>
    layers.map(({ identity }) => relative(folder, identity.path).replaceAll('\\', '/'));
  /** The names below the folder that a gate would try, in order. */
  const places = (file: string, digit: string, policy = TRUST_ALL): string[] => {
    const reference: FileReference = {
      role: 'parent',
      written: uuidOf(digit),
      target: { kind: 'search', endings: ['.vdi'] },
      expects: [{ what: 'UUID', value: uuidOf(digit), severity: 'error' }],
    };
    return [...new FileGate(policy).find(reference, { id: 'leaf', path: file })].map(({ target }) => {
      assert(target.kind === 'path' && target.relativeTo === 'image');
      return relative(folder, target.path).replaceAll('\\', '/');
    });
  };
  const snapshotName = (digit: string): string => `{${uuidOf(digit)}}.vdi`;

  it('finds it as VirtualBox leaves them: the base in the folder of the VM, the others below', () => {
    const { current } = makeVirtualbox(folder);
    const chain = open(current);
    assert.deepEqual(namesOf(chain), [
      `web/Snapshots/${snapshotName('3')}`,
      `web/Snapshots/${snapshotName('2')}`,
      'web/web.vdi',
    ]);
    assert.equal(chain.end.kind, 'base');
    assert.deepEqual(
      chain.layers.flatMap(({ findings }) => findings),
      [],
    );
  });

  it('finds it under whatever name, in the folder, the one above and “Snapshots” below either', () => {
    for (const place of ['vm/x.vdi', 'x.vdi', 'vm/Snapshots/x.vdi', 'Snapshots/x.vdi']) {
      const leaf = putVdi(at('vm/leaf.vdi'), '2', '1');
      const base = putVdi(at(place), '1');
      assert.deepEqual(namesOf(open(leaf)), ['vm/leaf.vdi', place]);
      rmSync(base);
    }
    const leaf = putVdi(at('vm/leaf.vdi'), '2', '1');
    for (const place of ['vm/x.img', 'vm/deeper/x.vdi', 'other/x.vdi']) putVdi(at(place), '1');
    assert.equal(open(leaf).end.kind, 'missing');
  });

  it('tries the likeliest first: by name, as a VM’s settings say, and by what headers say', () => {
    const leaf = putVdi(at('vm/leaf.vdi'), '2', '1');
    putVdi(at(`vm/Snapshots/${snapshotName('1')}`), '1');
    putVdi(at('vm/a copy.vdi'), '1');
    putVdi(at(`vm/${snapshotName('7')}`), '1');
    mkdirSync(at('far/away'), { recursive: true });
    const far = putVdi(at('far/away/registered.vdi'), '1');
    const disks = [{ uuid: uuidOf('1'), location: far }];
    writeFileSync(at('vm/vm.vbox'), vboxXml({ name: 'vm', disks, has: uuidOf('2') }));
    assert.deepEqual(places(leaf, '1'), [
      `vm/Snapshots/${snapshotName('1')}`,
      'far/away/registered.vdi',
      'vm/a copy.vdi',
      `vm/${snapshotName('7')}`,
    ]);
    assert.deepEqual(places(leaf, '6'), []);
  });

  it('takes a place from the settings of the VM in the folder above, relative to that', () => {
    const leaf = putVdi(at('vm/Snapshots/leaf.vdi'), '2', '1');
    putVdi(at('vm/disks/base.vdi'), '1');
    const disks = [{ uuid: uuidOf('1'), location: 'disks/base.vdi' }];
    writeFileSync(at('vm/vm.vbox'), vboxXml({ name: 'vm', disks, has: uuidOf('2') }));
    assert.deepEqual(namesOf(open(leaf)), ['vm/Snapshots/leaf.vdi', 'vm/disks/base.vdi']);
  });

  it('says where a disk of the settings would be that is not there', () => {
    const { base, middle } = makeVirtualbox(folder);
    rmSync(base);
    const { end } = open(middle);
    assert(end.kind === 'missing');
    assert.deepEqual([end.name, end.written], [base, uuidOf('1')]);
  });

  it('passes over what has another id, is no image or can not be read', () => {
    const leaf = putVdi(at('vm/leaf.vdi'), '2', '1');
    putVdi(at('vm/a.vdi'), '5');
    writeFileSync(at('vm/b.vdi'), 'no image');
    writeFileSync(at('vm/c.vbox'), 'no settings');
    mkdirSync(at('vm/d.vdi'));
    symlinkSync(at('vm/gone'), at('vm/e.vdi'));
    const { end } = open(leaf);
    assert.deepEqual([end.kind, end.kind === 'missing' && end.name], ['missing', uuidOf('1')]);
  });

  it('sees at once what came to the folder', () => {
    const leaf = putVdi(at('vm/leaf.vdi'), '2', '1');
    const past = new Date(Date.now() - 60_000);
    utimesSync(at('vm'), past, past);
    assert.equal(open(leaf).end.kind, 'missing');
    putVdi(at('vm/base.vdi'), '1');
    assert.deepEqual(namesOf(open(leaf)), ['vm/leaf.vdi', 'vm/base.vdi']);
    const later = new Date(statSync(at('vm')).mtimeMs - 60_000);
    utimesSync(at('vm'), later, later);
    open(leaf);
    renameSync(at('vm/base.vdi'), at('vm/renamed.vdi'));
    assert.deepEqual(namesOf(open(leaf)), ['vm/leaf.vdi', 'vm/renamed.vdi']);
  });

  it('finds it beside where a link to the image leads', () => {
    const { current } = makeVirtualbox(folder);
    mkdirSync(at('links'));
    symlinkSync(current, at('links/leaf.vdi'));
    assert.equal(open(at('links/leaf.vdi')).layers.length, 3);
  });

  describe('in a workspace that is not trusted', () => {
    it('finds it in its folders', () => {
      const { current } = makeVirtualbox(at('work'));
      assert.equal(open(current, untrusted()).layers.length, 3);
    });

    it('finds none beside it, or where a link leads out of it', () => {
      const leaf = putVdi(at('work/leaf.vdi'), '2', '1');
      putVdi(at('base.vdi'), '1');
      putVdi(at(`Snapshots/${snapshotName('1')}`), '1');
      putVdi(at('out/base.vdi'), '1');
      symlinkSync(at('out'), at('work/Snapshots'));
      symlinkSync(at('out/base.vdi'), at('work/link.vdi'));
      assert.deepEqual(places(leaf, '1', untrusted()), []);
      assert.equal(open(leaf, untrusted()).end.kind, 'missing');
      assert.equal(places(leaf, '1').length, 4, 'all of them where it is trusted');
    });

    it('opens nothing that the settings of a VM place outside', () => {
      const leaf = putVdi(at('work/leaf.vdi'), '2', '1');
      const outside = putVdi(at('out/base.vdi'), '1');
      const disks = [{ uuid: uuidOf('1'), location: outside }];
      writeFileSync(at('work/vm.vbox'), vboxXml({ name: 'vm', disks, has: uuidOf('2') }));
      const { end } = open(leaf, untrusted());
      assert.deepEqual([end.kind, end.kind !== 'base' && end.reason], ['refused', 'outside']);
      assert.equal(open(leaf, { ...untrusted(), allowed: [outside] }).layers.length, 2);
    });

    it('is not helped by settings that lie outside', () => {
      const leaf = putVdi(at('work/leaf.vdi'), '2', '1');
      putVdi(at('work/deep/base.vdi'), '1');
      const disks = [{ uuid: uuidOf('1'), location: 'work/deep/base.vdi' }];
      writeFileSync(at('vm.vbox'), vboxXml({ name: 'vm', disks, has: uuidOf('2') }));
      assert.equal(open(leaf, untrusted()).end.kind, 'missing');
      assert.equal(open(leaf).layers.length, 2);
    });
  });

  describe('goes to the doctor', () => {
    const told = async (): Promise<unknown> =>
      (await diagnose([folder], TRUST_ALL))
        .filter(({ severity }) => severity !== 'info')
        .map(({ code, path, remedies }) => [code, basename(path), remedies.map(({ title }) => title)]);

    it('who finds nothing wrong with a VM of VirtualBox', async () => {
      makeVirtualbox(folder);
      assert.deepEqual(await told(), []);
    });

    it('who can only say that a parent which is missing should be put where it was', async () => {
      const { base, middle } = makeVirtualbox(folder);
      rmSync(base);
      assert.deepEqual(await told(), [
        ['parent-missing', basename(middle), ['Put the parent where the image looks for it']],
      ]);
    });

    it('who tells of a parent that was written to since', async () => {
      const { base, middle } = makeVirtualbox(folder);
      putVdi(base, '1', undefined, { modification: uuidOf('9') });
      const changed = (await diagnose([folder], TRUST_ALL)).filter(({ code }) => code === 'parent-changed');
      assert.deepEqual(
        changed.map(({ path, severity }) => [path, severity]),
        [[middle, 'warning']],
      );
    });
  });

  describe('is of a family', () => {
    it('that is found from each of its members, in “Snapshots” too', () => {
      const { base, middle, current } = makeVirtualbox(folder);
      putVdi(at('web/Snapshots/branch.vdi'), '4', '1');
      putVdi(at('web/other.vdi'), '9');
      for (const start of [base, middle, current]) {
        const family = findFamily(start, TRUST_ALL);
        assert.deepEqual(
          family.images.map(({ path }) => basename(path)).sort(),
          ['branch.vdi', snapshotName('2'), snapshotName('3'), 'web.vdi'].sort(),
        );
        const member = memberAt(family, middle);
        assert.deepEqual(member?.parent?.kind === 'found' && member.parent.path, base);
        assert.equal(member?.story?.label, 'updated');
      }
    });

    it('that a link out of an untrusted folder leaves alone', () => {
      const base = putVdi(at('work/web.vdi'), '1');
      putVdi(at('out/child.vdi'), '2', '1');
      symlinkSync(at('out'), at('work/Snapshots'));
      assert.deepEqual(findFamily(base, untrusted()).folders, [dirname(base)]);
    });

    it('whose headers tell the same when many are asked for', () => {
      const { base, middle, current } = makeVirtualbox(folder);
      cpSync(middle, at(`web/Snapshots/{${uuidOf('8')}}.vdi`));
      const { images, unusable } = survey([base, middle, current], TRUST_ALL);
      assert.deepEqual(unusable, []);
      assert.deepEqual(
        images.map(({ parent, story }) => [parent?.kind === 'found' && basename(parent.path), story?.label]),
        [
          [false, 'clean'],
          ['web.vdi', 'updated'],
          [snapshotName('2'), 'current'],
        ],
      );
    });
  });
});
