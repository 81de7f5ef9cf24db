import assert from 'node:assert/strict';
import type { CheckProblem, Finding, View } from '../../../src/core/model';
import type { CheckSummary, ImageSummary, LayerSummary } from '../../../src/protocol/image';
import { encryptionOf } from '../../../src/protocol/soundness';
import { comparisonLeft, news, outdates } from '../../../src/webview/announcements';
import { comparisonSentence } from '../../../src/webview/comparisonbar';
import { problemsInFile, problemsOnDisk } from '../../../src/webview/problems';
import { checkVerdict, countFindings, fileLayer, headerFacts, isEmpty, numbered, places, snapshotsOf } from '../../../src/webview/summary';

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

const problem = (counts: CheckProblem['counts'], change: Partial<CheckProblem> = {}): CheckProblem => ({
  code: 'x', severity: counts === 'leak' ? 'warning' : 'error', message: 'x', counts, times: 1, claims: [], guest: [], ...change,
});

const comparison = {
  path: '/vm/other.img', view: '', viewName: '', guestSize: 40 * GIB, ranges: 0, bytes: 0, unknown: 0, skipped: 0, first: [],
};

const check = (problems: readonly CheckProblem[], counts: Partial<CheckSummary['counts']> = {}): CheckSummary => ({
  counts: {
    checkErrors: 0, corruptions: 0, leaks: 0, further: 0, imageEnd: 0, totalClusters: 100, allocatedClusters: 10,
    fragmentedClusters: 1, compressedClusters: 0, ...counts,
  },
  problems, untold: 0, fileEnd: 0, uses: [],
});

describe('what a check found, on the page', () => {
  it('counts with what is wrong anyway', () => {
    const found = check([problem('corruption'), problem('leak'), problem('error')]);
    const layers = [layer(0, { findings: [finding('warning')], check: found })];
    assert.deepEqual(countFindings(summary({ layers })), { text: '2 errors, 2 warnings', worst: 'error' });
    const cut = [layer(0, { check: { ...found, untold: 700 } })];
    assert.deepEqual(countFindings(summary({ layers: cut })), { text: '2 errors, 2 warnings', worst: 'error' });
  });

  it('is a verdict on the card, and none where nothing was checked', () => {
    assert.equal(checkVerdict({}), undefined);
    assert.equal(checkVerdict({ check: check([]) }), 'checked: consistent');
    assert.equal(checkVerdict({ check: check([], { corruptions: 2, leaks: 14 }) }), '2 corruptions, 14 leaked clusters');
  });

  it('is told where it touches the state that is shown, by ranges that end before their end', () => {
    const guest = [{ view: '', start: 100, end: 200 }, { view: '7', start: 500, end: 600 }];
    const layers = [layer(0), layer(1, { check: check([problem('corruption', { guest })]) })];
    const seen = (standpoint: ImageSummary['standpoint'], start: number, end: number): number =>
      problemsOnDisk(summary({ layers, standpoint }), start, end).length;
    const now = { depth: 0, view: '' };
    assert.deepEqual([seen(now, 0, 100), seen(now, 0, 101), seen(now, 199, 300), seen(now, 200, 300)], [0, 1, 1, 0]);
    assert.deepEqual([seen(now, 500, 600), seen({ depth: 1, view: '7' }, 500, 600)], [0, 1]);
  });

  it('is told of a place in the file, with and without an end', () => {
    const layers = [layer(0, { check: check([
      problem('corruption', { host: { start: 1000, end: 2000 } }), problem('further', { offset: 5000 }),
    ]) })];
    const at = (start: number, end: number): number => problemsInFile(summary({ layers }), 0, start, end).length;
    assert.deepEqual([at(0, 1000), at(1999, 3000), at(2000, 3000), at(5000, 5001), at(4000, 5000)], [0, 1, 0, 1, 0]);
  });

  it('is announced once, with what a comparison found', () => {
    const before = summary({});
    const checked = summary({ layers: [layer(0, { check: check([], { corruptions: 1 }) }), layer(1, { check: check([]) })] });
    assert.equal(news(before, checked),
      '0.qcow2: 1 corruption. 1.qcow2: consistent by itself, 10 clusters in use, 10% fragmented.');
    const end = { kind: 'missing', written: 'a', name: '/a', message: 'gone' } as const;
    assert.equal(news(before, summary({ layers: [layer(0), layer(1, { check: check([]) })], end })),
      '1.qcow2: consistent by itself, 10 clusters in use, 10% fragmented; but its parent is missing.');
    assert.equal(news(checked, structuredClone(checked)), undefined);
    const compared = { ...checked, comparison };
    assert.equal(news(checked, compared), 'Compared with other.img: They are identical.');
    assert.equal(news(compared, structuredClone(compared)), undefined);
  });

  it('outdates what the tooltip says where the map, the place or the comparison is another', () => {
    const now = summary({});
    assert.equal(outdates(now, summary({ layers: [layer(0, { check: check([]) }), layer(1)] })), false);
    assert.equal(outdates(now, summary({ generation: 2 })), true);
    assert.equal(outdates(now, summary({ standpoint: { depth: 0, view: '1' } })), true);
    assert.deepEqual([outdates(now, summary({ comparison })), outdates(summary({ comparison }), now)], [true, true]);
  });

  it('is left by looking from elsewhere, not by being ended', () => {
    const compared = summary({ comparison });
    const elsewhere = { depth: 1, view: '' };
    assert.equal(comparisonLeft(compared, summary({ standpoint: elsewhere })), true);
    assert.equal(comparisonLeft(compared, summary({})), false);
    assert.equal(comparisonLeft(compared, summary({ standpoint: elsewhere, comparison })), false);
    assert.equal(comparisonLeft(summary({}), summary({ standpoint: elsewhere })), false);
  });

  it('says plainly that nothing differs, unless something could not be compared', () => {
    const found = { path: '', view: '', viewName: '', guestSize: 1, skipped: 0, first: [] };
    const said = (ranges: number, bytes: number, unknown: number): string =>
      comparisonSentence({ ...found, ranges, bytes, unknown }, 1);
    assert.equal(said(0, 0, 0), 'They are identical.');
    assert.equal(said(0, 0, 1024), 'No difference was found. 1 KiB could not be compared.');
    assert.equal(said(1, 512, 0), '512 bytes in 1 range differs.');
    assert.equal(comparisonSentence({ ...found, guestSize: GIB, ranges: 0, bytes: 0, unknown: 0 }, 2 * GIB),
      'No difference was found. The other disk has 1 GiB.');
    assert.equal(said(2, 2048, 512), '2 KiB in 2 ranges differ. 512 bytes could not be compared.');
  });

  it('is of the file of the layer picked out, else of the one looked from', () => {
    const seen = summary({ standpoint: { depth: 1, view: '' } });
    assert.deepEqual([fileLayer({ summary: seen, picked: null })?.depth, fileLayer({ summary: seen, picked: 0 })?.depth], [1, 0]);
  });
});

describe('an encrypted layer', () => {
  it('is one whose image says how, not any that can’t be read', () => {
    assert.equal(encryptionOf(layer(0, { readable: false })), undefined);
    assert.equal(encryptionOf(layer(0, { facts: [{ label: 'Encryption', value: 'aes' }] })), 'aes');
  });
});

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
    // Multipass tags its snapshots by number, and keeps the names beside the image.
    const story = { platform: 'Multipass', snapshots: { clean: { label: 'just installed' } } };
    assert.deepEqual(places(summary({ layers: [layer(0, { views, story })] }), ['Current']).map(({ name }) => name),
      ['Current', 'updated', 'just installed']);
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
    assert.deepEqual([numbered('3', 3, 40), numbered('3', 4, 40)], ['3', '4 · 3']);
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
