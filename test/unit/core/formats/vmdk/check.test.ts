import assert from 'node:assert/strict';
import type { ChainLayer, CheckReport } from '../../../../../src/core';
import { finish } from '../../../../../src/core';
import { Use } from '../../../../../src/core/model';
import { noise } from '../../../../fixtures/build/index';
import type { HostedSpec } from '../../../../fixtures/build/vmdk';
import { buildHosted, descriptor, extentLine, GRAIN, le32, le64 } from '../../../../fixtures/build/vmdk';
import { buildSeSparse } from '../../../../fixtures/build/vmdkEsx';
import { MemoryDisk } from '../../../../support/memory';
import { leafOf, openOne } from './open';

const SECTOR = 512;
const SPEC: HostedSpec = {
  size: 64 * GRAIN,
  grains: new Map([3, 4, 9].map((grain) => [grain, noise(grain, GRAIN)])),
  descriptor: descriptor({ createType: 'monolithicSparse', extents: [extentLine(64 * GRAIN, 'SPARSE', 'a.vmdk')] }),
};

function check({ layer }: ChainLayer): CheckReport {
  const job = layer.check?.();
  assert(job);
  return finish(job);
}

/** `code counts times` of each problem. */
const problemsOf = ({ problems }: CheckReport): readonly string[] =>
  problems.map(({ code, counts, times }) => `${code} ${counts} ${times}`);

/** `[start, end, use]` of the file. */
const usesOf = ({ file: { count, start, use } }: CheckReport): readonly unknown[] =>
  Array.from({ length: count }, (_, i) => [start[i], start[i + 1], use[i]]);

describe('a check of a VMware disk', () => {
  it('of a whole one finds nothing, and tells what lies where', () => {
    const { image, redundantAt = 0, directoryAt, tableAt, grainAt } = buildHosted(SPEC);
    const report = check(openOne(image));
    assert.deepEqual(problemsOf(report), []);
    assert.deepEqual(usesOf(report), [
      [0, redundantAt, Use.Header],
      [redundantAt, redundantAt + 4, Use.Copies],
      [redundantAt + 4, redundantAt + SECTOR, Use.Free],
      [redundantAt + SECTOR, directoryAt, Use.Copies],
      [directoryAt, directoryAt + 4, Use.BlockTables],
      [directoryAt + 4, tableAt(0), Use.Free],
      [tableAt(0), tableAt(0) + 2048, Use.BlockTables],
      [tableAt(0) + 2048, grainAt(3), Use.Free],
      [grainAt(3), image.size, Use.Data],
    ]);
    const { totalClusters, allocatedClusters, fragmentedClusters } = report.counts;
    assert.deepEqual([totalClusters, allocatedClusters, fragmentedClusters], [64, 3, 0]);
  });

  it('counts as corruption what qemu-img does: grains that begin past the end', () => {
    const { image, tableAt, grainAt } = buildHosted(SPEC);
    image.truncate((grainAt(9) ?? 0) + SECTOR);
    assert.deepEqual(problemsOf(check(openOne(image))), [], 'one that merely ends early');
    image.poke(tableAt(0) + 5 * 4, le32(0x00ffffff));
    const report = check(openOne(image));
    assert.deepEqual(problemsOf(report), ['copies-differ further 1', 'past-end corruption 1']);
    assert.deepEqual(report.problems[1]?.guest, [{ view: '', start: 5 * GRAIN, end: 6 * GRAIN }]);
  });

  it('finds what is claimed twice, and by whom', () => {
    const { image, tableAt, redundantAt = 0, grainAt } = buildHosted(SPEC);
    const tables = [tableAt(0), redundantAt + SECTOR];
    for (const table of tables) image.poke(table + 5 * 4, le32((grainAt(9) ?? 0) / SECTOR));
    const grains = check(openOne(image));
    assert.deepEqual(problemsOf(grains), ['claimed-twice further 1']);
    assert.deepEqual(grains.problems[0]?.claims, [
      'grain table entry 5, grain directory entry 0',
      'grain table entry 9, grain directory entry 0',
    ]);
    // From sector 1 on, where the descriptor is, over all tables and into the first grain.
    for (const table of tables) image.poke(table + 5 * 4, le32(1));
    const overlapping = 'grain table entry 5, grain directory entry 0';
    const { problems } = check(openOne(image));
    assert.deepEqual(
      problems.map(({ claims }) => claims.filter((claim) => claim !== overlapping).sort()),
      [
        ['the descriptor', 'the other grain directory'],
        ['the grain directory', 'the other grain table at directory entry 0'],
        ['the grain table at directory entry 0'],
        ['grain table entry 3, grain directory entry 0'],
      ],
    );
  });

  it('compares both copies of the tables', () => {
    const { image, tableAt, redundantAt = 0 } = buildHosted(SPEC);
    image.poke(redundantAt + SECTOR + 3 * 4, le32(0)).poke(redundantAt + SECTOR + 9 * 4, le32(0));
    const report = check(openOne(image));
    assert.deepEqual(problemsOf(report), ['copies-differ further 1']);
    assert.match(report.problems[0]?.message ?? '', /^2 entries of the grain table at directory entry 0/);
    image.poke(tableAt(0) + 3 * 4, le32(0)).poke(tableAt(0) + 9 * 4, le32(0));
    assert.deepEqual(problemsOf(check(openOne(image))), []);
  });

  it('compares them table by table, and says what of the disk is mapped there', () => {
    const span = 512 * GRAIN;
    const size = 2 * span + 3 * GRAIN;
    const { image, redundantAt = 0 } = buildHosted({ size, grains: new Map([[0, noise(1, GRAIN)]]) });
    // The directory takes a sector, and each table four.
    const [second, third] = [redundantAt + 5 * SECTOR, redundantAt + 9 * SECTOR];
    image
      .poke(second + 7 * 4, le32(1))
      .poke(third, le32(1))
      .poke(third + 8, le32(1));
    const { problems } = check(openOne(image));
    assert.deepEqual(
      problems.map(({ code, message, guest }) => [code, /^.* at directory entry \d/.exec(message)?.[0], guest]),
      [
        [
          'copies-differ',
          'an entry of the grain table at directory entry 1',
          [{ view: '', start: span, end: 2 * span }],
        ],
        [
          'copies-differ',
          '2 entries of the grain table at directory entry 2',
          [{ view: '', start: 2 * span, end: size }],
        ],
      ],
    );
  });

  it('looks at what markers say', () => {
    const { image, grainAt } = buildHosted({ ...SPEC, compressed: 'markers' });
    assert.deepEqual(problemsOf(check(openOne(image))), []);
    image.poke(grainAt(3) ?? 0, le64(4n * 128n)).poke((grainAt(4) ?? 0) + 8, le32(0));
    const report = check(openOne(image));
    assert.deepEqual(problemsOf(report), ['grain-marker further 1', 'grain-length further 1']);
    assert.match(report.problems[0]?.message ?? '', /of sector 512 of the disk, and is taken for sector 384/);
  });

  it('finds directories that lead nowhere', () => {
    const grains = new Map([[0, noise(1, 4096)]]);
    const { image, directoryAt } = buildSeSparse({ size: 40 * 2 ** 20, grains });
    image.poke(directoryAt + 8, le64(1n)).poke(directoryAt + 16, le64(0x1000000000ffffffn));
    assert.deepEqual(problemsOf(check(openOne(image))), ['entry corruption 1', 'past-end further 1']);
    const small = buildSeSparse({ size: 2 ** 20, grains }).image;
    // 2 GiB, of which a directory of one sector can tell 1 GiB.
    assert.deepEqual(problemsOf(check(openOne(small.poke(16, le64(2n ** 22n))))), ['directory-too-small corruption 1']);
  });

  it('tells no more than the first of many, and counts all', () => {
    const tables = 1000;
    const size = tables * 512 * GRAIN;
    const { image, directoryAt } = buildHosted({ size, grains: new Map(), redundant: false });
    for (let i = 0; i < tables; i += 1) image.poke(directoryAt + i * 4, le32(0x7fffff00));
    const report = check(openOne(image));
    assert.equal(report.counts.further, tables);
    assert.equal(report.problems.length, 250);
  });

  it('goes on where a table, a marker or a directory can not be read, and says so', () => {
    const built = buildHosted({ ...SPEC, compressed: 'markers' });
    const failing = (failsFrom: number): readonly string[] =>
      problemsOf(check(openOne({ bytes: built.image, failsFrom })));
    assert.deepEqual(failing(built.tableAt(0)), ['table-unreadable error 1']);
    // The redundant directory is whole.
    assert.deepEqual(
      failing(built.directoryAt),
      Array.from({ length: 3 }, () => 'marker-unreadable error 1'),
    );
    const plain = buildHosted(SPEC);
    assert.deepEqual(problemsOf(check(openOne({ bytes: plain.image, failsFrom: plain.redundantAt ?? 0 }))), [
      'table-unreadable error 1',
    ]);
  });

  it('goes through all extents, and says of which it speaks', () => {
    const extents = [
      extentLine(SPEC.size, 'SPARSE', 'b.vmdk'),
      extentLine(SECTOR, 'ZERO'),
      extentLine(SPEC.size, 'SPARSE', 'c.vmdk'),
      extentLine(SECTOR, 'FLAT', 'd', 5),
      extentLine(SECTOR, 'FLAT', 'not-there', 0),
    ];
    const text = new TextEncoder().encode(descriptor({ createType: 'custom', extents }));
    const second = buildHosted(SPEC);
    second.image.truncate(second.grainAt(9) ?? 0);
    const files = new MemoryDisk().put('/a.vmdk', text).put('/b.vmdk', buildHosted(SPEC).image);
    files.put('/c.vmdk', second.image).put('/d', new Uint8Array(SECTOR));
    const report = check(leafOf(files, '/a.vmdk'));
    assert.deepEqual(problemsOf(report), [
      'check-incomplete error 1',
      'past-end corruption 1',
      'past-end corruption 1',
    ]);
    const start = SPEC.size + SECTOR;
    assert.match(report.problems[1]?.message ?? '', /^extent 3 of 5 "c.vmdk" \(4 MiB\): a grain at /);
    assert.deepEqual(
      report.problems.map(({ guest }) => guest),
      [
        [],
        [{ view: '', start: start + 9 * GRAIN, end: start + 10 * GRAIN }],
        [{ view: '', start: start + SPEC.size, end: start + SPEC.size + SECTOR }],
      ],
    );
    assert.deepEqual(
      [report.counts.corruptions, report.counts.checkErrors, report.counts.allocatedClusters],
      [2, 1, 6],
    );
    assert.deepEqual(usesOf(report), [[0, text.length, Use.Header]]);
  });

  it('says of which extent it speaks where there is no place in its file to name', () => {
    const extents = [extentLine(SPEC.size, 'SPARSE', 'b.vmdk'), extentLine(SECTOR, 'FLAT', 'd', 0)];
    const text = new TextEncoder().encode(descriptor({ createType: 'custom', extents }));
    const { image, redundantAt = 0 } = buildHosted(SPEC);
    const files = new MemoryDisk().put('/a.vmdk', text).put('/d', new Uint8Array(SECTOR));
    files.put('/b.vmdk', image.poke(redundantAt + SECTOR + 3 * 4, le32(0)));
    const report = check(leafOf(files, '/a.vmdk'));
    assert.deepEqual(problemsOf(report), ['copies-differ further 1']);
    assert.match(report.problems[0]?.message ?? '', /^extent 1 of 2 "b.vmdk" .*: an entry of .* are not the same$/);
  });
});
