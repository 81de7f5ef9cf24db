import assert from 'node:assert/strict';
import type { CheckReport, Job } from '../../../../../src/core';
import { DiskError, hostOffset, Kind, Use } from '../../../../../src/core';
import type { BlockMap, Blocks } from '../../../../../src/core/formats/blocks/blockMap';
import { MIXED } from '../../../../../src/core/formats/blocks/blockMap';
import type { CheckedFile, Structure } from '../../../../../src/core/formats/check';
import { checkBlocks } from '../../../../../src/core/formats/check';

const BLOCK = 4096;
/** A header of one block and a table of one block. */
const STRUCTURES: readonly Structure[] = [
  { what: 'the header', start: 0, end: BLOCK, use: Use.Header },
  { what: 'the table', start: BLOCK, end: 2 * BLOCK, use: Use.BlockTables },
];

/** What a table of these tests says of a block: where it is, and of which kind. */
type Entry = number | { readonly host: number; readonly kind: number; readonly length?: number } | 'broken' | undefined;

function blocksOf(entries: readonly Entry[], unreadableFrom = Infinity): Blocks {
  const kindOf = (entry: Entry): number => {
    if (entry === undefined) return Kind.Absent;
    return entry === 'broken' ? Kind.Invalid : typeof entry === 'number' ? Kind.Data : entry.kind;
  };
  const hostOf = (entry: Entry): number =>
    typeof entry === 'object' ? entry.host : typeof entry === 'number' ? entry : -1;
  const map: BlockMap = {
    blockSize: BLOCK,
    perReading: 4,
    tell: (first, most) => {
      if (first >= unreadableFrom) throw new DiskError('io', 'reading failed', { offset: 77 });
      const told = entries.slice(first, Math.min(first + most, unreadableFrom, first + 3));
      return { count: told.length, kinds: Uint8Array.from(told, kindOf), hosts: Float64Array.from(told, hostOf) };
    },
    lookups: (block) => [
      { table: 'table', index: block, entryOffset: hostOffset(BLOCK + block * 4), entry: '0x0000000f', flags: [] },
    ],
  };
  return {
    size: entries.length * BLOCK,
    blockSize: BLOCK,
    dataEnd: Infinity,
    open: () => map,
    readData: () => assert.fail('a check reads no data'),
    compressedLength: (_host, block) => {
      const entry = entries[block];
      return (typeof entry === 'object' ? entry.length : undefined) ?? assert.fail();
    },
    close: () => undefined,
  };
}

function finished(job: Job<CheckReport>): CheckReport {
  let before = 0;
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
    assert.ok(step.value.done >= before && step.value.done <= step.value.total);
    before = step.value.done;
  }
}

function check(
  entries: readonly Entry[],
  { room, unreadableFrom, ...file }: Partial<CheckedFile> & { room?: number; unreadableFrom?: number } = {},
): CheckReport {
  return finished(
    checkBlocks(
      {
        size: 8 * BLOCK,
        blocks: blocksOf(entries, unreadableFrom),
        structures: () => STRUCTURES,
        unreferred: 'leaked',
        ...file,
      },
      room === undefined ? undefined : { claims: room, windows: 32 },
    ),
  );
}

const uses = ({ file }: CheckReport): (readonly [end: number, use: number])[] =>
  Array.from(file.use, (use, i) => [(file.start[i + 1] ?? 0) / BLOCK, use] as const);
const problemsOf = ({ problems }: CheckReport) =>
  problems.map(({ code, counts, times, host }) => ({ code, counts, times, host }));

const SOUND = [2, 3, undefined, 5, 4, 6, 7].map((at) => (at === undefined ? at : at * BLOCK));

describe('the check of blocks', () => {
  it('finds nothing in a sound file, and tells how it is laid out', () => {
    const report = check(SOUND);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.counts, {
      checkErrors: 0,
      corruptions: 0,
      leaks: 0,
      further: 0,
      imageEnd: 8 * BLOCK,
      totalClusters: 7,
      allocatedClusters: 6,
      // Block 3 does not lie behind block 1, 4 not behind 3, 5 not behind 4.
      fragmentedClusters: 3,
      compressedClusters: 0,
    });
    assert.deepEqual(uses(report), [
      [1, Use.Header],
      [2, Use.BlockTables],
      [8, Use.Data],
    ]);
  });

  it('counts fragments anew in each table where the format does', () => {
    assert.equal(check(SOUND, { blocksPerTable: 4 }).counts.fragmentedClusters, 2);
  });

  it('counts what is in the file, and fragments between neighbours, where the format does', () => {
    // Between 1 and 3 is nothing; 9 is past the end of the file, and so no neighbour of 4.
    const entries = [2, 3, undefined, 5, 4, 9, 7, 6, 'broken' as const].map((at) =>
      typeof at === 'number' ? at * BLOCK : at,
    );
    const { counts } = check(entries, { countsInFile: true });
    assert.deepEqual([counts.allocatedClusters, counts.fragmentedClusters, counts.further], [6, 2, 2]);
  });

  it('tells a block that two entries claim, with both and what they hold', () => {
    const report = check(
      [2, 3, 3, 5, 4, 6, 7].map((at) => at * BLOCK),
      { corruptions: ['claimed-twice'] },
    );
    const [problem] = report.problems;
    assert.deepEqual(problemsOf(report), [
      { code: 'claimed-twice', counts: 'corruption', times: 1, host: { start: 3 * BLOCK, end: 4 * BLOCK } },
    ]);
    assert.deepEqual(problem?.claims, ['table entry 1', 'table entry 2']);
    assert.deepEqual(problem.guest, [{ view: '', start: BLOCK, end: 3 * BLOCK }]);
    assert.deepEqual(uses(report), [
      [1, Use.Header],
      [2, Use.BlockTables],
      [3, Use.Data],
      [4, Use.Contested],
      [8, Use.Data],
    ]);
    assert.equal(report.counts.corruptions, 1);
  });

  it('tells a block that lies in a table, which QEMU does not look for', () => {
    const report = check([1.5 * BLOCK, 3 * BLOCK, undefined, 4 * BLOCK, 5 * BLOCK, 6 * BLOCK, 7 * BLOCK]);
    assert.deepEqual(problemsOf(report), [
      { code: 'claimed-twice', counts: 'further', times: 1, host: { start: 1.5 * BLOCK, end: 2 * BLOCK } },
      { code: 'leak', counts: 'leak', times: 1, host: { start: 2.5 * BLOCK, end: 3 * BLOCK } },
    ]);
    assert.deepEqual(report.problems[0]?.claims, ['the table', 'table entry 0']);
    assert.match(report.problems[1]?.advice ?? '', /Free nothing/);
    assert.deepEqual([report.counts.further, report.counts.corruptions], [1, 0]);
  });

  it('tells once of what is past the end, however often it goes through the tables', () => {
    const entries = [7, 2, 9, 3, 5, 4, 6].map((at) => at * BLOCK);
    for (const room of [64, 3]) {
      const { problems, counts } = check(entries, { room });
      assert.deepEqual(
        problems.map(({ code, times, guest }) => [code, times, guest]),
        [['past-end', 1, [{ view: '', start: 2 * BLOCK, end: 3 * BLOCK }]]],
        `room ${room}`,
      );
      assert.equal(counts.imageEnd, 8 * BLOCK);
    }
  });

  it('counts each claim too many, whatever the order of the claims and the room', () => {
    const entries = [7, 2, 3, 7, 4, 5, 7, 6, 2].map((at) => at * BLOCK);
    for (const room of [64, 6, 4]) {
      const report = check(entries, { room, corruptions: ['claimed-twice'] });
      assert.equal(report.counts.corruptions, 3, `room ${room}`);
      assert.deepEqual(
        report.problems.map(({ times, claims }) => [times, claims.length]),
        [
          [1, 2],
          [2, 3],
        ],
      );
      assert.deepEqual(
        report.problems[1]?.guest.map(({ start }) => start / BLOCK),
        [0, 3, 6],
      );
    }
  });

  it('tells entries that can not be true, those in a row at once', () => {
    const entries = [2 * BLOCK, 'broken', 'broken', 3 * BLOCK, 'broken'] as const;
    const report = check(entries, { unreferred: 'free', corruptions: ['entry'] });
    assert.deepEqual(
      report.problems.map(({ code, counts, times, offset, claims, guest }) => [
        code,
        counts,
        times,
        offset,
        claims,
        guest,
      ]),
      [
        ['entry', 'corruption', 2, BLOCK + 4, ['table entry 1'], [{ view: '', start: BLOCK, end: 3 * BLOCK }]],
        ['entry', 'corruption', 1, BLOCK + 16, ['table entry 4'], [{ view: '', start: 4 * BLOCK, end: 5 * BLOCK }]],
      ],
    );
    assert.match(report.problems[0]?.message ?? '', /2 entries.*0x0000000f/);
    assert.deepEqual([report.counts.corruptions, report.counts.allocatedClusters], [3, 5]);
  });

  it('tells blocks and tables past the end of the file, which claim nothing', () => {
    const late = { what: 'a table', start: 9 * BLOCK, end: 10 * BLOCK, use: Use.BlockTables };
    const structures = () => [...STRUCTURES, { ...late, from: { start: 8, end: 16 }, maps: { start: 0, end: 4096 } }];
    const entries = [2 * BLOCK, 7.5 * BLOCK, 9 * BLOCK, 9 * BLOCK];
    const report = check(entries, { structures, unreferred: 'free', corruptions: ['past-end'] });
    assert.deepEqual(problemsOf(report), [
      { code: 'past-end', counts: 'corruption', times: 1, host: { start: 8, end: 16 } },
      { code: 'past-end', counts: 'corruption', times: 3, host: { start: BLOCK + 4, end: BLOCK + 8 } },
    ]);
    assert.deepEqual(report.problems[0]?.guest, [{ view: '', start: 0, end: 4096 }]);
    assert.equal(report.counts.imageEnd, 3 * BLOCK);
    assert.deepEqual(uses(report).at(-1), [8, Use.Free]);
  });

  it('takes a block that only begins in the file where the format may end it early', () => {
    const report = check([7.5 * BLOCK], { unreferred: 'free', mayEndEarly: true });
    assert.deepEqual(report.problems, []);
    assert.deepEqual(uses(report).slice(-2), [
      [7.5, Use.Free],
      [8, Use.Data],
    ]);
  });

  it('tells what nothing refers to: all of it, what is at the end, or not at all', () => {
    const entries = [2 * BLOCK, 4 * BLOCK];
    const leaks = (unreferred: CheckedFile['unreferred']) =>
      check(entries, { unreferred }).problems.map(({ host, times }) => [host?.start, times]);
    assert.deepEqual(leaks('leaked'), [
      [3 * BLOCK, 1],
      [5 * BLOCK, 3],
    ]);
    assert.deepEqual(leaks('leaked-at-end'), [[5 * BLOCK, 3]]);
    assert.deepEqual(leaks('free'), []);
  });

  it('counts what lies in front of a block as its own, and compressed blocks by their length', () => {
    const entries = [
      2 * BLOCK + 512,
      { host: 4 * BLOCK, kind: Kind.Compressed, length: 700 },
      { host: 5 * BLOCK, kind: MIXED },
      { host: 6.5 * BLOCK, kind: Kind.ZeroAllocated },
    ];
    const report = check(entries, { lead: 512, unreferred: 'free' });
    const sector = (bytes: number): number => bytes / BLOCK;
    assert.deepEqual(uses(report).slice(2), [
      [sector(3 * BLOCK + 512), Use.Data],
      [sector(4 * BLOCK - 512), Use.Free],
      [sector(4 * BLOCK + 700), Use.Compressed],
      [sector(5 * BLOCK - 512), Use.Free],
      [6, Use.Data],
      [sector(6.5 * BLOCK - 512), Use.Free],
      [7.5, Use.Preallocated],
      [8, Use.Free],
    ]);
    assert.deepEqual([report.counts.allocatedClusters, report.counts.compressedClusters], [4, 1]);
  });

  it('tells no leaks where a table can not be read, since what that refers to is not known', () => {
    const report = check([2 * BLOCK, 3 * BLOCK, undefined, undefined, undefined, 5 * BLOCK, 6 * BLOCK], {
      unreadableFrom: 4,
    });
    assert.deepEqual(
      report.problems.map(({ code, counts, guest }) => [code, counts, guest]),
      [['table-unreadable', 'error', [{ view: '', start: 4 * BLOCK, end: 7 * BLOCK }]]],
    );
    assert.deepEqual([report.counts.checkErrors, report.counts.leaks], [1, 0]);
  });

  it('says so where it breaks off, and up to where the file is told', () => {
    const report = check(new Array<number>(20).fill(3 * BLOCK), { room: 4 });
    assert.deepEqual(
      report.problems.map(({ code, counts }) => [code, counts]),
      [['check-incomplete', 'error']],
    );
    assert.equal(report.counts.imageEnd, undefined);
    assert.deepEqual(uses(report), [
      [1, Use.Header],
      [2, Use.BlockTables],
      [3, Use.Free],
      [8, Use.Unknown],
    ]);
  });

  it('finds a file in the host space of several', () => {
    const base = 2 ** 28;
    const report = check(
      SOUND.map((at) => (at === undefined ? at : at + base)),
      { base },
    );
    assert.deepEqual([report.problems, report.counts.imageEnd], [[], 8 * BLOCK]);
  });

  it('tells of an empty file that all is past its end', () => {
    const report = check([2 * BLOCK, undefined, 3 * BLOCK], { size: 0, unreferred: 'leaked' });
    // Both structures, and two blocks that are no neighbours.
    assert.deepEqual(
      report.problems.map(({ code, counts, times }) => [code, counts, times]),
      Array.from({ length: 4 }, () => ['past-end', 'further', 1]),
    );
    assert.deepEqual([report.counts.imageEnd, report.counts.leaks, report.file.count], [0, 0, 0]);
  });

  it('lets nothing be claimed by what has no length, or by a block that has no place', () => {
    const empty = { what: 'the padding', start: 4 * BLOCK, end: 4 * BLOCK, use: Use.BlockTables };
    const report = check([2 * BLOCK, { host: 2 * BLOCK, kind: Kind.Zero }], {
      structures: () => [...STRUCTURES, empty],
      unreferred: 'free',
    });
    assert.deepEqual(report.problems, []);
    assert.equal(report.counts.allocatedClusters, 1);
    assert.deepEqual(uses(report).slice(2), [
      [3, Use.Data],
      [8, Use.Free],
    ]);
  });

  it('looks for those who claim a part twice among what is in the file', () => {
    const late = { what: 'a late table', start: 7 * BLOCK, end: 9 * BLOCK, use: Use.BlockTables };
    const report = check([2 * BLOCK, 2 * BLOCK, 9 * BLOCK], {
      structures: () => [...STRUCTURES, undefined, late],
      unreferred: 'free',
    });
    assert.deepEqual(
      report.problems.map(({ code, claims }) => [code, claims]),
      [
        ['past-end', []],
        ['past-end', ['table entry 2']],
        ['claimed-twice', ['table entry 0', 'table entry 1']],
      ],
    );
  });

  it('tells the first of very many who claim one part, and how many places of the disk that touches', () => {
    const many = 5000;
    // Every second block, so that no two places of the disk meet.
    const entries = Array.from({ length: many * 2 }, (_, i) => (i % 2 === 0 ? 3 * BLOCK : undefined));
    const tables = Array.from({ length: 20 }, (_, i) => ({
      what: `table ${i}`,
      start: 3 * BLOCK,
      end: 4 * BLOCK,
      use: Use.L2,
    }));
    const [problem] = check(entries, { structures: () => [...STRUCTURES, ...tables], unreferred: 'free' }).problems;
    assert.equal(problem?.times, many + 20 - 1);
    assert.deepEqual(
      problem.claims,
      Array.from({ length: 16 }, (_, i) => `table ${i}`),
    );
    assert.deepEqual([problem.guest.length, problem.guestPlaces], [16, 4096]);
    assert.deepEqual(problem.guest[15], { view: '', start: 30 * BLOCK, end: 31 * BLOCK });
  });

  it('goes on without the entries of a block where these can not be read', () => {
    const blocks = blocksOf([2 * BLOCK, 'broken', 2 * BLOCK]);
    const withLookups = (error: Error): Blocks => {
      const lookups = (): never => {
        throw error;
      };
      return { ...blocks, open: (random, bytes) => ({ ...blocks.open(random, bytes), lookups }) };
    };
    const report = check([], { blocks: withLookups(new DiskError('io', 'reading failed')), unreferred: 'free' });
    assert.deepEqual(
      report.problems.map(({ code, claims, offset }) => [code, claims, offset]),
      [
        ['entry', [], undefined],
        ['claimed-twice', ['block 0', 'block 2'], 2 * BLOCK],
      ],
    );
    assert.throws(() => check([], { blocks: withLookups(new TypeError('a fault of the program')) }), TypeError);
  });

  it('takes no fault of the program for a table that can not be read', () => {
    const blocks = blocksOf([2 * BLOCK]);
    const tell = (): never => {
      throw new TypeError('a fault of the program');
    };
    const faulty: Blocks = { ...blocks, open: (random, bytes) => ({ ...blocks.open(random, bytes), tell }) };
    assert.throws(() => check([], { blocks: faulty }), TypeError);
  });

  describe('of blocks that are told as one, in a row', () => {
    /** `count` blocks that lie in the file from block 4 of it on, after one that is told by itself. */
    const row = (count: number, before: number): Blocks => {
      const blocks = blocksOf([before, ...Array.from({ length: count }, (_, i) => (4 + i) * BLOCK)]);
      const open: Blocks['open'] = (random, bytes) => {
        const map = blocks.open(random, bytes);
        const tell: BlockMap['tell'] = (first, most) =>
          first === 0
            ? map.tell(0, 1)
            : { count: Math.min(most, count + 1 - first), kind: Kind.Data, host: (3 + first) * BLOCK };
        return { ...map, tell };
      };
      return { ...blocks, open };
    };

    it('tells those that are past the end of the file, and counts the others where the format does', () => {
      for (const [countsInFile, allocated] of [
        [true, 5],
        [false, 7],
      ] as const) {
        const report = check([], { blocks: row(6, 2 * BLOCK), countsInFile, unreferred: 'free' });
        assert.deepEqual(problemsOf(report), [
          { code: 'past-end', counts: 'further', times: 2, host: { start: BLOCK + 5 * 4, end: BLOCK + 6 * 4 } },
        ]);
        assert.equal(report.counts.allocatedClusters, allocated);
      }
    });

    it('finds the one that another claims, and those of several', () => {
      const [one] = check([], { blocks: row(4, 6 * BLOCK), unreferred: 'free' }).problems;
      assert.deepEqual(one?.claims, ['table entry 0', 'table entry 3']);
      assert.deepEqual(
        one.guest.map(({ start, end }) => [start / BLOCK, end / BLOCK]),
        [
          [0, 1],
          [3, 4],
        ],
      );
      // Half of block 5 of the file, and half of block 6.
      const [two] = check([], { blocks: row(4, 5.5 * BLOCK), unreferred: 'free' }).problems;
      assert.deepEqual(two?.claims, ['table entry 0', 'table entry 2', 'table entry 3']);
    });
  });

  it('takes what the format alone has to say', () => {
    const report = check(SOUND, {
      also: (notes) => {
        notes.add('further', 1, 'checksum', () => ({ message: 'a checksum is wrong', claims: [], guest: [] }));
      },
    });
    assert.deepEqual(problemsOf(report), [{ code: 'checksum', counts: 'further', times: 1, host: undefined }]);
  });
});
