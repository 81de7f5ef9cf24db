import assert from 'node:assert/strict';
import { createdText, dayName, nameProblem, optionsText } from '../../../../src/extension/snapshots/createWords';
import { doneText, question as internalQuestion } from '../../../../src/extension/snapshots/internalWords';
import { previewEndQuestion, previewText } from '../../../../src/extension/snapshots/previewWords';
import { candidateDetail, candidateLine, relocateQuestion } from '../../../../src/extension/snapshots/relocateWords';
import { question as repairQuestion, repairedText } from '../../../../src/extension/snapshots/repairWords';
import type { ParentCandidate, Preview } from '../../../../src/core';

const KIB = 1024;

describe('the words of a new snapshot', () => {
  it('name it by the day where nobody has a better name', () => {
    assert.equal(dayName(new Date(2026, 0, 5, 23, 59)), '2026-01-05');
  });

  it('say what is no name', () => {
    assert.match(nameProblem('  ') ?? '', /needs a name/);
    assert.match(nameProblem('a/b') ?? '', /no slashes/);
    assert.match(nameProblem('a\u202eb') ?? '', /control/);
    assert.equal(nameProblem('before-upgrade'), undefined);
  });

  it('sum up the options', () => {
    assert.equal(optionsText('a.img', {}), 'On a.img, clusters as the base has them, the base named relative to it');
    assert.equal(
      optionsText('a.img', { clusterSize: 128 * KIB, extendedL2: true, absolute: true }),
      'On a.img, clusters of 128 KiB, extended L2, with the base’s whole path',
    );
  });

  it('say which file the VM has to use from then on', () => {
    const text = createdText({ overlay: '/vm/a.new', base: '/vm/a.img', backingFormat: 'raw', fileSize: 256 * KIB });
    assert.equal(
      text,
      'a.new (256 KiB) now stands on a.img. Let the VM use a.new from now on: writing to a.img would break it.',
    );
  });

  it('say that it has to be a VM of QEMU, where the base is one of another program', () => {
    const created = { overlay: '/vm/a.new.qcow2', base: '/vm/a.vhd', backingFormat: 'vpc', fileSize: 256 * KIB };
    assert.match(createdText(created), /Let a VM of QEMU \(Hyper-V opens no qcow2\) use a\.new\.qcow2 from now on:/);
  });
});

describe('the words of a preview', () => {
  const preview: Preview = { overlay: '/vm/a.preview', of: '/vm/a.old', leaf: '/vm/a', made: 0 };
  const end = { preview, keeps: '/vm/a', removes: [], refusals: [], cautions: [] };

  it('say what to do with it', () => {
    assert.match(previewText(preview), /a\.preview shows the disk as a\.old has it.* go back to a\.$/);
  });

  it('list every file that goes, a line each', () => {
    const removes = [
      { path: '/vm/a', fileSize: 512 * KIB },
      { path: '/vm/a.mid', fileSize: 512 * KIB },
    ];
    const { title, detail, button } = previewEndQuestion({ ...end, how: 'commit', removes, keeps: '/vm/a.preview' });
    assert.match(title, /drop all that is newer than a\.old/);
    assert.deepEqual(detail[0]?.split('\n'), [
      'These files go for good, 1 MiB together:',
      '/vm/a, 512 KiB',
      '/vm/a.mid, 512 KiB',
    ]);
    assert.equal(detail[1], 'From then on the VM boots from a.preview.');
    assert.equal(button, 'Commit Preview');
  });

  it('say when none goes', () => {
    assert.equal(previewEndQuestion({ ...end, how: 'undo' }).detail[0], 'No file goes.');
  });
});

describe('the words of a parent that is looked for', () => {
  const candidate: ParentCandidate = {
    path: '/vm/old/base.qcow2',
    format: 'qcow2',
    guestSize: 16 * KIB * KIB,
    certainty: 'likely',
    score: 0.8,
    evidence: [
      { speaks: 'for', what: 'it has the name' },
      { speaks: 'against', what: 'it was written to since' },
    ],
  };

  it('say how sure, what and where', () => {
    assert.deepEqual(candidateLine(candidate, '/vm'), {
      label: 'base.qcow2',
      description: 'likely it · qcow2 · 16 MiB disk · old',
    });
    assert.match(candidateLine(candidate, '/vm/old').description, /beside it$/);
    assert.equal(candidateDetail(candidate), '+ it has the name   − it was written to since');
  });

  it('tell all that speaks for and against it before it is named', () => {
    const { title, detail } = relocateQuestion({ image: '/vm/a', parent: candidate.path }, candidate);
    assert.equal(title, 'Let a stand on base.qcow2?');
    assert.deepEqual(detail[0]?.split('\n'), [
      '/vm/old/base.qcow2 is likely it:',
      '+ it has the name',
      '− it was written to since',
    ]);
  });

  it('say nothing of how sure it is about a file that a person chose', () => {
    assert.equal(relocateQuestion({ image: '/vm/a', parent: '/vm/b' }, undefined).detail[0], '/vm/b');
  });
});

describe('the words of what is done in place', () => {
  it('warn that applying replaces the current state', () => {
    const { detail, button } = internalQuestion({ image: '/vm/a', action: 'apply', name: '3' }, 'clean');
    assert.match(detail.join(' '), /replaced, and is gone unless a snapshot holds it/);
    assert.equal(button, 'Apply Snapshot');
    assert.equal(doneText({ image: '/vm/a', action: 'apply', name: '3' }, 'clean'), 'a is as clean saved it');
  });

  it('tell leaks from what may cost content', () => {
    assert.match(repairQuestion('/vm/a', 'leaks').detail.join(' '), /stays as it is/);
    assert.match(repairQuestion('/vm/a', 'all').detail.join(' '), /may be lost/);
  });

  it('count what was mended', () => {
    const before = { corruptions: 1, leaks: 2 };
    const after = { corruptions: 0, leaks: 0 };
    assert.equal(
      repairedText({ image: '/vm/a', mode: 'all', kept: '/vm/k', before, after }),
      'a: 1 corruption and 2 leaks before; now none.',
    );
  });
});
