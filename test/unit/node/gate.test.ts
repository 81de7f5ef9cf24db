import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { FileReference, OpenedSource, RefusalReason } from '../../../src/core';
import { dataFileReference, parentReference } from '../../../src/core/fileReference';
import { createEnvironment } from '../../../src/node/environment';
import { FileGate, TRUST_ALL } from '../../../src/node/gate';
import { openImage } from '../../../src/node/openImage';
import type { GatePolicy } from '../../../src/protocol/worker';
import { buildQcow2, writeImage } from '../../fixtures/build/index';
import { beforeOpening, makePipe, makeSocket, ON_WINDOWS, someBlockDevice } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

/**
 * The folder of every test:
 *
 *     work/top            the image that names others
 *     work/base           a file beside it
 *     work/deep/base
 *     other/base          outside the workspace, which is `work`
 *     workbench/base      outside too, though its name begins like the workspace's
 */
describe('the gate', () => {
  let folder: string;
  let untrusted: GatePolicy;
  beforeEach(() => {
    folder = makeTempFolder('gate');
    for (const name of ['work/top', 'work/base', 'work/deep/base', 'other/base', 'workbench/base']) {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), name);
    }
    untrusted = { folders: [at('work')], allowed: [], platformTools: false };
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const at = (name: string): string => join(folder, name);

  const ask = (
    policy: GatePolicy,
    written: string | FileReference,
    from = at('work/top'),
  ): ReturnType<FileGate['open']> => {
    const reference = typeof written === 'string' ? parentReference(written, undefined) : written;
    return new FileGate(policy).open(reference, { id: 'top', path: from });
  };

  /** Opened, as that file, whose content is its name below the folder. */
  const opens = (policy: GatePolicy, written: string | FileReference, name: string, file = at(name)): string[] => {
    const answer = ask(policy, written);
    assert(answer.ok, answer.ok ? '' : answer.refusal.message);
    const { identity, source } = answer.opened;
    try {
      assert.equal(identity.path, file);
      assert.equal(textOf(answer.opened), name);
    } finally {
      source.close();
    }
    return answer.findings.map(({ code }) => code);
  };

  const textOf = ({ source }: OpenedSource): string => {
    const bytes = new Uint8Array(source.size);
    source.readInto(bytes, 0);
    return new TextDecoder().decode(bytes);
  };

  /** Refused for that reason, in a sentence that names the file. */
  const refuses = (
    policy: GatePolicy,
    written: string | FileReference,
    reason: RefusalReason,
    name: string,
    from?: string,
  ): string => {
    const answer = ask(policy, written, from);
    if (answer.ok) answer.opened.source.close();
    assert(!answer.ok, 'it is opened');
    const { refusal } = answer;
    assert.equal(refusal.reason, reason, refusal.message);
    assert.equal(refusal.name, name);
    assert(refusal.message.includes(name), refusal.message);
    return refusal.message;
  };

  describe('of a regular file', () => {
    it('beside the image: opens it', () => {
      assert.deepEqual(opens(TRUST_ALL, 'base', 'work/base'), []);
      assert.deepEqual(opens(untrusted, 'base', 'work/base'), []);
      opens(untrusted, 'deep/base', 'work/deep/base');
      opens(untrusted, at('work/base'), 'work/base');
    });

    it('elsewhere: opens it where all is trusted', () => {
      opens(TRUST_ALL, at('other/base'), 'other/base');
      opens(TRUST_ALL, '../other/base', 'other/base');
    });

    it('elsewhere: refuses it where not', () => {
      refuses(untrusted, at('other/base'), 'outside', at('other/base'));
      refuses(untrusted, '../other/base', 'outside', at('other/base'));
      refuses(untrusted, 'deep/../../other/base', 'outside', at('other/base'));
    });

    it('in a folder whose name begins like the workspace’s: refuses it', () => {
      refuses(untrusted, at('workbench/base'), 'outside', at('workbench/base'));
    });

    it('in a folder whose name begins with two dots: opens it', () => {
      mkdirSync(at('work/..backup'));
      writeFileSync(at('work/..backup/base'), 'work/..backup/base');
      opens(untrusted, '..backup/base', 'work/..backup/base');
    });

    it('elsewhere: opens it once that file is allowed, and no other', () => {
      const policy = { ...untrusted, allowed: [at('other/base')] };
      writeFileSync(at('other/base2'), 'other/base2');
      opens(policy, at('other/base'), 'other/base');
      opens(policy, '../other/base', 'other/base');
      refuses(policy, at('other/base2'), 'outside', at('other/base2'));
    });

    it('elsewhere: refuses it where no folder is trusted', () => {
      refuses({ ...untrusted, folders: [] }, 'base', 'outside', at('work/base'));
    });

    it('that goes up and comes back: opens it', () => {
      opens(untrusted, '../work/base', 'work/base');
      opens(untrusted, 'deep/../base', 'work/base');
    });

    it('in any of several folders: opens it', () => {
      opens({ ...untrusted, folders: [at('nowhere'), at('work'), at('other')] }, at('other/base'), 'other/base');
    });

    it('as a data file: judges it alike, and calls it that', () => {
      opens(untrusted, dataFileReference('base'), 'work/base');
      const parent = refuses(untrusted, '../other/base', 'outside', at('other/base'));
      assert.match(parent, /^the parent /);
      const dataFile = refuses(untrusted, dataFileReference('../other/base'), 'outside', at('other/base'));
      assert.match(dataFile, /^the data file /);
    });

    it('that is not there: says so', () => {
      for (const policy of [TRUST_ALL, untrusted]) {
        assert.match(refuses(policy, 'gone', 'missing', at('work/gone')), /is not there/);
        refuses(policy, 'base/below-a-file', 'missing', at('work/base/below-a-file'));
      }
    });

    it('that may not be read: says so', function () {
      // To root every file is open, and Windows has other permissions.
      if (ON_WINDOWS || process.getuid?.() === 0) this.skip();
      chmodSync(at('work/base'), 0);
      assert.match(refuses(TRUST_ALL, 'base', 'unreadable', at('work/base')), /no permission/);
    });
  });

  describe('of a link', function () {
    // Windows asks for a privilege to make one.
    before(function () {
      if (ON_WINDOWS) this.skip();
    });

    it('out of the folder: opens it where all is trusted, else refuses it', () => {
      symlinkSync(at('other/base'), at('work/link'));
      opens(TRUST_ALL, 'link', 'other/base', at('work/link'));
      refuses(untrusted, 'link', 'outside', at('work/link'));
    });

    it('out of the folder, written relative: refuses it', () => {
      symlinkSync('../other/base', at('work/link'));
      refuses(untrusted, 'link', 'outside', at('work/link'));
    });

    it('to a link out of the folder: refuses it', () => {
      symlinkSync('second', at('work/link'));
      symlinkSync(at('other/base'), at('work/second'));
      refuses(untrusted, 'link', 'outside', at('work/link'));
    });

    it('that is a folder outside: refuses what is in it', () => {
      symlinkSync(at('other'), at('work/linked'));
      opens(TRUST_ALL, 'linked/base', 'other/base', at('work/linked/base'));
      refuses(untrusted, 'linked/base', 'outside', at('work/linked/base'));
    });

    it('that is a folder outside: refuses also what is not in it, so that nobody learns what is there', () => {
      symlinkSync(at('other'), at('work/linked'));
      refuses(untrusted, 'linked/gone', 'outside', at('work/linked/gone'));
    });

    it('that is a folder outside: goes up from where it leads', () => {
      mkdirSync(at('other/deep'));
      symlinkSync(at('other/deep'), at('work/linked'));
      opens(TRUST_ALL, 'linked/../base', 'other/base');
      refuses(untrusted, 'linked/../base', 'outside', at('other/base'));
    });

    it('within the folder: opens it', () => {
      symlinkSync('deep/base', at('work/link'));
      opens(untrusted, 'link', 'work/deep/base', at('work/link'));
    });

    it('that leads to the workspace itself: opens what is in it', () => {
      symlinkSync(at('work'), at('shortcut'));
      const policy = { ...untrusted, folders: [at('shortcut')] };
      const answer = ask(policy, 'base', at('shortcut/top'));
      assert(answer.ok);
      assert.equal(textOf(answer.opened), 'work/base');
      answer.opened.source.close();
    });

    it('from outside into the folder: refuses it, as the name itself is outside', () => {
      symlinkSync(at('work/base'), at('other/link'));
      refuses(untrusted, at('other/link'), 'outside', at('other/link'));
    });

    it('to nothing: says that nothing is there', () => {
      symlinkSync('gone', at('work/link'));
      refuses(untrusted, 'link', 'missing', at('work/link'));
    });

    it('in a ring of links: says so', () => {
      symlinkSync('two', at('work/one'));
      symlinkSync('one', at('work/two'));
      for (const policy of [TRUST_ALL, untrusted]) {
        assert.match(refuses(policy, 'one', 'unreadable', at('work/one')), /loop of symbolic links/);
      }
    });
  });

  describe('of what is no file', () => {
    const refusesUnopened = (name: string, what: RegExp): void => {
      for (const policy of [TRUST_ALL, untrusted, { ...untrusted, allowed: [at(name)] }]) {
        const opened = beforeOpening(
          () => undefined,
          () => {
            assert.match(refuses(policy, at(name), 'not-a-file', at(name)), what);
          },
        );
        assert.equal(opened, 0, 'it was opened to be refused');
      }
    };

    it('refuses a folder', () => {
      refusesUnopened('work/deep', /a folder/);
    });

    it('refuses a pipe, without waiting for its writer', function () {
      if (ON_WINDOWS) this.skip();
      makePipe(at('work/pipe'));
      refusesUnopened('work/pipe', /a pipe/);
    });

    it('refuses a link to a pipe', function () {
      if (ON_WINDOWS) this.skip();
      makePipe(at('work/pipe'));
      symlinkSync('pipe', at('work/link'));
      refusesUnopened('work/link', /a pipe/);
    });

    it('refuses a socket', async function () {
      if (ON_WINDOWS) this.skip();
      const server: Server = await makeSocket(at('work/s'));
      try {
        refusesUnopened('work/s', /a socket/);
      } finally {
        server.close();
      }
    });

    it('refuses a character device', function () {
      if (ON_WINDOWS) this.skip();
      assert.match(refuses(TRUST_ALL, '/dev/null', 'not-a-file', '/dev/null'), /no file on a disk/);
      refuses(untrusted, '/dev/null', 'outside', '/dev/null');
      symlinkSync('/dev/null', at('work/null'));
      refuses(TRUST_ALL, 'null', 'not-a-file', at('work/null'));
      refuses(untrusted, 'null', 'outside', at('work/null'));
    });
  });

  describe('of a block device', () => {
    let device = '';
    before(function () {
      // Making one takes root: those of the machine have to do.
      const found = ON_WINDOWS ? undefined : someBlockDevice();
      if (found === undefined) this.skip();
      device = found;
    });

    const fileNames = (policy: GatePolicy, reason: RefusalReason, written = device, name = device): void => {
      const opened = beforeOpening(
        () => undefined,
        () => refuses(policy, written, reason, name),
      );
      assert.equal(opened, 0, 'it was opened to be refused');
    };

    it('refuses it to an image that is a file', () => {
      fileNames(TRUST_ALL, 'not-a-file');
      fileNames({ ...untrusted, folders: ['/dev'] }, 'not-a-file');
      symlinkSync(device, at('work/disk'));
      fileNames(TRUST_ALL, 'not-a-file', 'disk', at('work/disk'));
    });

    it('refuses it outside the folders, whatever names it', () => {
      fileNames(untrusted, 'outside');
      refuses(untrusted, device, 'outside', device, device);
    });

    it('opens it to an image that is one, as far as the system lets', () => {
      for (const policy of [TRUST_ALL, { ...untrusted, folders: ['/dev'] }]) {
        const answer = ask(policy, device, device);
        if (answer.ok) {
          assert.equal(answer.opened.identity.path, device);
          answer.opened.source.close();
        } else {
          assert.equal(answer.refusal.reason, 'unreadable', answer.refusal.message);
        }
      }
    });
  });

  describe('of a name', () => {
    const protocols = [
      'nbd:localhost:10809',
      'nbd://localhost/disk',
      'ssh://host/disk',
      'http://host/disk.qcow2',
      'https://host/disk.qcow2',
      'fat:rw:/etc',
      'json:{"driver":"nbd","host":"localhost"}',
      'json:{"driver":"qcow2","file":{"driver":"https","url":"https://host/disk"}}',
    ];
    for (const written of protocols) {
      it(`that is ${written}: refuses it`, () => {
        for (const policy of [TRUST_ALL, untrusted, { ...untrusted, allowed: [written] }]) {
          const answer = ask(policy, written);
          assert(!answer.ok);
          assert.equal(answer.refusal.reason, 'protocol');
          assert.equal(answer.refusal.name, written);
          assert(answer.refusal.message.includes(`(named by ${at('work/top')})`), answer.refusal.message);
        }
      });
    }

    it('that a json: of a file spells: judges the file', () => {
      const json = (name: string): string =>
        `json:{"driver":"qcow2","file":{"driver":"file","filename":"${slashed(name)}"}}`;
      opens(untrusted, json('work/base'), 'work/base');
      refuses(untrusted, json('other/base'), 'outside', at('other/base'));
    });

    it('that is no name: refuses it as such', () => {
      const answer = ask(TRUST_ALL, 'file:');
      assert(!answer.ok);
      assert.deepEqual([answer.refusal.reason, answer.refusal.name], ['malformed', 'file:']);
      assert(answer.refusal.message.includes(`(named by ${at('work/top')})`), answer.refusal.message);
    });

    it('that is relative behind file: opens it from the image’s folder, with a finding', () => {
      assert.deepEqual(opens(untrusted, 'file:base', 'work/base'), ['relative-to-working-directory']);
      assert.deepEqual(opens(untrusted, `file:${slashed('work/base')}`, 'work/base'), []);
      refuses(untrusted, 'file:../other/base', 'outside', at('other/base'));
    });

    it('that looks like a protocol, of a data file: takes it as a file’s', function () {
      // Windows has no colons in names.
      if (ON_WINDOWS) this.skip();
      writeFileSync(at('work/nbd:base'), 'work/nbd:base');
      opens(untrusted, dataFileReference('nbd:base'), 'work/nbd:base');
    });

    it('longer than a file name can be: says so', function () {
      // Windows says of such a name only that there is no such file.
      if (ON_WINDOWS) this.skip();
      const long = 'x'.repeat(5000);
      for (const policy of [TRUST_ALL, untrusted]) {
        assert.match(refuses(policy, long, 'unreadable', at(`work/${long}`)), /longer than a file name can be/);
      }
    });

    it('with a zero byte in it: refuses it', () => {
      for (const policy of [TRUST_ALL, untrusted]) refuses(policy, 'base\0', 'unreadable', at('work/base\0'));
    });

    it('of another machine: says that it can’t be found', () => {
      const ofWindows = ['C:\\images\\base.qcow2', 'C:/images/base.qcow2', '\\\\server\\share\\base'];
      const names = ON_WINDOWS ? ['/var/base'] : ofWindows;
      for (const written of names) {
        for (const policy of [TRUST_ALL, untrusted]) {
          assert.match(refuses(policy, written, 'missing', written), /another machine/);
        }
      }
    });

    it('with backslashes: reads it as Windows means it, with a finding, and judges what comes of it', function () {
      if (ON_WINDOWS) this.skip();
      assert.deepEqual(opens(untrusted, 'deep\\base', 'work/deep/base'), ['windows-path']);
      assert.deepEqual(opens(TRUST_ALL, '..\\other\\base', 'other/base'), ['windows-path']);
      refuses(untrusted, '..\\other\\base', 'outside', at('other/base'));
    });

    it('with backslashes, of a file that has them: opens that', function () {
      if (ON_WINDOWS) this.skip();
      writeFileSync(at('work/deep\\base'), 'work/deep\\base');
      assert.deepEqual(opens(untrusted, 'deep\\base', 'work/deep\\base'), []);
    });

    it('of a Windows share: refuses it until it is allowed', function () {
      if (!ON_WINDOWS) this.skip();
      const share = '\\\\server.invalid\\share\\base';
      refuses(TRUST_ALL, share, 'outside', share);
      refuses(untrusted, share, 'outside', share);
    });

    const slashed = (name: string): string => at(name).replaceAll('\\', '/');
  });

  describe('of the image itself', () => {
    const chainEnd = (file: string, policy: GatePolicy): string => {
      const opened = openImage(createEnvironment(policy), { path: file, policy, forceRaw: false });
      assert(opened.kind === 'session', opened.kind);
      const { chain } = opened.session;
      opened.session.close();
      return `${chain.layers.length} ${chain.end.kind}`;
    };
    const image = (name: string, backing: string): string => {
      writeImage(at(name), buildQcow2({ size: 2 ** 20, backing, backingFormat: 'qcow2' }).image);
      return at(name);
    };

    it('under whatever name: ends the chain', () => {
      assert.equal(chainEnd(image('work/ring', 'ring'), untrusted), '1 cycle');
      const hard = image('work/hard', 'same');
      linkSync(hard, at('work/same'));
      assert.equal(chainEnd(hard, untrusted), '1 cycle');
    });

    it('under the name of a link: ends the chain', function () {
      if (ON_WINDOWS) this.skip();
      symlinkSync('ring', at('work/link'));
      assert.equal(chainEnd(image('work/ring', 'link'), untrusted), '1 cycle');
    });

    it('further down: ends the chain', () => {
      image('work/two', 'one');
      assert.equal(chainEnd(image('work/one', 'two'), untrusted), '2 cycle');
    });
  });
});
