import assert from 'node:assert/strict';
import type { CheckProblem } from '../../../src/core/model';
import { checkProblems } from '../../../src/extension/checkProblems';
import { comparisonResult } from '../../../src/extension/work/comparisonWords';

const VIEWS = [
  { id: '', name: '', guestSize: 0 },
  { id: '3', name: 'clean', guestSize: 0 },
];

const told = (problems: readonly Partial<CheckProblem>[], untold = 0): ReturnType<typeof checkProblems> =>
  checkProblems(
    {
      counts: undefined as never,
      problems: problems.map((problem) => ({
        code: 'c',
        severity: 'info',
        message: 'm',
        counts: 'further',
        times: 1,
        claims: [],
        guest: [],
        ...problem,
      })),
      untold,
      fileEnd: 0,
      uses: [],
    },
    VIEWS,
  );

describe('the problems that a check lists', () => {
  it('say so where they touch more places than are listed', () => {
    const guest = [{ view: '', start: 0, end: 512 }];
    const details = (guestPlaces?: number): unknown => told([{ guest, guestPlaces }])[0]?.details;
    assert.deepEqual(details(), ['Touches guest bytes 0x0 – 0x200']);
    assert.deepEqual(details(1234), [
      'Touches guest bytes 0x0 – 0x200',
      'These are the first 1 of 1,234 places that were found; no others are marked on the map',
    ]);
  });

  it('say who claims the place and which of the guest’s bytes it touches, in which state', () => {
    const [problem] = told([
      {
        host: { start: 65_536, end: 131_072 },
        claims: ['L2 entry 5 of L1 entry 0'],
        guest: [
          { view: '', start: 0x1_0000, end: 0x2_0000 },
          { view: '3', start: 0, end: 512 },
          { view: '9', start: 0, end: 512 },
        ],
      },
    ]);
    assert.equal(problem?.offset, 65_536);
    assert.deepEqual(problem.details, [
      'Claimed by L2 entry 5 of L1 entry 0',
      'Touches guest bytes 0x1_0000 – 0x2_0000',
      'Touches guest bytes 0x0 – 0x200 of snapshot “clean”',
      'Touches guest bytes 0x0 – 0x200 of snapshot “9”',
    ]);
  });

  it('end with a line for those that are not listed', () => {
    assert.deepEqual(
      told([{}], 4321).map(({ message }) => message),
      ['m', '4,321 more problems are not listed'],
    );
    assert.deepEqual(
      told([], 1).map(({ message }) => message),
      ['1 more problem is not listed'],
    );
  });
});

describe('the result of a comparison in words', () => {
  const other = { path: '/vm/web01.img', view: '', viewName: '' };

  it('is how much differs, in how many ranges', () => {
    assert.equal(
      comparisonResult({ ...other, ranges: 17, bytes: 3 * 2 ** 20, unknown: 0 }),
      'Differs from web01.img: 3 MiB in 17 ranges',
    );
    assert.equal(
      comparisonResult({ ...other, view: '1', viewName: 'clean', ranges: 1, bytes: 512, unknown: 1024 }),
      'Differs from clean in web01.img: 512 bytes in 1 range; 1 KiB could not be compared',
    );
  });

  it('calls identical only what could be compared whole', () => {
    assert.equal(comparisonResult({ ...other, ranges: 0, bytes: 0, unknown: 0 }), 'Identical to web01.img');
    assert.equal(
      comparisonResult({ ...other, ranges: 0, bytes: 0, unknown: 512 }),
      'No difference found to web01.img; 512 bytes could not be compared',
    );
  });
});
