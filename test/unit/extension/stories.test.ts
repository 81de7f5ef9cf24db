import assert from 'node:assert/strict';
import { imageNames, walkCandidates } from '../../../src/extension/tree/candidates';
import { buildFamilies } from '../../../src/extension/tree/families';
import type { FamilyNode } from '../../../src/extension/tree/families';
import { present } from '../../../src/extension/tree/present';
import { TRUST_ALL } from '../../../src/node/gate';
import { survey } from '../../../src/node/survey';
import { formatWhen } from '../../../src/core/units';
import { TestDomain, uuidOf } from '../../fixtures/platforms/domain';
import { makeLibvirt, makeMultipass } from '../../fixtures/platforms/others';
import { makeTempFolder, removeFolder } from '../../support/temp';
import { image, overlay, snapshotNamed } from './images';

/** Label, first part of the description, and children. */
type Drawn = readonly [string, string, ...Drawn[]];

/** A volume's name as the tree shows it beside the one that people gave. */
const short = (volume: string): string => `${uuidOf(volume).slice(0, 8)}…`;

const draw = (node: FamilyNode): Drawn => {
  const { label, description } = present(node);
  return [label, description.split(' · ')[0] ?? '', ...node.children.map(draw)];
};

describe('the tree of what a platform made', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('tree');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  /** What the tree shows of the folder, found as the extension finds it. */
  async function families(): Promise<readonly FamilyNode[]> {
    const isImage = imageNames(['*.qcow2']);
    const paths: string[] = [];
    for await (const candidates of walkCandidates({
      folder,
      isImage,
      exclude: [],
      signal: new AbortController().signal,
    })) {
      paths.push(...candidates.map(({ path }) => path));
    }
    return buildFamilies({ images: survey(paths, TRUST_ALL).images, unusable: [] });
  }

  for (const version of [4, 5] as const) {
    it(`has the disks of a storage domain of version ${version}, by their names, and nothing else of it`, async () => {
      new TestDomain(folder, version).trouble();
      const roots = (await families()).map(draw);
      // The disk that trouble() adds has no name and no VM: what is known of its layers are their files.
      const [other, ...gone] = roots.splice(0, 3);
      const [db, template] = roots;
      assert.deepEqual(db, ['db Größe: nightly – 12 März', short('db-1'), ['current', short('db-2')]]);
      assert.deepEqual(template, [
        'rhel9_Disk1: template',
        short('template'),
        ['web_Disk1: before-upgrade', short('web-1'), ['after-upgrade', short('web-2'), ['current', short('web-3')]]],
      ]);
      assert.equal(other?.[0], uuidOf('other-1'));
      assert.deepEqual(
        gone.map(([label]) => label),
        [uuidOf('gone'), uuidOf('gone')],
        'disks whose removal did not finish',
      );
      assert.equal(roots.length, 2);
    });
  }

  it('has the snapshots of libvirt by their own names', async () => {
    makeLibvirt(folder);
    assert.deepEqual((await families()).map(draw), [
      ['db01 vda: current', 'db01.qcow2', ['nightly', formatWhen(1_700_000_000_000, Date.now())]],
      [
        'web01 vda: before-upgrade',
        'web01.qcow2',
        ['after-upgrade', 'web01.before-upgrade', ['current', 'web01.after-upgrade']],
      ],
    ]);
  });

  it('has the names that Multipass gave, with its tags beside them', async () => {
    makeMultipass(folder);
    const [root] = (await families()).map(draw);
    assert.deepEqual(root?.slice(2), [
      ['clean', '@s1'],
      ['with-docker', '@s2'],
    ]);
  });

  it('tells the story where the pointer rests, and escapes it', () => {
    const story = {
      platform: 'oVirt',
      label: '[x](command:evil)',
      description: '**why**',
      date: Date.UTC(2024, 2, 12, 12),
      disk: 'web_Disk1',
      vm: 'web <b>',
      role: 'snapshot',
    } as const;
    const [root] = buildFamilies({ images: [image('/d/a', { label: story.label, story })], unusable: [] });
    assert(root);
    const { tooltip, description } = present(root);
    for (const text of [
      '\\*\\*why\\*\\*',
      'Snapshot taken 12 Mar 2024',
      'Disk web\\_Disk1',
      'VM web \\<b\\>',
      'oVirt',
    ]) {
      assert(tooltip.includes(text), `${text} in ${tooltip}`);
    }
    assert(!tooltip.includes('](command:'));
    assert.equal(description, 'a · 12 Mar 2024');
  });

  it('names the disk once, where the one below is not of it', () => {
    const of = (disk: string, label: string) => ({ label, story: { platform: 'oVirt', disk, label } });
    const [root] = buildFamilies({
      images: [
        image('/d/a', of('template', 'template')),
        overlay('/d/b', '/d/a', of('web', 'one')),
        overlay('/d/c', '/d/b', of('web', 'current')),
      ],
      unusable: [],
    });
    assert(root);
    assert.deepEqual(draw(root), ['template: template', 'a', ['web: one', 'b', ['current', 'c']]]);
  });

  it('does not take what every object has for a name of a snapshot', () => {
    const snapshot = snapshotNamed('constructor');
    const views = [{ id: '1', name: 'constructor', guestSize: 0, snapshot }];
    const [root] = buildFamilies({
      images: [image('/d/a', { views, story: { platform: 'x', snapshots: {} } })],
      unusable: [],
    });
    const [child] = root?.children ?? [];
    assert(child);
    assert.equal(present(child).label, 'constructor');
  });
});
