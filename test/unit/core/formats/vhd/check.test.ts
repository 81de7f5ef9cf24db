import assert from 'node:assert/strict';
import type { CheckReport } from '../../../../../src/core';
import { finish, openChain, Use } from '../../../../../src/core';
import type { SparseImage } from '../../../../fixtures/build/index';
import type { VhdSpec } from '../../../../fixtures/build/vhd';
import { buildVhd, mendChecksum, utf16, uuidBytes } from '../../../../fixtures/build/vhd';
import { MemoryDisk } from '../../../../support/memory';

const KIB = 1024;
const SECTOR = 512;
const BLOCK = 512 * KIB;
const SPEC: VhdSpec = {
  size: 4 * BLOCK,
  blockSize: BLOCK,
  type: 'differencing',
  parent: { uuid: uuidBytes(1), locators: [{ platform: 'W2ru', bytes: utf16('base.vhd', 'little') }] },
  blocks: new Map([
    [2, { bytes: Uint8Array.of(1) }],
    [0, { bytes: Uint8Array.of(2), holds: () => false }],
  ]),
};

function check(image: SparseImage): CheckReport {
  const disk = new MemoryDisk().put('/disk', image);
  const [leaf] = openChain(disk.environment, disk.leaf('/disk')).layers;
  const job = leaf?.layer.check?.();
  assert(job);
  return finish(job);
}

const codes = ({ problems }: CheckReport): readonly string[] => problems.map(({ code, counts }) => `${code} ${counts}`);

describe('the check of a VHD', () => {
  it('finds nothing in a sound image, and tells what lies where', () => {
    const built = buildVhd(SPEC);
    const { problems, counts, file } = check(built.image);
    assert.deepEqual(problems, []);
    assert.deepEqual([counts.totalClusters, counts.allocatedClusters, counts.further], [4, 2, 0]);
    assert.equal(counts.imageEnd, built.image.size);
    const told = Array.from({ length: file.count }, (_, i) => [file.start[i], file.use[i]]);
    assert.deepEqual(told, [
      [0, Use.Header],
      [built.table, Use.L2],
      [built.table + 16, Use.Free],
      [built.locator(0), Use.Header],
      [built.locator(0) + 16, Use.Free],
      [built.place(2).bitmap, Use.Data],
      [built.footer, Use.Header],
    ]);
  });

  it('takes the names of parents for no part of a dynamic image', () => {
    const built = buildVhd(SPEC);
    for (const at of [0, built.footer]) {
      built.image.pokeU32(at + 60, 3);
      mendChecksum(built.image, at, 512);
    }
    const { problems, file } = check(built.image);
    assert.deepEqual(problems, []);
    assert.deepEqual([file.start[2], file.use[2], file.start[3]], [built.table + 16, Use.Free, built.place(2).bitmap]);
  });

  it('finds blocks that are claimed twice, by another block or by a table', () => {
    const two = buildVhd(SPEC);
    two.image.pokeU32(two.table + 4, two.place(2).bitmap / SECTOR);
    const { problems } = check(two.image);
    assert.deepEqual(
      problems.map(({ code, times, claims, guest }) => ({ code, times, claims, guest })),
      [
        {
          code: 'claimed-twice',
          times: 1,
          claims: ['sector bitmap entry 0, BAT entry 1', 'sector bitmap entry 0, BAT entry 2'],
          guest: [{ view: '', start: BLOCK, end: 3 * BLOCK }],
        },
      ],
    );
    const table = buildVhd(SPEC);
    table.image.pokeU32(table.table + 4, 1);
    assert.deepEqual(codes(check(table.image)).includes('claimed-twice further'), true);
  });

  it('finds blocks past the end, and what was wrong with the footers and the header', () => {
    const built = buildVhd(SPEC);
    built.image.pokeU32(built.table + 4, 0x100000);
    built.image.poke(300, [1]);
    built.image.poke(built.header + 1000, [1]);
    assert.deepEqual([...codes(check(built.image))].sort(), [
      'footer-copy further',
      'header-checksum further',
      'past-end further',
    ]);
  });

  it('is none of a fixed disk', () => {
    const disk = new MemoryDisk().put('/disk', buildVhd({ size: 4096, type: 'fixed' }).image);
    const [leaf] = openChain(disk.environment, disk.leaf('/disk')).layers;
    assert.equal(leaf?.layer.check === undefined, true);
  });
});
