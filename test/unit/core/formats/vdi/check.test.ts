import assert from 'node:assert/strict';
import type { CheckReport } from '../../../../../src/core';
import { finish } from '../../../../../src/core';
import type { SparseImage } from '../../../../fixtures/build/index';
import { noise } from '../../../../fixtures/build/index';
import { buildVdi } from '../../../../fixtures/build/vdi';
import type { VdiBlock, VdiSpec } from '../../../../fixtures/build/vdi';
import { Use } from '../../../../../src/core/model';
import { MemoryDisk } from '../../../../support/memory';
import { openIn } from './open';

const KIB4 = 4096;
const u32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

const SPEC: VdiSpec = {
  size: 6 * KIB4,
  blockSize: KIB4,
  blocks: new Map<number, VdiBlock>([
    [0, noise(1, KIB4)],
    [2, noise(2, KIB4)],
    [3, 'discarded'],
    [5, noise(5, KIB4)],
  ]),
};
const DATA = 1024;

const check = (image: SparseImage): CheckReport => checkIn(new MemoryDisk().put('/a.vdi', image));

function checkIn(disk: MemoryDisk): CheckReport {
  const job = openIn(disk, '/a.vdi').layers[0]?.layer.check?.();
  assert(job);
  return finish(job);
}

/** `counts times code` of each problem. */
const problems = ({ problems: all }: CheckReport): readonly string[] =>
  all.map(({ counts, times, code }) => `${counts} ${times} ${code}`).sort();
const uses = ({ file }: CheckReport): readonly (readonly number[])[] =>
  Array.from({ length: file.count }, (_, i) => [file.start[i] ?? NaN, file.start[i + 1] ?? NaN, file.use[i] ?? NaN]);

describe('a check of a VDI', () => {
  it('finds nothing in one that is well, and tells what lies where', () => {
    const report = check(buildVdi(SPEC).image);
    assert.deepEqual(problems(report), []);
    assert.deepEqual(report.counts, {
      checkErrors: 0,
      corruptions: 0,
      leaks: 0,
      further: 0,
      imageEnd: DATA + 3 * KIB4,
      totalClusters: 6,
      allocatedClusters: 3,
      fragmentedClusters: 0,
      compressedClusters: 0,
    });
    assert.deepEqual(uses(report), [
      [0, 472, Use.Header],
      [472, 512, Use.Free],
      [512, 536, Use.L2],
      [536, DATA, Use.Free],
      [DATA, DATA + 3 * KIB4, Use.Data],
    ]);
  });

  it('counts what lies before each block as its own, and finds nothing in the oldest kind', () => {
    const report = check(buildVdi({ ...SPEC, blockExtra: 512 }).image);
    assert.deepEqual([problems(report), uses(report).at(-1)], [[], [DATA, DATA + 3 * (KIB4 + 512), Use.Data]]);
    assert.deepEqual(problems(check(buildVdi({ ...SPEC, version: 'first' }).image)), []);
  });

  it('finds a block that is claimed twice, and who claims it', () => {
    const { image, entryAt } = buildVdi(SPEC);
    const report = check(image.poke(entryAt(4), u32(1)).poke(388, u32(4)));
    assert.deepEqual(problems(report), ['corruption 1 claimed-twice']);
    const [problem] = report.problems;
    assert.deepEqual(problem?.host, { start: DATA + KIB4, end: DATA + 2 * KIB4 });
    assert.deepEqual(problem.claims, ['Block map entry 2', 'Block map entry 4']);
    assert.deepEqual(
      problem.guest.map(({ start }) => start / KIB4),
      [2, 4],
    );
  });

  it('finds an entry for more blocks than there are', () => {
    const { image, entryAt } = buildVdi(SPEC);
    assert.deepEqual(problems(check(image.poke(entryAt(4), u32(6)))), ['corruption 1 entry']);
  });

  it('finds a wrong count of blocks in the header', () => {
    const report = check(buildVdi(SPEC).image.poke(388, u32(4)));
    assert.deepEqual(problems(report), ['corruption 1 allocated-count']);
    assert.match(report.problems[0]?.message ?? '', /has 3 blocks.*says 4/);
  });

  it('finds blocks past the end, which QEMU does not look for, and those of them that are claimed twice, which it does', () => {
    const { image, entryAt } = buildVdi(SPEC);
    image.truncate(DATA + 2 * KIB4 + 100);
    assert.deepEqual(problems(check(image)), ['further 1 past-end']);
    image.poke(entryAt(4), u32(2)).poke(388, u32(4));
    assert.deepEqual(problems(check(image)), ['corruption 1 claimed-twice', 'further 2 past-end']);
  });

  it('counts entries behind the end of the disk as QEMU does', () => {
    const { image, entryAt } = buildVdi(SPEC);
    image.poke(384, u32(8)).poke(entryAt(6), u32(0)).poke(entryAt(7), u32(9)).poke(388, u32(4));
    assert.deepEqual(problems(check(image)), ['corruption 1 claimed-twice', 'corruption 1 entry']);
  });

  it('tells what the header has that VirtualBox would refuse, once', () => {
    const { image } = buildVdi(SPEC);
    assert.deepEqual(problems(check(image.poke(76, u32(9)))), ['further 1 image-type']);
    assert.deepEqual(problems(check(buildVdi(SPEC).image.poke(388, u32(7)))), ['corruption 1 allocated-count']);
    assert.deepEqual(problems(check(buildVdi({ ...SPEC, size: 6 * KIB4 - 100 }).image)), []);
  });

  it('takes no data that begins in the map for claimed by both', () => {
    const { image } = buildVdi(SPEC);
    assert.deepEqual(problems(check(image.poke(344, u32(512)))), ['further 1 data-offset']);
    assert.deepEqual(
      problems(check(buildVdi(SPEC).image.poke(340, u32(0)).poke(344, u32(0)))).includes('further 1 map-offset'),
      true,
    );
  });

  it('tells once of a map that can not be read, and takes no fault of the program for that', () => {
    // Far behind what is looked at to know the format.
    const { image, entryAt } = buildVdi({ ...SPEC, mapOffset: 2 ** 20 });
    const bytes = { bytes: image, failsFrom: entryAt(0) };
    assert.deepEqual(problems(checkIn(new MemoryDisk().put('/a.vdi', bytes))), ['error 1 table-unreadable']);
    const peek = (offset: number, length: number): Uint8Array => {
      if (offset + length > entryAt(0)) throw new TypeError('a fault of the program');
      return image.peek(offset, length);
    };
    const faulty = new MemoryDisk().put('/a.vdi', { bytes: { size: image.size, peek } });
    assert.throws(() => checkIn(faulty), TypeError);
  });

  it('tells once of a map that was cut short', () => {
    const { image, entryAt } = buildVdi(SPEC);
    assert.deepEqual(problems(check(image.truncate(entryAt(0) + 2))), ['further 1 past-end']);
  });
});
