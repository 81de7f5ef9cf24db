import './vscodeStub';
import assert from 'node:assert/strict';
import { copyName, shownDisk } from '../../../src/extension/work/shownDisk';
import { image, snapshotNamed } from './images';

const view = (
  id: string,
  name: string,
): { id: string; name: string; guestSize: number } & { snapshot: ReturnType<typeof snapshotNamed> } => ({
  id,
  name,
  guestSize: 1,
  snapshot: { ...snapshotNamed(name), id },
});

/** What is said of a chain of an overlay and its base, from one of their states. */
function shown(depth: number, name?: string, files = ['web.qcow2', 'base.img']): { title: string; copy: string } {
  const layers = files.map((file, at) =>
    image(`/vm/${file}`, { depth: at, views: [view('', ''), ...(name === undefined ? [] : [view('7', name)])] }),
  );
  const path = layers[0]?.path ?? '';
  const summary = { path, layers, standpoint: { depth, view: name === undefined ? '' : '7' } };
  return { title: shownDisk(summary), copy: copyName(summary) };
}

describe('the disk that is shown', () => {
  it('is the image, unless an older state is looked at', () => {
    assert.equal(shown(0).title, 'web.qcow2');
    assert.equal(shown(0, 'before').title, 'web.qcow2 (as of before)');
    assert.equal(shown(1).title, 'web.qcow2 (as of base.img)');
    assert.equal(shown(1, 'clean').title, 'web.qcow2 (as of clean)');
    assert.equal(shown(0, '').title, 'web.qcow2 (as of 7)');
  });

  it('is told on one line, whatever a snapshot is called', () => {
    assert.equal(shown(0, 'a\nb').title, 'web.qcow2 (as of a\\u{a}b)');
  });
});

describe('the name of a flattened copy', () => {
  it('tells the layer and the snapshot', () => {
    assert.equal(shown(0).copy, 'web.flat');
    assert.equal(shown(0, 'before-upgrade').copy, 'web.before-upgrade.flat');
    assert.equal(shown(1).copy, 'base.flat');
    assert.equal(shown(0, undefined, ['web.before-upgrade', 'web.qcow2']).copy, 'web.before-upgrade.flat');
    assert.equal(shown(0, undefined, ['volume']).copy, 'volume.flat');
  });

  it('is one that any file system takes', () => {
    assert.equal(shown(0, 'before upgrade: 22/04').copy, 'web.before-upgrade-22-04.flat');
    assert.equal(shown(0, '../../etc/passwd').copy, 'web.etc-passwd.flat');
    assert.equal(shown(0, 'a\0b\nc<>"|?*').copy, 'web.a-b-c.flat');
    assert.equal(shown(0, 'été.').copy, 'web.été.flat');
    assert.equal(shown(0, '***').copy, 'web.snapshot-7.flat');
    assert.equal(shown(0, 'x'.repeat(300)).copy, `web.${'x'.repeat(48)}.flat`);
  });
});
