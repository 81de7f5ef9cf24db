import assert from 'node:assert/strict';
import type { Finding, View } from '../../../src/core/model';
import type { ImageSummary, LayerSummary } from '../../../src/protocol/image';
import { countFindings, headerFacts, isEmpty, numbered, places, snapshotsOf } from '../../../src/webview/summary';

const GIB = 1024 ** 3;
const NO_TIME = { seconds: 0, nanoseconds: 0 };

const layer = (depth: number, change: Partial<LayerSummary> = {}): LayerSummary => ({
  depth, path: `/vm/${depth}.qcow2`, fileName: `${depth}.qcow2`, format: 'qcow2',
  guestSize: 40 * GIB, fileSize: 3 * GIB, grain: 65_536, backing: null,
  views: [{ id: '', name: '', guestSize: 40 * GIB }], bitmaps: [], facts: [], findings: [], readable: true, checkable: true, ...change,
});

const summary = (change: Partial<ImageSummary>): ImageSummary => ({
  path: '/vm/0.qcow2', layers: [layer(0), layer(1)], end: { kind: 'base' }, standpoint: { depth: 0, view: '' },
  guestSize: 40 * GIB, generation: 1, scan: 'complete', ...change,
});

const finding = (severity: Finding['severity']): Finding => ({ code: 'x', severity, message: 'x' });

describe('the header', () => {
  it('tells format, disk, files on the host and clusters', () => {
    const layers = [layer(0, { facts: [{ label: 'Version', value: 3 }], diskUsage: GIB }), layer(1)];
    assert.deepEqual(headerFacts(summary({ layers })),
      ['qcow2 v3', '40 GiB disk', '4 GiB on the host in 2 files', '64 KiB clusters']);
  });

  it('tells no clusters where there are none, and one file as one', () => {
    assert.deepEqual(headerFacts(summary({ layers: [layer(0, { format: 'raw', grain: 512 })] })),
      ['raw', '40 GiB disk', '3 GiB on the host']);
  });

  it('counts what is wrong, but not what is only told', () => {
    const [newer, older] = [['warning', 'info'], ['warning']] as const;
    const layers = [newer, older].map((all, depth) => layer(depth, { findings: all.map(finding) }));
    assert.deepEqual(countFindings(summary({ layers })), { text: '2 warnings', worst: 'warning' });
    assert.equal(countFindings(summary({ layers: [layer(0, { findings: [finding('info')] })] })), undefined);
  });

  it('counts a broken chain as an error, once', () => {
    const end = { kind: 'missing', written: 'a', name: '/a', message: 'gone' } as const;
    assert.deepEqual(countFindings(summary({ end })), { text: '1 error', worst: 'error' });
    const layers = [layer(0), layer(1, { findings: [finding('error'), finding('warning')] })];
    assert.deepEqual(countFindings(summary({ end, layers })), { text: '1 error, 1 warning', worst: 'error' });
  });
});

describe('the states that can be looked at', () => {
  it('are the layers from newest to oldest, and below each its snapshots', () => {
    const view = (id: string, name: string, date: number): View =>
      ({
        id, name, guestSize: GIB,
        snapshot: { id, name, date, dateNanoseconds: 0, vmClock: NO_TIME, vmStateSize: 0 },
      });
    const views = [{ id: '', name: '', guestSize: GIB }, view('1', 'clean', 1000), view('2', 'updated', 2000)];
    assert.deepEqual(places(summary({ layers: [layer(0, { views }), layer(1)] }), ['Current', 'Base']), [
      { depth: 0, view: '', name: 'Current' },
      { depth: 0, view: '2', name: 'updated', within: 'Current' },
      { depth: 0, view: '1', name: 'clean', within: 'Current' },
      { depth: 1, view: '', name: 'Base' },
    ]);
  });
});

describe('snapshots inside one layer', () => {
  const view = (id: string, date: number, dateNanoseconds = 0): View => ({
    id, name: id, guestSize: GIB, snapshot: { id, name: id, date, dateNanoseconds, vmClock: NO_TIME, vmStateSize: 0 },
  });

  it('of the same second stand as the image lists them, newest first', () => {
    const views = [{ id: '', name: '', guestSize: GIB }, view('1', 9000), view('2', 5000), view('3', 5000)];
    assert.deepEqual(snapshotsOf({ views }).map(({ id }) => id), ['1', '3', '2']);
    const finer = [view('1', 5000, 7), view('2', 5000, 3)];
    assert.deepEqual(snapshotsOf({ views: finer }).map(({ id }) => id), ['1', '2']);
  });
});

describe('the names in long chains', () => {
  it('are preceded by the depth', () => {
    assert.deepEqual([numbered('a', 3, 7), numbered('a', 0, 8), numbered('a', 39, 40)], ['a', '0 · a', '39 · a']);
  });
});

describe('an empty disk', () => {
  const accounting = { guestSize: 40 * GIB, nobody: 40 * GIB, unknown: 0, layers: [] };

  it('is one that nobody owns a byte of, once all is read', () => {
    assert.equal(isEmpty(summary({ accounting })), true);
    assert.equal(isEmpty(summary({ accounting, scan: 'running' })), false);
    assert.equal(isEmpty(summary({ accounting: { ...accounting, nobody: 40 * GIB - 512 } })), false);
    assert.equal(isEmpty(summary({})), false);
  });
});
