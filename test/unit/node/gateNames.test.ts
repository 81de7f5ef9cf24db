/** The policy of the gate, name by name: what an image may name, and what comes of it, for its parent and its data file. */
import assert from 'node:assert/strict';
import fs, { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileReference, RefusalReason } from '../../../src/core';
import { dataFileReference, parentReference } from '../../../src/core/fileReference';
import { createEnvironment } from '../../../src/node/environment';
import { FileGate, TRUST_ALL } from '../../../src/node/gate';
import { openImage } from '../../../src/node/openImage';
import { accountChain, survey } from '../../../src/node/survey';
import type { GatePolicy } from '../../../src/protocol/worker';
import type { Qcow2Spec } from '../../fixtures/build/index';
import { buildQcow2, writeImage } from '../../fixtures/build/index';
import {
  beforeLookingAgain,
  beforeOpening,
  makePipe,
  makeSocket,
  ON_WINDOWS,
  openDescriptors,
} from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

/** Opened, or refused for a reason. */
type Fate = 'opened' | RefusalReason;

interface Row {
  readonly what: string;
  /** As the image, which is `work/top`, writes it; `at` gives the absolute path of a name below the test's folder. */
  readonly written: (at: (name: string) => string) => string;
  readonly trusted: Fate;
  readonly untrusted: Fate;
  /** Of the same name as a data file, which is taken as a path whatever it looks like; as a parent when left out. */
  readonly dataFile?: Fate;
}

const DEEP = `${'{"driver":"quorum","file":'.repeat(40)}"x"${'}'.repeat(40)}`;

const ROWS: readonly Row[] = [
  { what: 'a file beside it', written: () => 'base', trusted: 'opened', untrusted: 'opened' },
  { what: 'a file of another folder', written: (at) => at('other/base'), trusted: 'opened', untrusted: 'outside' },
  { what: 'a file of another folder, by ..', written: () => '../other/base', trusted: 'opened', untrusted: 'outside' },
  { what: 'a link out of the folder', written: () => 'out', trusted: 'opened', untrusted: 'outside' },
  { what: 'a file in a linked folder', written: () => 'away/base', trusted: 'opened', untrusted: 'outside' },
  { what: '/etc/passwd', written: () => '/etc/passwd', trusted: 'opened', untrusted: 'outside' },
  { what: 'a folder', written: () => 'deep', trusted: 'not-a-file', untrusted: 'not-a-file' },
  { what: 'a pipe', written: () => 'pipe', trusted: 'not-a-file', untrusted: 'not-a-file' },
  { what: 'a link to a pipe', written: () => 'to-pipe', trusted: 'not-a-file', untrusted: 'not-a-file' },
  { what: 'a socket', written: () => 's', trusted: 'not-a-file', untrusted: 'not-a-file' },
  { what: 'a character device', written: () => '/dev/zero', trusted: 'not-a-file', untrusted: 'outside' },
  { what: 'a link to a character device', written: () => 'to-zero', trusted: 'not-a-file', untrusted: 'outside' },
  { what: 'standard input', written: () => '/dev/stdin', trusted: 'not-a-file', untrusted: 'outside' },
  { what: 'an open file, by /dev', written: () => '/dev/fd/0', trusted: 'not-a-file', untrusted: 'outside' },
  { what: 'an open file, by /proc', written: () => '/proc/self/fd/0', trusted: 'not-a-file', untrusted: 'outside' },
  { what: 'a link to an open file', written: () => 'to-open', trusted: 'not-a-file', untrusted: 'outside' },
  { what: 'a file in a link to /proc', written: () => 'proc/environ', trusted: 'not-a-file', untrusted: 'outside' },
  {
    what: 'what the system tells',
    written: () => '/sys/kernel/uevent_seqnum',
    trusted: 'not-a-file',
    untrusted: 'outside',
  },
  { what: 'a ring of links', written: () => 'ring', trusted: 'unreadable', untrusted: 'unreadable' },
  { what: 'a name with a zero byte', written: () => 'base\0', trusted: 'unreadable', untrusted: 'unreadable' },
  { what: 'a name with a line break', written: () => 'ba\nse', trusted: 'missing', untrusted: 'missing' },
  { what: 'a name of 5000 letters', written: () => 'x'.repeat(5000), trusted: 'unreadable', untrusted: 'unreadable' },
  { what: 'nothing that is there', written: () => 'gone', trusted: 'missing', untrusted: 'missing' },
  { what: 'a share', written: () => '\\\\server\\share\\x', trusted: 'missing', untrusted: 'missing' },
  ...[
    'nbd:localhost:10809',
    'ssh://host/x',
    'http://host/x',
    'https://host/x',
    'fat:rw:/etc',
    'vvfat:/etc',
    'json:{"driver":"ssh","host":"h","path":"/x"}',
    'json:{"driver":"qcow2","file":{"driver":"nbd","host":"h"}}',
    'json:{"driver":"qcow2","file":{"driver":"blkdebug","image":{"driver":"file","filename":"base"}}}',
    'json:{"driver":"quorum","children":[{"driver":"file","filename":"base"}],"vote-threshold":1}',
    'json:{"driver":"qcow2","file.driver":"ssh","file.filename":"base"}',
    `json:${DEEP}`,
  ].map((name): Row => {
    const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
    // As a file's name a long one is too long.
    const dataFile = name.length > 255 ? 'unreadable' : 'missing';
    return { what: shown, written: () => name, trusted: 'protocol', untrusted: 'protocol', dataFile };
  }),
  {
    what: 'a json: of a file',
    written: (at) => `json:{"driver":"raw","file":{"driver":"file","filename":"${at('other/base')}"}}`,
    trusted: 'opened',
    untrusted: 'outside',
    dataFile: 'missing',
  },
  {
    what: 'a file: of a file',
    written: (at) => `file:${at('other/base')}`,
    trusted: 'opened',
    untrusted: 'outside',
    dataFile: 'missing',
  },
  {
    what: 'a json: of standard input',
    written: () => 'json:{"file":{"driver":"file","filename":"/dev/stdin"}}',
    trusted: 'not-a-file',
    untrusted: 'outside',
    dataFile: 'missing',
  },
];

describe('an image that names', function () {
  let folder: string;
  let untrusted: GatePolicy;
  let close: () => void;
  before(async function () {
    if (ON_WINDOWS) this.skip();
    folder = makeTempFolder('names');
    for (const name of ['work/top', 'work/base', 'work/deep/base', 'other/base']) {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), name);
    }
    symlinkSync(at('other/base'), at('work/out'));
    symlinkSync(at('other'), at('work/away'));
    makePipe(at('work/pipe'));
    symlinkSync('pipe', at('work/to-pipe'));
    symlinkSync('/dev/zero', at('work/to-zero'));
    symlinkSync('/dev/fd/0', at('work/to-open'));
    symlinkSync('/proc/self', at('work/proc'));
    symlinkSync('ring', at('work/ring'));
    const server = await makeSocket(at('work/s'));
    close = () => server.close();
    untrusted = { folders: [at('work')], allowed: [], platformTools: false };
  });
  after(() => {
    close();
    removeFolder(folder);
  });

  const at = (name: string): string => join(folder, name);

  /** What comes of it, and that a refusal opened nothing but what can be told only by opening it. */
  const fateOf = (reference: FileReference, policy: GatePolicy): Fate => {
    const fates: Fate[] = [];
    const opened = beforeOpening(
      () => undefined,
      () => {
        const answer = new FileGate(policy).open(reference, { id: 'top', path: at('work/top') });
        if (answer.ok) answer.opened.source.close();
        fates.push(answer.ok ? 'opened' : answer.refusal.reason);
      },
    );
    const [fate = 'missing'] = fates;
    assert.equal(opened, fate === 'opened' ? 1 : 0, 'it was opened to be refused');
    return fate;
  };

  for (const { what, written, trusted, untrusted: unlike, dataFile } of ROWS) {
    it(`${what}: ${trusted} where all is trusted, else ${unlike}`, () => {
      const name = written(at);
      // Where there is no /proc and the like, there is nothing to be refused.
      if (/^\/(?:proc|sys|dev)/.test(name) && !fs.existsSync(dirname(name))) return;
      const parent = parentReference(name, undefined);
      assert.deepEqual([fateOf(parent, TRUST_ALL), fateOf(parent, untrusted)], [trusted, unlike], 'as its parent');
      const data = dataFileReference(name);
      const expected = dataFile === undefined ? [trusted, unlike] : [dataFile, dataFile];
      assert.deepEqual([fateOf(data, TRUST_ALL), fateOf(data, untrusted)], expected, 'as its data file');
    });
  }
});

describe('an untrusted workspace', function () {
  let folder: string;
  let untrusted: GatePolicy;
  beforeEach(function () {
    if (ON_WINDOWS) this.skip();
    folder = makeTempFolder('untrusted');
    mkdirSync(at('work'));
    mkdirSync(at('other'));
    untrusted = { folders: [at('work')], allowed: [], platformTools: false };
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const at = (name: string): string => join(folder, name);
  const image = (name: string, spec: Partial<Qcow2Spec> = {}): string => {
    writeImage(at(name), buildQcow2({ size: 2 ** 20, ...spec }).image);
    return at(name);
  };
  const openedWhile = (use: () => void): string[] => {
    const files: string[] = [];
    beforeOpening((file) => files.push(file), use);
    return files;
  };

  it('has an image whose data file lies elsewhere: it is not opened, not by the editor and not by the tree', async () => {
    writeFileSync(at('other/secret'), 'x'.repeat(2 ** 20));
    const top = image('work/top.qcow2', { dataFile: { name: at('other/secret') } });
    const files = openedWhile(() => {
      const opened = openImage(createEnvironment(untrusted), { path: top, policy: untrusted, forceRaw: false });
      assert(opened.kind === 'session');
      const [layer] = opened.session.chain.layers;
      assert.deepEqual([layer?.layer.readable, layer?.companions], [false, []]);
      assert.match(layer?.layer.findings[0]?.message ?? '', /the data file .*other\/secret is outside the folder/);
      opened.session.close();
      assert.equal(survey([top], untrusted).images[0]?.readable, false);
    });
    const accounts = await accountChain(top, untrusted);
    assert.deepEqual(
      accounts.map(({ path }) => path),
      [top],
    );
    assert(files.length > 0 && files.every((file) => file === top), files.join(', '));
  });

  it('has a link out of it: the tree does not follow it', async () => {
    image('other/image.qcow2');
    symlinkSync(at('other/image.qcow2'), at('work/image.qcow2'));
    symlinkSync(at('other'), at('work/folder'));
    for (const name of ['work/image.qcow2', 'work/folder/image.qcow2']) {
      const files = openedWhile(() => {
        const { images, unusable } = survey([at(name)], untrusted);
        assert.deepEqual(images, []);
        assert.deepEqual(
          unusable.map(({ path, format, error }) => [path, format, error.code]),
          [[at(name), undefined, 'refused']],
        );
      });
      assert.deepEqual(files, []);
      await assert.rejects(accountChain(at(name), untrusted), { code: 'refused' });
      assert.equal(survey([at(name)], TRUST_ALL).images.length, 1, 'where all is trusted it is');
      assert.equal(survey([at(name)], { ...untrusted, allowed: [at(name)] }).images.length, 1, 'once allowed it is');
    }
  });

  it('has a link within it, and a file elsewhere is open: the tree reads both', () => {
    image('work/image.qcow2');
    symlinkSync('image.qcow2', at('work/link.qcow2'));
    image('other/open.qcow2');
    const { images } = survey([at('work/link.qcow2'), at('other/open.qcow2')], untrusted);
    assert.equal(images.length, 2);
  });

  it('has a link that is changed while it is followed: what was opened is put away', function () {
    if (process.platform !== 'linux') this.skip();
    image('work/inside');
    image('other/outside');
    symlinkSync('inside', at('work/link'));
    const change = (): void => {
      fs.unlinkSync(at('work/link'));
      symlinkSync(at('other/outside'), at('work/link'));
    };
    beforeLookingAgain(change, () => {
      const answer = new FileGate(untrusted).open(parentReference('link', 'qcow2'), {
        id: 'top',
        path: at('work/top'),
      });
      assert.equal(answer.ok ? 'opened' : answer.refusal.reason, 'outside');
    });
    assert(![...openDescriptors().values()].some((file) => file.startsWith(folder)), 'it is left open');
  });

  it('has pipes where images are looked for: nothing waits for them', () => {
    makePipe(at('work/pipe.qcow2'));
    symlinkSync('pipe.qcow2', at('work/link.qcow2'));
    for (const policy of [TRUST_ALL, untrusted]) {
      const { images, unusable } = survey([at('work/pipe.qcow2'), at('work/link.qcow2')], policy);
      assert.deepEqual([images, unusable.map(({ error }) => error.code)], [[], ['refused', 'refused']]);
      const opened = openImage(createEnvironment(policy), { path: at('work/pipe.qcow2'), policy, forceRaw: true });
      assert.equal(opened.kind, 'failed');
    }
  });

  it('has an image that names itself in any way: the chain ends', () => {
    for (const [name, backing] of [
      ['self', 'self'],
      ['dotted', './x/../dotted'],
      ['absolute', at('work/absolute')],
      ['linked', 'link'],
      ['json', 'json:{"driver":"qcow2","file.filename":"json"}'],
      ['hard', 'hard-link'],
    ] as const) {
      mkdirSync(at('work/x'), { recursive: true });
      const top = image(`work/${name}`, { backing, backingFormat: 'qcow2' });
      if (name === 'linked') symlinkSync('linked', at('work/link'));
      if (name === 'hard') linkSync(top, at('work/hard-link'));
      const opened = openImage(createEnvironment(untrusted), { path: top, policy: untrusted, forceRaw: false });
      assert(opened.kind === 'session');
      assert.equal(opened.session.chain.end.kind, 'cycle', name);
      opened.session.close();
    }
  });
});
