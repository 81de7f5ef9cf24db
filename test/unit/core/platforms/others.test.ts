import assert from 'node:assert/strict';
import type { LayerStory } from '../../../../src/core';
import { storyTeller } from '../../../../src/core';
import { libvirtXml } from '../../../fixtures/platforms/others';
import { MemoryFiles } from './memoryFiles';

const tell = (files: Readonly<Record<string, string>>, image: string): LayerStory | undefined =>
  storyTeller(new MemoryFiles(files))(image);

describe('libvirt’s snapshots', () => {
  const FOLDER = '/var/lib/libvirt/qemu/snapshot/vm';
  const snapshot = (name: string, had: string, overlay: string, made: number): string =>
    libvirtXml('vm', { name, kind: 'external', had, overlay, made });

  it('that froze one file twice, as after going back, are both its name', () => {
    const files = {
      [`${FOLDER}/a.xml`]: snapshot('a', '/d/base', '/d/base.a', 1),
      [`${FOLDER}/b.xml`]: snapshot('b', '/d/base', '/d/base.b', 2),
    };
    const story = tell(files, '/d/base');
    assert.deepEqual([story?.label, story?.date], ['a, b', 1000]);
    assert.equal(tell(files, '/d/base.a')?.label, 'current');
  });

  it('are passed over where they are no such file', () => {
    const files = {
      [`${FOLDER}/a.xml`]: '<domainsnapshot><name>a</name>',
      [`${FOLDER}/b.xml`]: '<domain><name>b</name></domain>',
      [`${FOLDER}/c.txt`]: snapshot('c', '/d/base', '/d/c', 3),
      [`${FOLDER}/d.xml`]: '<domainsnapshot><name>d</name><disks><disk snapshot="external"/></disks></domainsnapshot>',
    };
    assert.equal(tell(files, '/d/base'), undefined);
  });

  it('may be called by what every object has', () => {
    const files = {
      [`${FOLDER}/a.xml`]: libvirtXml('vm', { name: '__proto__', kind: 'internal', had: '/d/base', made: 1 }),
    };
    const { snapshots = {} } = tell(files, '/d/base') ?? {};
    assert.deepEqual(Object.keys(snapshots), ['__proto__']);
  });
});

describe('Proxmox’s snapshots', () => {
  const CONF = '/etc/pve/qemu-server/100.conf';
  const IMAGE = '/var/lib/vz/images/100/vm-100-disk-0.qcow2';

  it('have names and times; what is pending is none', () => {
    const conf =
      'name: web\n[PENDING]\nmemory: 1\n[s]\nsnaptime: 5\n[special:cloudinit]\nname: x\n[new]\nsnapstate: prepare\n';
    assert.deepEqual(tell({ [CONF]: conf }, IMAGE)?.snapshots, {
      s: { label: 's', date: 5000 },
      new: { label: 'new', description: 'It was never completed.' },
    });
  });

  it('are those of the VM in whose folder the volume lies', () => {
    const files = { [CONF]: 'name: web\n' };
    assert.equal(tell(files, IMAGE)?.vm, 'web');
    assert.equal(tell(files, '/var/lib/vz/images/101/vm-100-disk-0.qcow2'), undefined);
    assert.equal(tell(files, '/var/lib/vz/images/100/disk.qcow2'), undefined);
  });

  it('survive percent signs that mean nothing, and names that every object has', () => {
    const conf = '[constructor]\n#100% sure\nsnaptime: 99999999999999999999\n[__proto__]\nsnaptime: 1\n';
    const { snapshots = {} } = tell({ [CONF]: conf }, IMAGE) ?? {};
    assert.deepEqual(
      Object.entries(snapshots).map(([tag, { label, description }]) => [tag, label, description]),
      [
        ['constructor', 'constructor', '100% sure'],
        ['__proto__', '__proto__', undefined],
      ],
    );
  });
});

describe('Multipass’ snapshots', () => {
  const FOLDER = '/vault/instances/primary';
  const IMAGE = `${FOLDER}/disk.img`;
  const names = (json: string): readonly string[] =>
    Object.values(
      tell({ [`${FOLDER}/snapshot-count`]: '1', [`${FOLDER}/0001.snapshot.json`]: json }, IMAGE)?.snapshots ?? {},
    ).map(({ label }) => label);

  it('are read with and without the object around them', () => {
    assert.deepEqual(names('{"snapshot":{"name":"one"}}'), ['one']);
    assert.deepEqual(names('{"name":"one"}'), ['one']);
  });

  it('are passed over where they are broken', () => {
    for (const json of [
      '',
      '[',
      '[]',
      'null',
      '{"snapshot":[]}',
      '{"name":5}',
      '['.repeat(200_000),
      '{"a":'.repeat(40_000),
    ]) {
      assert.deepEqual(names(json), [], json.slice(0, 20));
    }
  });

  it('are told of one line each, bounded', () => {
    const json = JSON.stringify({
      name: `x\u001b[31m\n${'y'.repeat(1000)}`,
      comment: 'c',
      creation_timestamp: 'never',
    });
    assert.deepEqual(names(json), [`x\ufffd[31m ${'y'.repeat(193)}…`]);
  });
});

describe('Lima’s instances', () => {
  it('are folders with a lima.yaml', () => {
    assert.equal(tell({ '/l/vm/lima.yaml': '' }, '/l/vm/diffdisk')?.vm, 'vm');
    assert.equal(tell({ '/l/vm/lima.yaml': '' }, '/l/vm/other'), undefined);
    assert.equal(tell({}, '/l/vm/diffdisk'), undefined);
  });
});

describe('platforms', () => {
  it('read what many images share once', () => {
    const files = new MemoryFiles({
      '/var/lib/libvirt/qemu/snapshot/vm/a.xml': libvirtXml('vm', {
        name: 'a',
        kind: 'internal',
        had: '/d/0',
        made: 1,
      }),
    });
    const story = storyTeller(files);
    for (let i = 0; i < 100; i += 1) story(`/d/${i}`);
    assert.deepEqual(files.asked, ['/var/lib/libvirt/qemu/snapshot/vm/a.xml', '/d/DiskDescriptor.xml']);
  });
});
