import assert from 'node:assert/strict';
import type { Evidence, Orphan, ParentCandidate, Suspect } from '../../../../src/core';
import { fileName, rank, weigh } from '../../../../src/core';

const GIB = 2 ** 30;
const ORPHAN: Orphan = {
  guestSize: 8 * GIB,
  written: 'base.qcow2',
  format: 'qcow2',
  made: 2_000_000,
  modified: 9_000_000,
};
const suspect = (changes: Partial<Suspect> = {}): Suspect => ({
  path: '/vm/x.qcow2',
  format: 'qcow2',
  guestSize: 8 * GIB,
  modified: 1_000_000,
  stands: undefined,
  content: [],
  ...changes,
});
const of = (changes: Partial<Suspect> = {}): ParentCandidate => weigh(ORPHAN, suspect(changes));
const PROOF: Evidence = { weight: 8, decides: true, what: 'proof' };
const DISPROOF: Evidence = { weight: -12, decides: true, what: 'disproof' };

describe('how sure it is that a file is the parent', () => {
  it('certain only by its content, and unlikely by it whatever else speaks for it', () => {
    assert.equal(of({ path: '/vm/base.qcow2' }).certainty, 'likely');
    assert.equal(of({ content: [PROOF] }).certainty, 'certain');
    assert.equal(of({ path: '/vm/base.qcow2', content: [PROOF, DISPROOF] }).certainty, 'unlikely');
  });

  it('certain where it has the id that the overlay expects, and hardly likely where it has another', () => {
    const orphan = { ...ORPHAN, expects: [{ what: 'CID', value: '0a1b2c3d', severity: 'error' as const }] };
    const known = (...ids: readonly string[]): ParentCandidate =>
      weigh(orphan, suspect({ linkIds: ids.map((value) => ({ what: 'CID', value })) }));
    assert.equal(known('0a1b2c3d').certainty, 'certain');
    assert.deepEqual(known('0a1b2c3d').evidence[0], {
      speaks: 'for',
      what: 'its CID is the one that the overlay expects',
    });
    assert.equal(known('ffff0000').certainty, 'unlikely');
    assert.equal(known('ffff0000').evidence[0]?.what, 'its CID is ffff0000, and the overlay expects 0a1b2c3d');
    assert.equal(known().evidence[0]?.what, 'it has no CID, and the overlay expects 0a1b2c3d');
  });

  it('behind one that is whole where it is damaged, and it says so', () => {
    const damage: Evidence = { weight: -3, what: 'it is damaged', damages: true };
    const damaged = of({ path: '/vm/base.qcow2', content: [PROOF, damage] });
    const whole = of({ path: '/vm/copy.qcow2' });
    assert.ok(damaged.score > whole.score);
    const ranked = rank([damaged, whole]);
    assert.deepEqual(
      ranked.map(({ path, damaged: is }) => [path, is]),
      [
        ['/vm/copy.qcow2', undefined],
        ['/vm/base.qcow2', true],
      ],
    );
    assert.ok(damaged.evidence.some(({ speaks, what }) => speaks === 'against' && what === 'it is damaged'));
  });

  it('possible where nothing but size and format fit', () => {
    assert.equal(of().certainty, 'possible');
  });

  it('less by another format, a larger disk, a later change, a sibling’s parent', () => {
    const { score } = of();
    for (const changes of [
      { format: 'raw' },
      { guestSize: 9 * GIB },
      { guestSize: GIB },
      { modified: 9_500_000 },
      { modified: 3_000_000 },
      { stands: '../base.qcow2' },
    ]) {
      const worse = of(changes);
      assert.ok(worse.score < score, JSON.stringify(changes));
      assert.ok(worse.evidence.some(({ speaks }) => speaks === 'against'));
    }
    assert.equal(of({ format: 'raw' }).certainty, 'unlikely');
    assert.equal(of({ stands: '/elsewhere/base.qcow2' }).certainty, 'unlikely');
  });

  it('more by a name that is like the one that is written', () => {
    const names = [
      '/a/x.qcow2',
      '/a/base2-new.qcow2',
      '/a/base.before-upgrade.qcow2',
      '/a/Base.QCOW2',
      '/a/base.qcow2',
    ];
    const scores = names.map((path) => of({ path }).score);
    assert.equal(scores[0], of().score);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(scores).size, 4);
  });

  it('told by the strongest reason first', () => {
    const [first] = of({ path: '/vm/base.qcow2', content: [PROOF] }).evidence;
    assert.deepEqual(first, { speaks: 'for', what: 'proof' });
  });

  it('a score between 0 and 1', () => {
    for (const content of [
      [PROOF, PROOF, PROOF],
      [DISPROOF, DISPROOF],
    ]) {
      const { score } = of({ content });
      assert.ok(score >= 0 && score <= 1);
    }
  });
});

describe('candidates in order', () => {
  it('the best first, by name where they are equal', () => {
    const sorted = rank([
      of({ path: '/vm/z' }),
      of({ content: [DISPROOF] }),
      of({ path: '/vm/a' }),
      of({ content: [PROOF] }),
    ]);
    assert.deepEqual(
      sorted.map(({ path }) => path),
      ['/vm/x.qcow2', '/vm/a', '/vm/z', '/vm/x.qcow2'],
    );
  });

  it('none is certain where two are the same disk', () => {
    const both = rank([of({ path: '/vm/one', content: [PROOF] }), of({ path: '/vm/two', content: [PROOF] })]);
    assert.deepEqual(
      both.map(({ certainty }) => certainty),
      ['possible', 'possible'],
    );
    assert.match(both[0]?.evidence.at(-1)?.what ?? '', /two may be it as well/);
  });

  it('the better of two of the same disk is likely where it is clearly ahead', () => {
    const both = rank([of({ path: '/vm/one', content: [PROOF] }), of({ path: '/vm/base.qcow2', content: [PROOF] })]);
    assert.deepEqual(
      both.map(({ path, certainty }) => [path, certainty]),
      [
        ['/vm/base.qcow2', 'likely'],
        ['/vm/one', 'possible'],
      ],
    );
  });

  it('the only certain one stays so, whatever is likely beside it', () => {
    const all = rank([of({ path: '/vm/base.qcow2' }), of({ content: [PROOF] })]);
    assert.equal(all[0]?.certainty, 'certain');
    assert.equal(all[1]?.certainty, 'likely');
  });
});

describe('the file that a written name is about', () => {
  for (const [name, file] of [
    ['base.raw', 'base.raw'],
    ['/srv/vm/base.raw', 'base.raw'],
    ['C:\\VMs\\base.vhd', 'base.vhd'],
    ['json:{"driver":"raw","file":{"driver":"file","filename":"/a/base.raw"}}', 'base.raw'],
  ] as const) {
    it(name, () => {
      assert.equal(fileName(name), file);
    });
  }
});
