import assert from 'node:assert/strict';
import type { LayerStory } from '../../../../src/core';
import { storyTeller } from '../../../../src/core';
import type { BundleSpec } from '../../../fixtures/build/parallels';
import { CURRENT, descriptorXml } from '../../../fixtures/build/parallels';
import type { SavedState } from '../../../fixtures/platforms/parallels';
import { AFTER, BEFORE, configXml, snapshotsXml, STATES } from '../../../fixtures/platforms/parallels';
import { MemoryFiles } from './memoryFiles';

const HOME = '/vms/web01.pvm';
const BUNDLE = `${HOME}/disk.hdd`;
const DESCRIPTOR = `${BUNDLE}/DiskDescriptor.xml`;
const BACKUP = '{704718e1-2314-44c8-9087-d78ed36b0f4e}';

const SPEC: BundleSpec = {
  name: 'disk',
  sectors: 64,
  storages: [
    {
      start: 0,
      end: 64,
      images: [
        { guid: CURRENT, type: 'Compressed', file: 'top.hds' },
        { guid: BACKUP, type: 'Compressed', file: 'backup.hds' },
        { guid: AFTER, type: 'Compressed', file: 'old/after.hds' },
        { guid: BEFORE.toUpperCase(), type: 'Plain', file: '/store/before.hds' },
      ],
    },
  ],
  shots: [
    { guid: BEFORE },
    { guid: AFTER, parent: BEFORE },
    { guid: BACKUP, parent: AFTER },
    { guid: CURRENT, parent: BACKUP },
  ],
};

const VM: Readonly<Record<string, string>> = {
  [DESCRIPTOR]: descriptorXml(SPEC),
  [`${HOME}/Snapshots.xml`]: snapshotsXml(STATES),
  [`${HOME}/config.pvs`]: configXml('web &amp; mail'),
};

const tell = (image: string, files: Readonly<Record<string, string>> = VM): LayerStory | undefined =>
  storyTeller(new MemoryFiles(files))(image);

describe('Parallels’ snapshots', () => {
  const of = { platform: 'Parallels', vm: 'web & mail', disk: 'disk' };

  it('are named by the image that each froze; the newest is the current state', () => {
    assert.deepEqual(tell(`${BUNDLE}/top.hds`), { ...of, label: 'current', role: 'current' });
    assert.deepEqual(tell(DESCRIPTOR), { ...of, label: 'current', role: 'current' });
    assert.deepEqual(tell(`${BUNDLE}/backup.hds`), { ...of, label: 'backup', role: 'snapshot' });
    assert.equal(tell(`${BUNDLE}/other.hds`), undefined);
  });

  it('have the name, the time and the description of the VM’s list', () => {
    // All in one folder, as Parallels has them.
    const images = SPEC.storages.flatMap((storage) =>
      storage.images.map((image) => ({ ...image, file: image.file.replace(/.*\//, '') })),
    );
    const flat = { ...SPEC, storages: SPEC.storages.map((storage) => ({ ...storage, images })) };
    const files = { ...VM, [DESCRIPTOR]: descriptorXml(flat) };
    assert.deepEqual(tell(`${BUNDLE}/before.hds`, files), {
      ...of,
      format: 'raw',
      label: 'before-upgrade',
      description: 'Kernel 5.14 is to come',
      date: new Date(2024, 2, 12, 10, 11, 12).getTime(),
      role: 'snapshot',
    });
    assert.deepEqual(tell(`${BUNDLE}/after.hds`, files), {
      ...of,
      label: 'after-upgrade',
      date: new Date(2024, 3, 1, 12).getTime(),
      role: 'snapshot',
    });
  });

  it('may be as many, one after the other, as nest in the list', () => {
    const guid = (index: number): string => `{00000000-0000-4000-8000-${String(index).padStart(12, '0')}}`;
    let states: readonly SavedState[] = [];
    for (let index = 300; index > 0; index -= 1) {
      states = [{ guid: guid(index), name: `s${index}`, date: '', later: states }];
    }
    const storage = { start: 0, end: 64, images: [{ guid: guid(300), type: 'Compressed' as const, file: 'x.hds' }] };
    const files = {
      [DESCRIPTOR]: descriptorXml({ ...SPEC, storages: [storage], top: CURRENT }),
      [`${HOME}/Snapshots.xml`]: snapshotsXml(states),
    };
    const { label, date } = tell(`${BUNDLE}/x.hds`, files) ?? {};
    assert.deepEqual([label, date], ['s300', undefined]);
  });

  it('are told without names where the list is not there, is none, or is nonsense', () => {
    for (const list of [undefined, '', '<ParallelsSavedStates>', '<x/>']) {
      const files = {
        [DESCRIPTOR]: VM[DESCRIPTOR] ?? '',
        ...(list !== undefined && { [`${HOME}/Snapshots.xml`]: list }),
      };
      assert.deepEqual(tell(`${BUNDLE}/top.hds`, files), { ...of, vm: undefined, label: 'current', role: 'current' });
    }
    assert.equal(tell(`${BUNDLE}/top.hds`, { ...VM, [DESCRIPTOR]: '<Parallels_disk_image/>' }), undefined);
  });

  it('are read once for all images of a VM', () => {
    const files = new MemoryFiles(VM);
    const story = storyTeller(files);
    for (const name of ['top.hds', 'backup.hds', 'top.hds']) story(`${BUNDLE}/${name}`);
    const asked = files.asked.filter((file) => file in VM);
    assert.deepEqual([...new Set(asked)].sort(), asked.sort());
    assert.equal(asked.length, 3);
  });
});
