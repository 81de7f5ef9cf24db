import assert from 'node:assert/strict';
import type { LayerStory } from '../../../../src/core';
import { storyTeller } from '../../../../src/core';
import { hypervText, hypervXml, vmcxOf } from '../../../fixtures/platforms/hyperv';
import { MemoryFiles, MODIFIED } from './memoryFiles';

type Files = Readonly<Record<string, string | Uint8Array>>;

const tell = (files: Files, image: string): LayerStory | undefined => storyTeller(new MemoryFiles(files))(image);

const VM = '/mnt/d/VMs/web01';
const DISKS = 'D:\\VMs\\web01\\Virtual Hard Disks';
const guid = (digit: number): string => `${digit}0000000-AAAA-bbbb-cccc-000000000000`;
const MARCH = Date.UTC(2014, 2, 12, 10, 11, 12, 345);

const FILES: Files = {
  [`${VM}/Virtual Machines/${guid(1)}.xml`]: hypervXml({
    name: 'web01',
    disks: [
      [0, 0, `${DISKS}\\web01_C0FFEE.avhdx`],
      [0, 1, `${DISKS}\\data.vhd`],
    ],
  }),
  [`${VM}/Snapshots/${guid(2)}.xml`]: hypervXml({
    name: 'before upgrade',
    notes: 'All was well.',
    made: MARCH,
    disks: [[0, 0, `${DISKS}\\web01.vhdx`]],
  }),
  [`${VM}/Snapshots/${guid(3)}.XML`]: hypervText({
    name: 'after upgrade',
    made: MARCH + 1000,
    disks: [[0, 0, `${DISKS}\\WEB01_F00D.avhdx`]],
  }),
};
const at = (name: string): string => `${VM}/Virtual Hard Disks/${name}`;

describe('Hyper-V’s checkpoints', () => {
  it('give their names to the disks that they froze; the newest is current', () => {
    const known = { platform: 'Hyper-V', vm: 'web01', disk: 'controller 0, drive 0' };
    assert.deepEqual(tell(FILES, at('web01.vhdx')), {
      ...known,
      label: 'before upgrade',
      role: 'snapshot',
      description: 'All was well.',
      date: MARCH,
    });
    assert.deepEqual(tell(FILES, at('web01_f00d.avhdx')), {
      ...known,
      label: 'after upgrade',
      role: 'snapshot',
      description: undefined,
      date: MARCH + 1000,
    });
    assert.deepEqual(tell(FILES, at('web01_C0FFEE.avhdx')), { ...known, label: 'current', role: 'current' });
    assert.equal(tell(FILES, at('data.vhd'))?.disk, 'controller 0, drive 1');
    assert.equal(tell(FILES, at('other.vhdx')), undefined);
    assert.equal(tell(FILES, at('web01.qcow2')), undefined);
  });

  it('are found beside the disks, above their folder, and in the system’s own place', () => {
    const snapshot = hypervXml({ name: 'one', made: MARCH, disks: [[0, 0, 'C:\\x\\a.vhdx']] });
    const system = '/ProgramData/Microsoft/Windows/Hyper-V/Snapshots';
    for (const [folder, image] of [
      ['/vm/Snapshots', '/vm/a.vhdx'],
      ['/vm/Snapshots', '/vm/disks/a.vhdx'],
      [`/mnt/win${system}`, '/mnt/win/Users/Public/Documents/Hyper-V/Virtual hard disks/a.vhdx'],
      [system, '/anywhere/a.vhdx'],
    ] as const) {
      assert.equal(tell({ [`${folder}/${guid(2)}.xml`]: snapshot }, image)?.label, 'one', image);
      assert.equal(tell({ [`${folder}/notes.xml`]: snapshot }, image), undefined, 'named by a GUID only');
    }
  });

  it('of disks with one name are told apart by the folders that these are in', () => {
    const files = {
      [`/all/Virtual Machines/${guid(1)}.xml`]: hypervXml({ name: 'a', disks: [[0, 0, 'D:\\a\\disk.vhdx']] }),
      [`/all/Virtual Machines/${guid(2)}.xml`]: hypervXml({ name: 'b', disks: [[0, 0, 'D:\\b\\disk_1.avhdx']] }),
      [`/all/Snapshots/${guid(3)}.xml`]: hypervXml({ name: 'then', made: 1, disks: [[0, 0, 'D:\\b\\disk.vhdx']] }),
    };
    const told = (image: string): unknown => [tell(files, image)?.vm, tell(files, image)?.label];
    assert.deepEqual(told('/all/a/disk.vhdx'), ['a', 'current']);
    assert.deepEqual(told('/all/b/disk.vhdx'), [undefined, 'then']);
    assert.deepEqual(told('/all/b/disk_1.avhdx'), ['b', 'current']);
  });

  it('that froze one disk twice, as after going back, are both its name', () => {
    const disks = [[0, 0, 'D:\\disk.vhdx']] as const;
    const files = {
      [`/vm/Snapshots/${guid(1)}.xml`]: hypervXml({ name: 'later', made: MARCH + 1, disks }),
      [`/vm/Snapshots/${guid(2)}.xml`]: hypervXml({ name: 'first', made: MARCH, disks }),
    };
    const story = tell(files, '/vm/disk.vhdx');
    assert.deepEqual([story?.label, story?.date], ['later, first', MARCH]);
  });

  it('of later systems are known by their GUID and the time of their file alone', () => {
    const files = {
      [`${VM}/Virtual Machines/${guid(1)}.vmcx`]: vmcxOf(`${DISKS}\\web01_2.avhdx`),
      [`${VM}/Snapshots/${guid(2)}.vmcx`]: vmcxOf(`${DISKS}\\web01.vhdx`, `${DISKS}\\data.vhdx`),
    };
    const story = {
      platform: 'Hyper-V',
      vm: undefined,
      disk: undefined,
      label: `checkpoint ${guid(2).toLowerCase()}`,
      role: 'snapshot',
      description: undefined,
      date: MODIFIED,
    };
    assert.deepEqual(tell(files, at('web01.vhdx')), story);
    assert.deepEqual(tell(files, at('data.vhdx')), story);
    assert.equal(tell(files, at('web01_2.avhdx'))?.label, 'current');
    assert.equal(tell(files, at('b01.vhdx')), undefined, 'a part of a name is none');
  });

  it('are passed over where they are no such file', () => {
    const good = hypervText({ name: 'x', made: MARCH, disks: [[0, 0, 'D:\\a.vhdx']] });
    for (const text of ['', '<configuration>', good.replaceAll('configuration', 'other'), good.slice(0, -20)]) {
      assert.equal(tell({ [`/vm/Snapshots/${guid(1)}.xml`]: text }, '/vm/a.vhdx'), undefined);
    }
    for (const time of ['', 'AAAAAAAAAAA=', '////////////', 'not base64!=']) {
      const text = good.replace(/(creation_time type="bytes">)[^<]*/, `$1${time}`);
      const story = tell({ [`/vm/Snapshots/${guid(1)}.xml`]: text }, '/vm/a.vhdx');
      assert.deepEqual([story?.label, story?.date], ['x', undefined], time);
    }
    const nameless = good.replace(/<name type="string">x/, '<name type="string">');
    assert.equal(tell({ [`/vm/Snapshots/${guid(1)}.xml`]: nameless }, '/vm/a.vhdx')?.label, undefined);
  });

  it('of a file full of endings is read up to a number of paths', () => {
    const many = Buffer.from('.vhdx'.repeat(200_000), 'utf16le');
    const files = { [`/vm/Snapshots/${guid(1)}.vmcx`]: many };
    assert.equal(tell(files, '/vm/a.vhdx'), undefined);
  });
});
