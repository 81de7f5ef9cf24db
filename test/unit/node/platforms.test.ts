import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerStory } from '../../../src/core';
import { diagnose } from '../../../src/node/doctor';
import { TRUST_ALL } from '../../../src/node/gate';
import { platformFindings, platformStories, storageDomainOf } from '../../../src/node/platforms';
import { mayLieIn } from '../../../src/node/snapshots/guard';
import { survey } from '../../../src/node/survey';
import { TestDomain } from '../../fixtures/platforms/domain';
import { makeTempFolder, removeFolder } from '../../support/temp';

for (const version of [3, 4, 5] as const) {
  describe(`a storage domain of RHV, version ${version}`, () => {
    let folder: string;
    let domain: TestDomain;
    beforeEach(() => {
      folder = makeTempFolder('domain');
      domain = new TestDomain(folder, version);
    });
    afterEach(() => {
      removeFolder(folder);
    });
    const story = (image: string, volume: string, policy = TRUST_ALL): LayerStory | undefined => {
      const path = domain.path(image, volume);
      return platformStories([path], policy).get(path);
    };
    const codes = (path = folder): string[] =>
      platformFindings(path)
        .map(({ code }) => code)
        .sort();

    it('tells the names of its layers: of the snapshot that froze each', () => {
      const told = [
        ['template-disk', 'template'],
        ['web-disk', 'template'],
        ['web-disk', 'web-1'],
        ['web-disk', 'web-2'],
        ['web-disk', 'web-3'],
        ['db-disk', 'db-1'],
        ['db-disk', 'db-2'],
      ].map(([image = '', volume = '']) => {
        const { label, vm, disk, role, date } = story(image, volume) ?? {};
        return [volume, label, vm, disk, role, date === undefined ? undefined : new Date(date).toISOString()];
      });
      assert.deepEqual(told, [
        ['template', 'template', 'rhel9', 'rhel9_Disk1', 'template', undefined],
        ['template', 'template', 'rhel9', 'rhel9_Disk1', 'template', undefined],
        ['web-1', 'before-upgrade', 'web', 'web_Disk1', 'snapshot', '2024-03-12T10:11:12.000Z'],
        ['web-2', 'after-upgrade', 'web', 'web_Disk1', 'snapshot', '2024-04-01T12:00:00.000Z'],
        ['web-3', 'current', 'web', 'web_Disk1', 'current', undefined],
        ['db-1', 'nightly – 12 März', 'db', 'Größe', 'snapshot', '2024-03-12T01:00:00.000Z'],
        ['db-2', 'current', 'db', 'Größe', 'current', undefined],
      ]);
    });

    it('is healthy as it is made', () => {
      assert.deepEqual(platformFindings(folder), []);
    });

    it('is healthy in the eyes of the doctor too', async () => {
      assert.deepEqual(await diagnose([folder], TRUST_ALL), []);
    });

    it('in trouble tells all of it to whoever asks the doctor', async () => {
      domain.trouble();
      const found = await diagnose([folder], TRUST_ALL);
      assert.deepEqual(found.map(({ code }) => code).sort(), codes());
      assert(found.every(({ remedies }) => remedies.every(({ remedy }) => remedy.kind === 'none')));
    });

    it('in trouble tells all of it', () => {
      domain.trouble();
      assert.deepEqual(codes(), [
        'meta-leftover',
        'removed-image',
        'removed-image',
        'volume-backing',
        'volume-illegal',
      ]);
      assert.deepEqual(codes(domain.root), codes());
      assert.deepEqual(codes(join(domain.root, 'images')), codes());
      assert.deepEqual(codes(domain.folder('other-disk')), ['volume-backing']);
      assert.deepEqual(codes(domain.path('other-disk', 'other-1')), ['volume-backing']);
      assert.deepEqual(codes(domain.folder('db-disk')), []);
    });

    it('lists its volumes, which have no extension, and the raw ones too', () => {
      const paths = [
        domain.path('web-disk', 'web-3'),
        domain.path('db-disk', 'db-1'),
        domain.path('db-disk', 'db-2'),
        domain.path('db-disk', 'db-2', '.lease'),
        join(domain.root, 'dom_md', 'ids'),
      ];
      const { images } = survey(paths, TRUST_ALL);
      assert.deepEqual(
        images.map(({ label, format, parent }) => [label, format, parent?.kind]),
        [
          ['current', 'qcow2', 'found'],
          ['nightly – 12 März', 'raw', undefined],
          ['current', 'qcow2', 'found'],
        ],
      );
    });
  });
}

describe('the storage domain of a file', () => {
  let folder: string;
  let domain: TestDomain;
  beforeEach(() => {
    folder = makeTempFolder('domain');
    domain = new TestDomain(folder, 5);
  });
  afterEach(() => {
    removeFolder(folder);
  });

  it('is that of everything below its folder, there or not', () => {
    const inside = [
      domain.root,
      domain.path('web-disk', 'web-3'),
      domain.path('web-disk', 'template'),
      domain.path('web-disk', 'web-3', '.lease'),
      join(domain.root, 'dom_md', 'ids'),
      join(domain.root, 'new.qcow2'),
      join(domain.folder('web-disk'), 'not', 'there'),
    ];
    for (const file of inside) assert.equal(storageDomainOf(file), domain.root, file);
    for (const file of [folder, join(folder, 'scratch.qcow2'), join(folder, 'images', 'a')]) {
      assert.equal(storageDomainOf(file), undefined, file);
    }
  });

  it('is found by links', () => {
    symlinkSync(domain.folder('web-disk'), join(folder, 'link'));
    symlinkSync(domain.path('web-disk', 'web-3'), join(folder, 'disk.qcow2'));
    assert.equal(storageDomainOf(join(folder, 'link', 'new.qcow2')), domain.root);
    assert.equal(storageDomainOf(join(folder, 'disk.qcow2')), domain.root);
  });

  it('is told by its volumes where the rest of it can’t be seen', () => {
    rmSync(join(domain.root, 'dom_md'), { recursive: true });
    assert.equal(storageDomainOf(domain.path('web-disk', 'web-3')), domain.root);
    assert.equal(storageDomainOf(join(domain.root, 'master')), undefined);
  });

  it('is refused to write into', () => {
    assert.deepEqual(
      mayLieIn(domain.path('web-disk', 'new')).map(({ code }) => code),
      ['storage-domain'],
    );
    assert.deepEqual(mayLieIn(join(folder, 'scratch.qcow2')), []);
  });
});

describe('a preview in a storage domain', () => {
  it('has a name of its own, beside what was current before', () => {
    const folder = makeTempFolder('domain');
    try {
      const domain = new TestDomain(folder, 5);
      domain.addVolume('web-disk', 'web-4', { parent: 'web-1' });
      const labels = (): unknown => {
        const paths = ['web-1', 'web-3', 'web-4'].map((volume) => domain.path('web-disk', volume));
        const stories = platformStories(paths, TRUST_ALL);
        return paths.map((path) => [stories.get(path)?.label, stories.get(path)?.role]);
      };
      domain.writeOvfs({ preview: true });
      assert.deepEqual(labels(), [
        ['before-upgrade', 'snapshot'],
        ['current before the preview', 'current'],
        ['preview', 'preview'],
      ]);
      // Without the engine's account there are two newest layers, and nothing tells which is which.
      rmSync(domain.folder('store-disk'), { recursive: true });
      assert.deepEqual(labels(), [
        [undefined, 'snapshot'],
        [undefined, undefined],
        [undefined, undefined],
      ]);
    } finally {
      removeFolder(folder);
    }
  });
});
