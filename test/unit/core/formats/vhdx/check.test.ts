import assert from 'node:assert/strict';
import type { CheckReport } from '../../../../../src/core';
import { Use } from '../../../../../src/core';
import { finish } from '../../../../../src/core/session';
import type { SparseImage } from '../../../../fixtures/build/index';
import { noise } from '../../../../fixtures/build/index';
import type { VhdxBlock, VhdxSpec } from '../../../../fixtures/build/vhdx';
import { buildVhdx, VHDX_PLACES } from '../../../../fixtures/build/vhdx';
import { le, MIB, openOne, PARENT_GUID } from './open';

const present: VhdxBlock = { is: 'present', bytes: noise(1, 4096) };
const state = (value: number, offset = 0): VhdxBlock => ({ is: 'state', state: value, offset });
const partial: VhdxBlock = { is: 'partial', sectors: new Map([[0, noise(2, 512)]]) };
const OTHER_GUID = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

function check(image: SparseImage): CheckReport {
  const job = openOne(image).layer.check?.();
  assert(job);
  return finish(job);
}

/** `code counts times` of all problems. */
const problems = (image: SparseImage): readonly string[] =>
  check(image).problems.map(({ code, counts, times }) => `${code} ${counts} ${times}`);

const dynamic = (...blocks: readonly VhdxBlock[]): VhdxSpec => ({
  size: blocks.length * MIB,
  blocks: new Map(blocks.entries()),
});

describe('the check of a VHDX', () => {
  it('tells what lies where', () => {
    const spec = { size: 2 * MIB, parent: { parent_linkage: PARENT_GUID, relative_path: 'b.vhdx' } };
    const region = { guid: OTHER_GUID, offset: 8 * MIB, length: MIB };
    const built = buildVhdx({
      ...spec,
      blocks: new Map<number, VhdxBlock>([
        [0, partial],
        [1, present],
      ]),
      regions: [region],
    });
    built.image.truncate(9 * MIB);
    const { file, counts } = check(built.image);
    const told = Array.from(file.use.subarray(0, file.count), (use, i) => [(file.start[i] ?? NaN) / MIB, use]);
    assert.deepEqual(told, [
      [0, Use.Header],
      [1, Use.Log],
      [2, Use.Header],
      [3, Use.BlockTables],
      [4, Use.Data],
      [5, Use.SectorBitmaps],
      [6, Use.Data],
      [7, Use.Free],
      [8, Use.Header],
    ]);
    assert.deepEqual([counts.totalClusters, counts.allocatedClusters, counts.corruptions], [2, 2, 0]);
  });

  it('counts as QEMU does blocks past the end, and over the log and the table of blocks', () => {
    assert.deepEqual(problems(buildVhdx(dynamic(present, state(6, 100), state(6, 100))).image), [
      'past-end corruption 2',
    ]);
    assert.deepEqual(problems(buildVhdx(dynamic(present, state(6, 3), state(6, 1))).image), [
      'claimed-twice corruption 1',
      'claimed-twice corruption 1',
    ]);
    assert.deepEqual(problems(buildVhdx(dynamic(present, state(6, 4), state(4))).image), [
      'entry further 1',
      'claimed-twice further 1',
    ]);
  });

  it('lets the last block end where the disk does', () => {
    const built = buildVhdx({ ...dynamic(present, present), size: MIB + 4096 });
    assert.deepEqual(problems(built.image.truncate(built.dataAt(1) + 4096)), []);
    assert.deepEqual(problems(built.image.truncate(built.dataAt(1) + 4095)), ['past-end corruption 1']);
  });

  it('tells of damaged copies, regions over one another, and a log that is to be replayed', () => {
    const { image } = buildVhdx(dynamic(present));
    assert.deepEqual(problems(image.poke(VHDX_PLACES.headers[0] + 9, [1])), ['header-copy further 1']);
    const regions = [{ guid: OTHER_GUID, offset: VHDX_PLACES.log, length: MIB }];
    assert.deepEqual(problems(buildVhdx({ ...dynamic(present), regions }).image), [
      'regions-overlap further 1',
      'claimed-twice corruption 1',
    ]);
    const log = { guid: OTHER_GUID, entries: [{ sequence: 1n, writes: [{ at: 100 * MIB, zeros: 4096 }] }] };
    assert.deepEqual(problems(buildVhdx({ ...dynamic(present), log }).image), ['log-replayed corruption 1']);
  });

  it('looks for the sector bitmap of each chunk, of many too, and past the end of a table that was cut off', () => {
    const blockSize = 256 * MIB;
    const parent = { parent_linkage: PARENT_GUID, relative_path: 'b.vhdx' };
    const spec = { size: 1100 * 16 * blockSize, blockSize, parent };
    const built = buildVhdx({ ...spec, blocks: new Map([[1099 * 16, partial]]) });
    assert.deepEqual(problems(built.image), []);
    built.image.poke(built.bitmapEntryAt(0), le(BigInt(built.dataAt(1099 * 16)) | 6n, 8));
    assert.deepEqual(problems(built.image), ['claimed-twice further 1']);
    const cut = buildVhdx(spec);
    const codes = problems(cut.image.truncate(cut.entryAt(100)));
    assert.ok(codes.includes('past-end corruption 1'), codes.join());
  });
});
