import assert from 'node:assert/strict';
import type { Diagnosis, LayerStory } from '../../../../src/core';
import { storageFindings, storyTeller } from '../../../../src/core';
import { makeOvf, uuidOf } from '../../../fixtures/platforms/domain';
import { hypervXml, vmcxOf } from '../../../fixtures/platforms/hyperv';
import { libvirtXml } from '../../../fixtures/platforms/others';
import { descriptorXml } from '../../../fixtures/build/parallels';
import { BEFORE, configXml, snapshotsXml, STATES } from '../../../fixtures/platforms/parallels';
import { makeTar } from '../../../fixtures/platforms/tar';
import { uuidOf as vboxId, vboxXml } from '../../../fixtures/platforms/virtualbox';
import { Draw } from '../../../support/random';
import { MemoryFiles } from './memoryFiles';

const DOMAIN = `/mnt/${uuidOf('domain')}`;
const IMAGE = `${DOMAIN}/images/${uuidOf('i')}`;
const STORE = `${DOMAIN}/images/${uuidOf('s')}`;
const meta = (values: Readonly<Record<string, string>>): string => {
  const all = {
    DOMAIN: uuidOf('domain'),
    FORMAT: 'COW',
    LEGALITY: 'LEGAL',
    CAP: '512',
    CTIME: '1',
    VOLTYPE: 'LEAF',
    ...values,
  };
  return `${Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\nEOF\n`;
};
const OVF = makeOvf({
  name: 'vm',
  disks: [
    ['i', 'a', 'one', 'disk'],
    ['i', 'b', 'now', 'disk'],
  ],
  snapshots: [
    ['one', 'REGULAR', 'before', '2024/03/12 10:11:12'],
    ['now', 'ACTIVE', '', '2024/03/12 10:11:12'],
  ],
});
const none = '00000000-0000-0000-0000-000000000000';

/** A little of every platform, by path. */
const FILES: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  Object.entries({
    [`${DOMAIN}/dom_md/metadata`]: `SDUUID=${uuidOf('domain')}\nVERSION=5\n_SHA_CKSUM=00\n`,
    [`${IMAGE}/${uuidOf('a')}`]: 'data',
    [`${IMAGE}/${uuidOf('a')}.meta`]: meta({
      IMAGE: uuidOf('i'),
      PUUID: none,
      DESCRIPTION: '{"DiskAlias":"00e4","Enc":1}',
    }),
    [`${IMAGE}/${uuidOf('b')}`]: 'data',
    [`${IMAGE}/${uuidOf('b')}.meta`]: meta({ IMAGE: uuidOf('i'), PUUID: uuidOf('a'), DESCRIPTION: '' }),
    [`${STORE}/${uuidOf('o')}`]: makeTar({
      'info.json': '{"Last Updated":"Thu Feb 18 00:23:07 IST 2026"}',
      'a.ovf': OVF,
    }),
    [`${STORE}/${uuidOf('o')}.meta`]: meta({
      IMAGE: uuidOf('s'),
      PUUID: none,
      FORMAT: 'RAW',
      DISKTYPE: 'OVFS',
      DESCRIPTION: '',
    }),
    '/var/lib/libvirt/qemu/snapshot/vm/a.xml': libvirtXml('vm', { name: 'a', kind: 'internal', had: '/d/x', made: 1 }),
    '/etc/pve/qemu-server/100.conf': '#text\nname: web\nscsi0: l:100/vm-100-disk-0.qcow2\n[s]\n#%C3%A4\nsnaptime: 5\n',
    '/m/vm/snapshot-count': '1',
    '/m/vm/0001.snapshot.json': '{"snapshot":{"name":"one","comment":"c","creation_timestamp":"2024-03-12T10:11:12Z"}}',
    '/v/web/web.vbox': vboxXml({
      name: 'web',
      disks: [{ uuid: vboxId('1'), location: 'web.vdi' }],
      snapshots: [{ name: 'one', time: '2024-03-12T10:11:12Z', had: vboxId('1'), description: 'd' }],
      has: vboxId('2'),
    }),
    '/p/web.pvm/disk.hdd/DiskDescriptor.xml': descriptorXml({
      sectors: 64,
      storages: [{ start: 0, end: 64, images: [{ guid: BEFORE, type: 'Plain', file: 'a.hds' }] }],
      shots: [{ guid: BEFORE }],
    }),
    '/p/web.pvm/Snapshots.xml': snapshotsXml(STATES),
    '/p/web.pvm/config.pvs': configXml('web'),
    '/h/Snapshots/20000000-aaaa-bbbb-cccc-000000000000.xml': hypervXml({
      name: 'one',
      notes: 'n',
      made: 5e11,
      disks: [[0, 0, 'D:\\disk.vhdx']],
    }),
    '/h/Virtual Machines/10000000-aaaa-bbbb-cccc-000000000000.vmcx': vmcxOf('D:\\disk_1.avhdx'),
  }).map(([path, content]) => [path, Buffer.from(content)]),
);
const IMAGES = [
  `${IMAGE}/${uuidOf('a')}`,
  `${IMAGE}/${uuidOf('b')}`,
  '/d/x',
  '/images/100/vm-100-disk-0.qcow2',
  '/m/vm/disk',
  '/v/web/web.vdi',
  '/p/web.pvm/disk.hdd/a.hds',
  '/h/disk.vhdx',
  '/h/disk_1.avhdx',
];
const TOKENS = [
  '\0',
  '\n',
  '=',
  '{',
  '"',
  '<',
  '&a;',
  ']]>',
  '<!--',
  'NONE=#',
  '\u202e',
  '99999999999999999999',
  '../',
  '[',
  ':',
  '%',
];

function garble(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = draw.below(bytes.length + 1);
  const rest = Buffer.from(bytes.subarray(at));
  const cut = rest.subarray(draw.below(Math.min(rest.length, 40) + 1));
  const token = Buffer.from(TOKENS[draw.below(TOKENS.length)] ?? '');
  switch (draw.below(4)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), token, rest]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), token, cut]);
    case 2:
      return bytes.subarray(0, at);
    default:
      return Uint8Array.from(bytes, (byte, index) => (index === at ? draw.below(256) : byte));
  }
}

const texts = (story: LayerStory | undefined): readonly (string | undefined)[] => [
  story?.label,
  story?.description,
  story?.disk,
  story?.vm,
  ...Object.values(story?.snapshots ?? {}).flatMap(({ label, description }) => [label, description]),
];

describe('platforms’ files that were garbled', () => {
  it('are told of without a failure, on one line of bounded length', () => {
    const draw = new Draw(20261125);
    for (let round = 0; round < 1500; round += 1) {
      const paths = Object.keys(FILES);
      const victim = paths[draw.below(paths.length)] ?? '';
      const files = new MemoryFiles({ ...FILES, [victim]: garble(FILES[victim] ?? new Uint8Array(), draw) });
      const tell = storyTeller(files);
      for (const text of IMAGES.flatMap((path) => texts(tell(path)))) {
        assert(text === undefined || (text.length <= 2002 && !/[\p{Cc}\u202e]/u.test(text)), `${round}: ${text}`);
      }
      const found: readonly Diagnosis[] = [...storageFindings(files, '/mnt', () => new Map())];
      assert(found.length < 40, `${round}: ${found.length} findings`);
      for (const { message } of found) assert(!/[\p{Cc}\u202e]/u.test(message), `${round}: ${message}`);
    }
  });

  it('lead to no other place', () => {
    const asked: string[] = [];
    class Watched extends MemoryFiles {
      override list(folder: string): readonly string[] | undefined {
        asked.push(folder);
        return super.list(folder);
      }
    }
    const name = '../../../../etc';
    const evil = meta({ IMAGE: name, PUUID: name, DESCRIPTION: '' });
    const ovf = OVF.replaceAll(uuidOf('i'), name);
    const files = new Watched({
      ...FILES,
      [`${IMAGE}/${uuidOf('b')}.meta`]: evil,
      [`${STORE}/${uuidOf('o')}`]: makeTar({ 'a.ovf': ovf, '../../x.ovf': ovf }),
    });
    const tell = storyTeller(files);
    IMAGES.map(tell);
    assert.notEqual([...storageFindings(files, DOMAIN, () => new Map())].length, 0);
    assert.deepEqual(
      [...asked, ...files.asked].filter((path) => path.includes('..')),
      [],
    );
  });
});
