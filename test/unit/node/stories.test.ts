import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LayerStory } from '../../../src/core';
import { TRUST_ALL } from '../../../src/node/gate';
import { platformStories } from '../../../src/node/platforms';
import { RecentStories } from '../../../src/node/stories';
import { survey } from '../../../src/node/survey';
import { TestDomain } from '../../fixtures/platforms/domain';
import { makeLibvirt, makeLima, makeMultipass, makeProxmox } from '../../fixtures/platforms/others';
import { makeVirtualbox } from '../../fixtures/platforms/virtualbox';
import { makeTempFolder, removeFolder } from '../../support/temp';

const iso = (date: number | undefined): string | undefined =>
  date === undefined ? undefined : new Date(date).toISOString();
/** All of a story that tests compare. */
const words = (story: LayerStory | undefined): unknown =>
  story && [story.platform, story.label, story.role, story.vm, story.disk, iso(story.date), story.description];
const inner = (story: LayerStory | undefined): unknown =>
  Object.entries(story?.snapshots ?? {}).map(([tag, each]) => [tag, each.label, iso(each.date), each.description]);

describe('what the platform calls an image', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('stories');
  });
  afterEach(() => {
    removeFolder(folder);
  });
  const story = (path: string, policy = TRUST_ALL): LayerStory | undefined => platformStories([path], policy).get(path);

  it('libvirt: the name of the snapshot that froze the file, which is not the one that made it', () => {
    const { base, first, current, db } = makeLibvirt(folder);
    assert.deepEqual(
      [base, first, current].map((path) => words(story(path))),
      [
        ['libvirt', 'before-upgrade', 'snapshot', 'web01', 'vda', '2024-03-12T10:11:12.000Z', 'Kernel 5.14 is to come'],
        ['libvirt', 'after-upgrade', 'snapshot', 'web01', 'vda', '2024-04-01T12:00:00.000Z', undefined],
        ['libvirt', 'current', 'current', 'web01', 'vda', undefined, undefined],
      ],
    );
    assert.deepEqual(words(story(db)), ['libvirt', 'current', 'current', 'db01', 'vda', undefined, undefined]);
    assert.deepEqual(inner(story(db)), [
      ['nightly', 'nightly', '2024-03-12T01:00:00.000Z', 'Its deletion was begun and did not finish.'],
    ]);
  });

  it('VirtualBox: the name of the snapshot that froze a disk, from the settings in the folder of the VM', () => {
    const { base, middle, current } = makeVirtualbox(folder);
    assert.deepEqual(
      [base, middle, current].map((path) => words(story(path))),
      [
        ['VirtualBox', 'clean', 'snapshot', 'web', 'SATA 0:0', '2026-03-12T10:11:12.000Z', 'fresh install'],
        ['VirtualBox', 'updated', 'snapshot', 'web', 'SATA 0:0', '2026-04-01T00:00:00.000Z', undefined],
        ['VirtualBox', 'current', 'current', 'web', 'SATA 0:0', undefined, undefined],
      ],
    );
    const outside = { folders: [dirname(middle)], allowed: [], platformTools: false };
    assert.equal(story(middle, outside), undefined, 'what lies outside of the folders is not looked at');
  });

  it('Proxmox: its sections, for internal snapshots and for chains of volumes', () => {
    const { internal, template, frozen, current } = makeProxmox(folder);
    assert.deepEqual(
      [internal, template, frozen, current].map((path) => words(story(path))),
      [
        ['Proxmox', 'current', 'current', 'web', 'scsi0', undefined, undefined],
        ['Proxmox', 'template', 'template', 'golden', 'scsi0', undefined, undefined],
        [
          'Proxmox',
          'nightly',
          'snapshot',
          'db',
          'virtio0',
          '2024-03-12T01:00:00.000Z',
          'Its deletion was begun and did not finish.',
        ],
        ['Proxmox', 'current', 'current', 'db', 'virtio0', undefined, undefined],
      ],
    );
    assert.deepEqual(inner(story(internal)), [
      ['before-upgrade', 'before-upgrade', '2024-03-12T10:11:12.000Z', 'vor dem großen Update second line'],
    ]);
  });

  it('Multipass: names for its tags', () => {
    const image = makeMultipass(folder);
    assert.deepEqual(words(story(image)), [
      'Multipass',
      'current',
      'current',
      'primary',
      undefined,
      undefined,
      undefined,
    ]);
    assert.deepEqual(inner(story(image)), [
      ['@s1', 'clean', '2024-03-11T10:11:12.000Z', 'just installed'],
      ['@s2', 'with-docker', '2024-03-12T10:11:12.000Z', undefined],
    ]);
  });

  it('Lima: the instance', () => {
    const { base, current } = makeLima(folder);
    assert.deepEqual(
      [base, current].map((path) => words(story(path))),
      [
        ['Lima', 'base', 'base', 'default', undefined, undefined, undefined],
        ['Lima', 'current', 'current', 'default', undefined, undefined, undefined],
      ],
    );
  });

  it('is nothing where no platform is', () => {
    assert.equal(story(join(folder, 'disk.qcow2')), undefined);
  });

  it('is part of what the tree is told', () => {
    const { first } = makeLibvirt(folder);
    const { images } = survey([first], TRUST_ALL);
    assert.deepEqual(
      images.map(({ label, story: told }) => [label, told?.vm]),
      [['after-upgrade', 'web01']],
    );
  });

  it('is read anew once a moment has passed, or for another policy', () => {
    let now = 5_000;
    const recent = new RecentStories(() => now);
    const folderOf = join(folder, 'vm');
    const image = join(folderOf, 'diffdisk');
    const within = { folders: [folder], allowed: [], platformTools: false };
    const platform = (policy = TRUST_ALL): string | undefined => recent.of([image], policy).get(image)?.platform;
    mkdirSync(folderOf);
    const snapshots = join(folderOf, 'snapshot-count');
    assert.equal(platform(), undefined);
    writeFileSync(snapshots, '0');
    assert.equal(platform(), undefined, 'as it was read a moment ago');
    assert.equal(platform(within), 'Multipass');
    now += 999;
    assert.equal(platform(within), 'Multipass');
    rmSync(snapshots);
    assert.equal(platform(within), 'Multipass');
    now += 1;
    assert.equal(platform(within), undefined);
  });

  it('is read within the folders that are trusted, and nowhere else', () => {
    const { base } = makeLibvirt(folder);
    const domain = new TestDomain(join(folder), 5);
    const volume = domain.path('web-disk', 'web-1');
    const within = { folders: [folder], allowed: [], platformTools: false };
    assert.equal(story(base, within)?.label, 'before-upgrade');
    assert.equal(story(volume, within)?.label, 'before-upgrade');
    const images = {
      folders: [join(folder, 'var/lib/libvirt/images'), domain.folder('web-disk')],
      allowed: [],
      platformTools: false,
    };
    assert.equal(story(base, images), undefined);
    // The volume's own metadata lies within; the OVFs do not, and neither does the template's image.
    assert.deepEqual(words(story(volume, images)), [
      'oVirt',
      undefined,
      'snapshot',
      undefined,
      'web_Disk1',
      '2024-03-12T10:11:11.000Z',
      undefined,
    ]);
    const elsewhere = { folders: [join(folder, 'elsewhere')], allowed: [base, volume], platformTools: false };
    assert.equal(story(base, elsewhere), undefined);
    assert.equal(story(volume, elsewhere), undefined);
  });
});
