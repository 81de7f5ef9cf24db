import assert from 'node:assert/strict';
import { linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRUST_ALL } from '../../../src/node/gate';
import { accountChain, survey } from '../../../src/node/survey';
import type { SurveyedImage } from '../../../src/protocol/image';
import { buildQcow2, data, noise, writeImage } from '../../fixtures/build/index';
import type { Qcow2Spec } from '../../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('the survey of files', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('survey');
  });
  afterEach(() => {
    removeFolder(folder);
  });
  const at = (name: string): string => join(folder, name);
  const write = (name: string, spec: Partial<Qcow2Spec> = {}): string => {
    const clusters = new Map([[0, data(noise(1, 65_536))]]);
    writeImage(at(name), buildQcow2({ size: 2 ** 20, clusters, ...spec }).image);
    return at(name);
  };
  const only = (path: string, policy = TRUST_ALL): SurveyedImage => {
    const {
      images: [image],
    } = survey([path], policy);
    assert(image, `${path} is not listed`);
    return image;
  };

  it('lists images, leaves out what is none, and tells of those that can’t be used', () => {
    const good = write('good.qcow2');
    writeFileSync(at('notes'), 'just text\n');
    writeFileSync(at('cut'), 'QFI\xfb\0\0\0\x03', 'latin1');
    const { images, unusable } = survey([good, at('notes'), at('cut'), at('absent')], TRUST_ALL);
    assert.deepEqual(
      images.map(({ path }) => path),
      [good],
    );
    assert.deepEqual(
      unusable.map(({ path, format, error }) => [path, format, error.code === 'not-found']),
      [
        [at('cut'), 'qcow2', false],
        [at('absent'), undefined, true],
      ],
    );
  });

  it('links an image with its parent, whatever name leads there', () => {
    const base = write('base.qcow2');
    linkSync(base, at('same.qcow2'));
    const top = only(write('top.qcow2', { backing: 'same.qcow2', backingFormat: 'qcow2' }));
    assert.equal(top.parent?.kind, 'found');
    assert.equal(top.parent.id, only(base).id);
    assert.equal(top.parent.path, at('same.qcow2'));
  });

  it('tells how a chain breaks: missing, not allowed, in a ring', () => {
    const missing = only(write('missing.qcow2', { backing: 'gone.qcow2', backingFormat: 'qcow2' }));
    assert.deepEqual(
      [missing.parent?.kind, missing.parent && 'name' in missing.parent && missing.parent.name],
      ['missing', at('gone.qcow2')],
    );
    const outside = write('outside.qcow2', { backing: write('base.qcow2'), backingFormat: 'qcow2' });
    const refused = only(outside, { folders: [join(folder, 'elsewhere')], allowed: [], platformTools: false });
    assert.deepEqual(
      [refused.parent?.kind, refused.parent && 'reason' in refused.parent && refused.parent.reason],
      ['refused', 'outside'],
    );
    const ring = only(write('ring.qcow2', { backing: 'ring.qcow2', backingFormat: 'qcow2' }));
    assert.equal(ring.parent?.kind, 'cycle');
  });

  it('adds up a chain, and gives up one that takes too long', async () => {
    const base = write('base.qcow2');
    const top = write('top.qcow2', { backing: 'base.qcow2', backingFormat: 'qcow2', clusters: new Map() });
    const accounts = await accountChain(top, TRUST_ALL);
    assert.deepEqual(
      accounts.map(({ path, account }) => [path, account.owned]),
      [
        [top, 0],
        [base, 65_536],
      ],
    );
    // No time at all, and a map of 2^17 steps, which is more than one slice.
    writeImage(at('wide'), buildQcow2({ size: 2 ** 46, clusters: new Map() }).image);
    await assert.rejects(accountChain(at('wide'), TRUST_ALL, -1), { code: 'limit' });
  });
});
