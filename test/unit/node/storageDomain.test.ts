import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Diagnosis } from '../../../src/core';
import { platformFindings } from '../../../src/node/platforms';
import { buildQcow2, writeImage } from '../../fixtures/build/index';
import { BLANK, SIZE, TestDomain, uuidOf } from '../../fixtures/platforms/domain';
import { makeTempFolder, removeFolder } from '../../support/temp';

interface Case {
  readonly name: string;
  readonly breaks: (domain: TestDomain) => void;
  /** Code, severity and path below the domain of each finding. */
  readonly told: readonly (readonly [code: string, severity: string, path: string])[];
  /** What the first finding says. */
  readonly says?: RegExp;
}

const image = (name: string): string => `images/${uuidOf(name)}`;
const volume = (folder: string, name: string, ending = ''): string => `${image(folder)}/${uuidOf(name)}${ending}`;

const CASES: readonly Case[] = [
  {
    name: 'a volume without data',
    breaks: (domain) => rmSync(domain.path('web-disk', 'web-3')),
    told: [['volume-data-missing', 'error', volume('web-disk', 'web-3')]],
  },
  {
    name: 'a volume whose data is a folder',
    breaks: (domain) => {
      rmSync(domain.path('web-disk', 'web-3'));
      mkdirSync(domain.path('web-disk', 'web-3'));
    },
    told: [['volume-data-missing', 'error', volume('web-disk', 'web-3')]],
    says: /no plain file/,
  },
  {
    name: 'a newest volume without .meta',
    breaks: (domain) => rmSync(domain.path('web-disk', 'web-3', '.meta')),
    told: [['volume-meta-missing', 'error', volume('web-disk', 'web-3', '.meta')]],
  },
  {
    name: 'a volume without .lease',
    breaks: (domain) => rmSync(domain.path('db-disk', 'db-2', '.lease')),
    told: [['volume-lease-missing', 'warning', volume('db-disk', 'db-2', '.lease')]],
  },
  {
    name: 'metadata of more than 512 bytes',
    breaks: (domain) => appendFileSync(domain.path('db-disk', 'db-2', '.meta'), ' '.repeat(512)),
    told: [['volume-meta-broken', 'error', volume('db-disk', 'db-2', '.meta')]],
    says: /512 bytes/,
  },
  {
    name: 'metadata that was cut short',
    breaks: (domain) => truncateSync(domain.path('db-disk', 'db-2', '.meta'), 20),
    told: [['volume-meta-broken', 'error', volume('db-disk', 'db-2', '.meta')]],
    says: /it lacks/,
  },
  {
    name: 'metadata with a value that means nothing',
    breaks: (domain) => domain.changeMeta('web-disk', 'web-3', { VOLTYPE: 'TWIG' }),
    told: [['volume-meta-broken', 'warning', volume('web-disk', 'web-3', '.meta')]],
    says: /VOLTYPE/,
  },
  {
    name: 'cleared metadata',
    breaks: (domain) => writeFileSync(domain.path('db-disk', 'db-2', '.meta'), `NONE=${'#'.repeat(502)}\nEOF\n`),
    told: [['volume-cleared', 'warning', volume('db-disk', 'db-2', '.meta')]],
  },
  {
    name: 'a FAKE volume',
    breaks: (domain) => domain.changeMeta('template-disk', 'template', { LEGALITY: 'FAKE' }),
    told: [['volume-fake', 'warning', volume('template-disk', 'template')]],
  },
  {
    name: 'a volume of another domain',
    breaks: (domain) => domain.changeMeta('db-disk', 'db-1', { DOMAIN: uuidOf('elsewhere') }),
    told: [['volume-domain', 'error', volume('db-disk', 'db-1', '.meta')]],
  },
  {
    name: 'a volume of another image',
    breaks: (domain) => domain.changeMeta('db-disk', 'db-2', { IMAGE: uuidOf('web-disk') }),
    told: [['volume-image', 'error', volume('db-disk', 'db-2', '.meta')]],
  },
  {
    name: 'a volume of an image that is not there',
    breaks: (domain) => domain.changeMeta('db-disk', 'db-2', { IMAGE: uuidOf('nowhere') }),
    told: [['unknown-image', 'error', volume('db-disk', 'db-2', '.meta')]],
  },
  {
    name: 'a template whose own folder is gone',
    breaks: (domain) => rmSync(domain.folder('template-disk'), { recursive: true }),
    told: [['unknown-image', 'error', volume('web-disk', 'template', '.meta')]],
  },
  {
    name: 'COW that is no qcow2',
    breaks: (domain) => writeFileSync(domain.path('web-disk', 'web-3'), new Uint8Array(SIZE)),
    told: [['volume-format', 'error', volume('web-disk', 'web-3')]],
  },
  {
    name: 'RAW that begins as a qcow2',
    breaks: (domain) =>
      writeImage(domain.path('db-disk', 'db-1'), buildQcow2({ size: SIZE, clusters: new Map() }).image),
    told: [['volume-format', 'warning', volume('db-disk', 'db-1')]],
    says: /FORMAT=RAW/,
  },
  {
    name: 'a raw volume that was cut short',
    breaks: (domain) => truncateSync(domain.path('db-disk', 'db-1'), SIZE - 512),
    told: [['volume-size', 'error', volume('db-disk', 'db-1')]],
  },
  {
    name: 'a qcow2 that is larger than its metadata says',
    breaks: (domain) => domain.changeMeta('web-disk', 'web-3', sizeOf(domain, SIZE / 2)),
    told: [['volume-size', 'warning', volume('web-disk', 'web-3')]],
    says: /512 KiB \(524288 bytes\), its header says 1 MiB \(1048576\)/,
  },
  {
    name: 'a parent that the header has not',
    breaks: (domain) => domain.addVolume('db-disk', 'db-2', { parent: 'db-1', backing: uuidOf('db-0') }),
    told: [['volume-backing', 'error', volume('db-disk', 'db-2')]],
  },
  {
    name: 'a base whose header has a parent',
    breaks: (domain) => domain.addVolume('extra-disk', 'extra', { backing: uuidOf('db-0') }),
    told: [['volume-backing', 'error', volume('extra-disk', 'extra')]],
    says: /this is a base/,
  },
  {
    name: 'a header without the parent that the metadata has',
    breaks: (domain) => {
      writeImage(domain.path('web-disk', 'web-3'), buildQcow2({ size: SIZE, clusters: new Map() }).image);
    },
    told: [['volume-without-backing', 'error', volume('web-disk', 'web-3')]],
  },
  {
    name: 'a newest layer that others stand on',
    breaks: (domain) => domain.changeMeta('web-disk', 'web-2', { VOLTYPE: 'LEAF' }),
    told: [['volume-type', 'warning', volume('web-disk', 'web-2', '.meta')]],
  },
  {
    name: 'a layer whose newest is lost',
    breaks: (domain) => {
      for (const ending of ['', '.meta', '.lease']) rmSync(domain.path('web-disk', 'web-3', ending));
    },
    told: [['volume-type', 'warning', volume('web-disk', 'web-2', '.meta')]],
    says: /yet none does/,
  },
  {
    name: 'two volumes on one',
    breaks: (domain) => domain.addVolume('web-disk', 'web-4', { parent: 'web-1' }),
    told: [['two-volumes-one-parent', 'warning', image('web-disk')]],
    says: /more than one volume stands/,
  },
  {
    name: 'a preview',
    breaks: (domain) => {
      domain.addVolume('web-disk', 'web-4', { parent: 'web-1' });
      domain.writeOvfs({ preview: true });
    },
    told: [['two-volumes-one-parent', 'info', image('web-disk')]],
    says: /a preview goes on/,
  },
  {
    name: 'two bases',
    breaks: (domain) => domain.addVolume('db-disk', 'db-3', {}),
    told: [['two-volumes-one-parent', 'error', image('db-disk')]],
    says: /more than one volume of this disk is a base/,
  },
  {
    name: 'a parent that is not there',
    breaks: (domain) => {
      for (const ending of ['', '.meta', '.lease']) rmSync(domain.path('web-disk', 'web-1', ending));
    },
    told: [
      ['orphan-volumes', 'error', image('web-disk')],
      ['unknown-parent', 'error', volume('web-disk', 'web-2')],
    ],
  },
  {
    name: 'a base that is not there',
    breaks: (domain) => {
      for (const ending of ['', '.meta', '.lease']) rmSync(domain.path('db-disk', 'db-1', ending));
    },
    told: [
      ['no-base-volume', 'error', image('db-disk')],
      ['unknown-parent', 'error', volume('db-disk', 'db-2')],
    ],
  },
  {
    name: 'a ring',
    breaks: (domain) => {
      domain.addVolume('ring-disk', 'ring-1', { parent: 'ring-2', type: 'INTERNAL' });
      domain.addVolume('ring-disk', 'ring-2', { parent: 'ring-1', type: 'INTERNAL' });
    },
    told: [
      ['no-base-volume', 'error', image('ring-disk')],
      ['volume-loop', 'error', image('ring-disk')],
    ],
  },
  {
    name: 'a ring beside a chain that is whole',
    breaks: (domain) => {
      domain.addVolume('db-disk', 'ring-1', { parent: 'ring-2', type: 'INTERNAL' });
      domain.addVolume('db-disk', 'ring-2', { parent: 'ring-1', type: 'INTERNAL' });
    },
    told: [
      ['orphan-volumes', 'error', image('db-disk')],
      ['volume-loop', 'error', image('db-disk')],
    ],
  },
  {
    name: 'a merge that did not happen',
    breaks: (domain) => domain.changeMeta('web-disk', 'web-2', { LEGALITY: 'ILLEGAL' }),
    told: [['volume-illegal', 'error', volume('web-disk', 'web-2')]],
    says: /layer above still stands on it.*did not happen/s,
  },
  {
    name: 'a merge after which the metadata lags behind',
    breaks: (domain) => {
      domain.changeMeta('web-disk', 'web-2', { LEGALITY: 'ILLEGAL' });
      domain.addVolume('web-disk', 'web-3', { parent: 'web-2', backing: uuidOf('web-1') });
    },
    told: [['volume-illegal', 'error', volume('web-disk', 'web-2')]],
    says: /metadata still names this volume.*lags behind/s,
  },
  {
    name: 'a merge of which only the removal is left',
    breaks: (domain) => {
      domain.changeMeta('web-disk', 'web-2', { LEGALITY: 'ILLEGAL' });
      domain.addVolume('web-disk', 'web-3', { parent: 'web-1' });
    },
    told: [
      ['two-volumes-one-parent', 'warning', image('web-disk')],
      ['volume-illegal', 'error', volume('web-disk', 'web-2')],
    ],
    says: /nothing stands on it any more.*only the removal/s,
  },
  {
    name: 'a header that stands on what the metadata let go',
    breaks: (domain) => {
      domain.changeMeta('web-disk', 'web-2', { LEGALITY: 'ILLEGAL' });
      domain.addVolume('web-disk', 'web-3', { parent: 'web-1', backing: uuidOf('web-2') });
    },
    told: [
      ['two-volumes-one-parent', 'warning', image('web-disk')],
      ['volume-backing', 'error', volume('web-disk', 'web-3')],
      ['volume-illegal', 'error', volume('web-disk', 'web-2')],
    ],
  },
  {
    name: 'an illegal newest layer',
    breaks: (domain) => domain.changeMeta('web-disk', 'web-3', { LEGALITY: 'ILLEGAL' }),
    told: [['volume-illegal', 'error', volume('web-disk', 'web-3')]],
    says: /newest layer, marked before a merge/,
  },
  {
    name: 'a change of metadata that did not finish',
    breaks: (domain) => writeFileSync(domain.path('db-disk', 'db-2', '.meta.new'), ''),
    told: [['meta-leftover', 'warning', volume('db-disk', 'db-2', '.meta.new')]],
  },
  {
    name: 'a removed disk',
    breaks: (domain) =>
      renameSync(domain.folder('db-disk'), join(domain.root, 'images', `_remove_me_${uuidOf('db-disk')}`)),
    told: [['removed-image', 'warning', `images/_remove_me_${uuidOf('db-disk')}`]],
  },
  {
    name: 'a domain whose metadata was changed by hand',
    breaks: (domain) => domain.writeMetadata({ DESCRIPTION: 'Changed' }),
    told: [['domain-checksum', 'error', 'dom_md/metadata']],
    says: /does not fit/,
  },
  {
    name: 'a domain without a checksum',
    breaks: (domain) => domain.writeMetadata({ _SHA_CKSUM: undefined }),
    told: [['domain-checksum', 'error', 'dom_md/metadata']],
    says: /no checksum/,
  },
  {
    name: 'a domain without metadata',
    breaks: (domain) => rmSync(join(domain.root, 'dom_md', 'metadata')),
    told: [['domain-metadata', 'error', 'dom_md/metadata']],
  },
];

const sizeOf = ({ version }: TestDomain, bytes: number): Record<string, string> =>
  version > 4 ? { CAP: String(bytes) } : { SIZE: String(bytes / 512) };

for (const version of [4, 5] as const) {
  describe(`what is wrong with a storage domain, version ${version}`, () => {
    let folder: string;
    let domain: TestDomain;
    beforeEach(() => {
      folder = makeTempFolder('domain');
      domain = new TestDomain(folder, version);
    });
    afterEach(() => {
      removeFolder(folder);
    });

    for (const { name, breaks, told, says } of CASES) {
      it(`is told: ${name}`, () => {
        breaks(domain);
        const found = [...platformFindings(folder)].sort((a, b) => (key(a) < key(b) ? -1 : 1));
        assert.deepEqual(
          found.map(({ code, severity, path }) => [code, severity, relative(domain.root, path)]),
          told,
        );
        for (const { meaning, remedies } of found) {
          assert(meaning.length > 20 && remedies.length === 1, 'each says what it means and what to do');
          // Nothing is ever changed in a domain.
          assert(remedies.every(({ remedy, command }) => remedy.kind === 'none' && command === undefined));
        }
        const illegal = found.find(({ code }) => code === 'volume-illegal') ?? found[0];
        if (says) assert.match(`${illegal?.message} ${illegal?.meaning}`, says);
      });
    }
  });
}

const key = ({ code, path }: Diagnosis): string => `${code} ${path}`;

describe('a storage domain', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('domain');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  it('that was converted has both sizes, and the new one counts', () => {
    const domain = new TestDomain(folder, 5);
    domain.changeMeta('web-disk', 'web-3', { SIZE: '1', CAP: String(SIZE), SEQ: undefined, GEN: undefined });
    assert.deepEqual(platformFindings(folder), []);
  });

  it('in a folder of another name than its own is told', () => {
    const domain = new TestDomain(folder, 5);
    renameSync(domain.root, join(folder, BLANK));
    const codes = platformFindings(folder).map(({ code }) => code);
    assert.deepEqual(codes, ['domain-uuid']);
  });

  it('tells which disk and which snapshot it is about, as people call them', () => {
    const domain = new TestDomain(folder, 5);
    domain.changeMeta('web-disk', 'web-2', { LEGALITY: 'ILLEGAL' });
    domain.changeMeta('db-disk', 'db-2', { DOMAIN: uuidOf('elsewhere') });
    rmSync(domain.path('web-disk', 'web-1', '.meta'));
    const starts = platformFindings(folder).map(({ code, message }) => [code, message.split(': ')[0]]);
    assert.deepEqual(starts.sort(), [
      ['orphan-volumes', 'web_Disk1'],
      ['unknown-parent', 'web_Disk1'],
      ['volume-domain', '“current” of Größe'],
      ['volume-illegal', '“after-upgrade” of web_Disk1'],
      ['volume-meta-missing', 'web_Disk1'],
    ]);
  });

  it('below a folder of mounts is found', () => {
    const mount = join(folder, 'server:_export');
    mkdirSync(mount);
    new TestDomain(mount, 4).trouble();
    assert.equal(platformFindings(folder).length, 5);
  });

  it('tells what removed disks take, without what a template holds', () => {
    const domain = new TestDomain(folder, 5);
    domain.trouble();
    const removed = platformFindings(folder).filter(({ code }) => code === 'removed-image');
    // 64 KiB of data each; the template's volume, which is linked there, is not freed with them.
    for (const { message } of removed) assert.match(message, /it takes 64 KiB$/);
  });

  it('is found nowhere else', () => {
    writeFileSync(join(folder, 'disk.qcow2'), 'x');
    assert.deepEqual(platformFindings(folder), []);
    assert.deepEqual(platformFindings(join(folder, 'not', 'there')), []);
  });
});
