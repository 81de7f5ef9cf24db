import assert from 'node:assert/strict';
import type { LayerStory } from '../../../../src/core';
import { registeredDisks, storyTeller } from '../../../../src/core';
import type { VboxDisk, VboxSnapshot, VboxSpec } from '../../../fixtures/platforms/virtualbox';
import { uuidOf, vboxXml } from '../../../fixtures/platforms/virtualbox';
import { MemoryFiles } from './memoryFiles';

const disk = (digit: string, location: string, ...children: readonly VboxDisk[]): VboxDisk => {
  return { uuid: uuidOf(digit), location, children };
};
const snapshot = (name: string, had: string, ...later: readonly VboxSnapshot[]): VboxSnapshot => {
  return { name, had: uuidOf(had), time: '2026-03-12T10:11:12Z', later };
};
const CHAIN = disk('1', 'web.vdi', disk('2', 'Snapshots/{2}.vdi', disk('3', 'Snapshots/{3}.vdi')));
const VM: VboxSpec = {
  name: 'web',
  disks: [CHAIN],
  snapshots: [snapshot('clean', '1', snapshot('updated', '2'))],
  has: uuidOf('3'),
};

const tell = (file: string, spec: Partial<VboxSpec> = {}, at = '/vms/web/web.vbox'): LayerStory | undefined =>
  storyTeller(new MemoryFiles({ [at]: vboxXml({ ...VM, ...spec }) }))(file);
const labelOf = (file: string, spec: Partial<VboxSpec> = {}): string | undefined => tell(file, spec)?.label;

describe('VirtualBox’s snapshots', () => {
  it('name the disk that each of them froze; the newest is current', () => {
    assert.deepEqual(tell('/vms/web/web.vdi'), {
      platform: 'VirtualBox',
      vm: 'web',
      disk: 'SATA 0:0',
      label: 'clean',
      role: 'snapshot',
      date: Date.UTC(2026, 2, 12, 10, 11, 12),
    });
    assert.equal(labelOf('/vms/web/Snapshots/{2}.vdi'), 'updated');
    assert.deepEqual(tell('/vms/web/Snapshots/{3}.vdi'), {
      platform: 'VirtualBox',
      vm: 'web',
      disk: 'SATA 0:0',
      label: 'current',
      role: 'current',
    });
  });

  it('are the same where the controllers stand beside the hardware, as they did', () => {
    assert.deepEqual(tell('/vms/web/web.vdi', { old: true }), tell('/vms/web/web.vdi'));
  });

  it('may have left a disk that none of them names', () => {
    const story = tell('/vms/web/Snapshots/{2}.vdi', { snapshots: [snapshot('clean', '1')] });
    assert.deepEqual(story, { platform: 'VirtualBox', vm: 'web', disk: undefined });
  });

  it('that froze the same disk are all its name, and one that the machine still has is current', () => {
    const twice = [snapshot('a', '1', snapshot('b', '1'), snapshot('a', '1'))];
    assert.equal(labelOf('/vms/web/web.vdi', { snapshots: twice }), 'a, b');
    assert.equal(labelOf('/vms/web/web.vdi', { has: uuidOf('1') }), 'current');
  });

  it('may be as many, one after the other, as VirtualBox takes', () => {
    let taken = snapshot('last', '2');
    for (let i = 1; i < 250; i += 1) taken = snapshot(`s${i}`, '1', taken);
    assert.equal(labelOf('/vms/web/Snapshots/{2}.vdi', { snapshots: [taken] }), 'last');
  });

  it('are of disks wherever the file says they lie', () => {
    const elsewhere = (location: string): Partial<VboxSpec> => ({ disks: [disk('1', location)] });
    const story = (location: string, file: string, vbox?: string): string | undefined =>
      tell(file, elsewhere(location), vbox)?.label;
    assert.equal(story('/vms/web/other/a.vmdk', '/vms/web/other/a.vmdk'), 'clean');
    assert.equal(story('Snapshots\\a.vhd', '/vms/web/Snapshots/a.vhd'), 'clean');
    assert.equal(story('D:\\VMs\\web\\a.vdi', '/vms/web/a.vdi'), 'clean', 'copied from Windows');
    assert.equal(story('D:\\VMs\\web\\a.vdi', 'D:/VMs/web/a.vdi', 'D:/VMs/web/x.vbox'), 'clean');
    assert.equal(story('a.vdi', '/vms/a.vdi'), undefined);
  });

  it('are looked for beside a disk and above, and are passed over where they are no such file', () => {
    const files = {
      '/vms/web/a.vbox': '<VirtualBox><Machine name="a">',
      '/vms/web/b.vbox': '<Other><Machine name="b"/></Other>',
      '/vms/web/c.vbox': '<VirtualBox><Global/></VirtualBox>',
      '/vms/web/d.vbox-prev': vboxXml({ ...VM, name: 'before' }),
      '/vms/web/e.vbox': vboxXml(VM),
    };
    const memory = new MemoryFiles(files);
    const teller = storyTeller(memory);
    for (const name of ['web.vdi', 'Snapshots/{2}.vdi', 'none.vdi']) teller(`/vms/web/${name}`);
    assert.equal(teller('/vms/web/web.vdi')?.vm, 'web');
    const reads = memory.asked.filter((name) => name.includes('.vbox'));
    assert.deepEqual(reads, ['/vms/web/a.vbox', '/vms/web/b.vbox', '/vms/web/c.vbox', '/vms/web/e.vbox']);
    assert.equal(teller('/vms/web/deeper/Snapshots/{2}.vdi'), undefined);
  });

  it('are told on one line, whoever named them', () => {
    const xml = vboxXml(VM).replace('name="clean"', 'name="a&#10;b&#x202e;"').replace('2026-03-12T10:11:12Z', 'soon');
    const story = storyTeller(new MemoryFiles({ '/vms/web/web.vbox': xml }))('/vms/web/web.vdi');
    assert.deepEqual([story?.label, story?.date], ['a b\ufffd', undefined]);
  });
});

describe('VirtualBox’s registry of disks', () => {
  const placesIn = (xml: string): unknown => [...registeredDisks(xml, '/vms/web')];

  it('has the place of each disk by its UUID', () => {
    assert.deepEqual(placesIn(vboxXml(VM)), [
      [uuidOf('1'), '/vms/web/web.vdi'],
      [uuidOf('2'), '/vms/web/Snapshots/{2}.vdi'],
      [uuidOf('3'), '/vms/web/Snapshots/{3}.vdi'],
    ]);
    const upper = vboxXml({ ...VM, disks: [disk('a', '/x.vdi')] }).replaceAll('aaaaaaaa', 'AAAAAAAA');
    assert.deepEqual(placesIn(upper), [[uuidOf('a'), '/x.vdi']]);
  });

  it('leaves out what has no UUID or no place', () => {
    const xml = vboxXml(VM)
      .replace(`uuid="{${uuidOf('1')}}" location`, 'uuid="{}" location')
      .replace('location="Snapshots/{2}.vdi"', 'location=""');
    assert.deepEqual(placesIn(xml), [[uuidOf('3'), '/vms/web/Snapshots/{3}.vdi']]);
    assert.deepEqual(placesIn('no XML'), []);
  });
});
