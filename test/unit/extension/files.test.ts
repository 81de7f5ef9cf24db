import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import type { ChainEnd } from '../../../src/core/model';
import { filesOf } from '../../../src/extension/editor/files';
import type { ImageSummary } from '../../../src/protocol/image';
import { image } from './images';

const TOP = resolve('/d/top.qcow2');
const DATA = resolve('/d/top.data');
const PARENT = resolve('/d/base.qcow2');

describe('the files that decide a picture', () => {
  const files = (end: ChainEnd, companions?: readonly string[]): readonly string[] => {
    const summary: ImageSummary = {
      path: TOP,
      layers: [image(TOP, { companions })],
      end,
      standpoint: { depth: 0, view: '' },
      guestSize: 0,
      generation: 0,
      scan: 'running',
    };
    return filesOf(summary);
  };
  const broken = (more: Partial<Exclude<ChainEnd, { kind: 'base' }>>): ChainEnd => ({
    kind: 'refused',
    written: 'base.qcow2',
    name: PARENT,
    message: 'no',
    ...more,
  });

  it('are the layers and what holds their data', () => {
    assert.deepEqual(files({ kind: 'base' }), [TOP]);
    assert.deepEqual(files({ kind: 'base' }, [DATA]), [TOP, DATA]);
    assert.deepEqual(filesOf(undefined), []);
  });

  it('are a missing parent, and one that can’t be read', () => {
    assert.deepEqual(files(broken({ kind: 'missing', reason: 'missing' })), [TOP, PARENT]);
    assert.deepEqual(files(broken({ reason: 'unreadable' })), [TOP, PARENT]);
  });

  it('are none that nobody has allowed, and nothing that is no path', () => {
    assert.deepEqual(files(broken({ reason: 'outside' })), [TOP]);
    assert.deepEqual(files(broken({ reason: 'protocol', name: resolve('/dev/nbd0') })), [TOP]);
    assert.deepEqual(files(broken({ reason: 'missing', name: 'base.qcow2' })), [TOP]);
  });
});
