import assert from 'node:assert/strict';
import type { SparseImage } from '../../../../fixtures/build/index';
import type { VhdxSpec } from '../../../../fixtures/build/vhdx';
import { buildVhdx, VHDX_GUIDS, VHDX_PLACES } from '../../../../fixtures/build/vhdx';
import { assertRefused, codesOf, le, MIB, openOne } from './open';

const SPEC: VhdxSpec = { size: 4 * MIB };
const OTHER_GUID = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const TABLE = VHDX_PLACES.metadata;
const NONE = new Uint8Array();

const without = (guid: string): SparseImage => buildVhdx({ ...SPEC, items: [{ guid, bytes: NONE, flags: 0 }] }).image;

/** The image with another value in an item, and where that stands. */
function withItem(guid: string, bytes: Uint8Array): readonly [SparseImage, number] {
  const built = buildVhdx(SPEC);
  return [built.image.poke(built.itemAt(guid), bytes), built.itemAt(guid)];
}

describe('the metadata of a VHDX', () => {
  it('tells what the disk is', () => {
    const { layer } = openOne(
      buildVhdx({ ...SPEC, blockSize: 8 * MIB, logicalSector: 4096, leaveAllocated: true }).image,
    );
    assert.deepEqual(
      layer.facts.map(({ label, value }) => [label, value]),
      [
        ['Type', 'fixed'],
        ['Disk size', 4 * MIB],
        ['Block size', 8 * MIB],
        ['Logical sector size', 4096],
        ['Physical sector size', 4096],
        ['Disk id', 'd15cd15c-0000-4000-8000-000000000001'],
        ['DataWriteGuid', '00010203-0405-0607-0809-0a0b0c0d0e0f'],
        ['Creator', 'test'],
      ],
    );
    assert.deepEqual(layer.info, { 'cluster-size': 8 * MIB, 'dirty-flag': false });
    assert.deepEqual([layer.guestSize, layer.grain, layer.parent], [4 * MIB, 8 * MIB, undefined]);
  });

  it('has what a disk can not be read without', () => {
    for (const guid of [VHDX_GUIDS.fileParameters, VHDX_GUIDS.diskSize, VHDX_GUIDS.logicalSector]) {
      assertRefused(without(guid), 'corrupt', TABLE, /the metadata has no/);
    }
    for (const guid of [VHDX_GUIDS.diskId, VHDX_GUIDS.physicalSector]) {
      assert.deepEqual(codesOf(openOne(without(guid))), ['metadata-missing']);
    }
  });

  it('may have items that are not known here, unless these must be understood', () => {
    const with4 = (flags: number): SparseImage =>
      buildVhdx({ ...SPEC, items: [{ guid: OTHER_GUID, bytes: le(0, 4), flags }] }).image;
    assert.deepEqual(codesOf(openOne(with4(2))), []);
    assertRefused(with4(4), 'unsupported', TABLE + 32 + 5 * 32, new RegExp(OTHER_GUID));
  });

  it('tells items of the user from its own, which may have the same name', () => {
    const mine = { guid: VHDX_GUIDS.diskSize, bytes: le(512, 8) };
    assert.equal(openOne(buildVhdx({ ...SPEC, items: [{ ...mine, flags: 1 }] }).image).layer.guestSize, 4 * MIB);
    assertRefused(
      buildVhdx({ ...SPEC, items: [{ ...mine, flags: 1 | 4 }] }).image,
      'unsupported',
      TABLE + 32 + 5 * 32,
      new RegExp(VHDX_GUIDS.diskSize),
    );
    const built = buildVhdx({ ...SPEC, items: [{ ...mine, flags: 1 }] });
    assertRefused(built.image.poke(TABLE + 32 + 5 * 32 + 24, [0]), 'corrupt', TABLE + 32 + 5 * 32, /a second/);
  });

  it('has a table that is one, with no more entries than there is room for', () => {
    assertRefused(buildVhdx(SPEC).image.poke(TABLE, [0]), 'corrupt', TABLE, /signature/);
    assertRefused(buildVhdx(SPEC).image.poke(TABLE + 10, le(2048, 2)), 'limit', TABLE + 10, /2048 entries/);
    assertRefused(buildVhdx(SPEC).image.truncate(TABLE + 512), 'corrupt', TABLE, /past the end/);
  });

  it('has its items inside of it, and in the file', () => {
    for (const [at, bytes] of [
      [16, le(65535, 4)],
      [16, le(MIB - 4, 4)],
      [16, le(2 ** 32 - 1, 4)],
      [20, le(7, 4)],
      [20, le(0, 4)],
      [20, le(MIB + 1, 4)],
    ] as const) {
      const { image } = buildVhdx(SPEC);
      assertRefused(image.poke(TABLE + 32 + at, bytes), 'corrupt', TABLE + 32, /file parameters can't be at byte/);
    }
    const { image, itemAt } = buildVhdx(SPEC);
    assertRefused(image.truncate(itemAt(VHDX_GUIDS.fileParameters) + 4), 'corrupt', TABLE + 32);
  });

  it('has sizes by which nothing is divided to infinity (CVE-2014-0148)', () => {
    for (const size of [0, 512, MIB - 1, MIB + 512, 3 * MIB, 2 ** 29, 2 ** 31]) {
      const [image, at] = withItem(VHDX_GUIDS.fileParameters, le(size, 4));
      assertRefused(image, 'corrupt', at, /a block can't have/);
    }
    for (const guid of [VHDX_GUIDS.logicalSector, VHDX_GUIDS.physicalSector]) {
      for (const size of [0, 1, 1024, 8192, 2 ** 31]) {
        const [image, at] = withItem(guid, le(size, 4));
        assertRefused(image, 'corrupt', at, /it must be 512 or 4096/);
      }
    }
  });

  it('has a disk of whole sectors, of 64 TiB at most', () => {
    for (const [size, code] of [
      [64 * 2 ** 40 + 512, 'limit'],
      [2n ** 63n, 'limit'],
      [513, 'corrupt'],
    ] as const) {
      const [image, at] = withItem(VHDX_GUIDS.diskSize, le(size, 8));
      assertRefused(image, code, at);
    }
    assert.equal(openOne(buildVhdx({ size: 64 * 2 ** 40, blockSize: 256 * MIB }).image).layer.guestSize, 64 * 2 ** 40);
    assert.equal(openOne(withItem(VHDX_GUIDS.diskSize, le(0, 8))[0]).layer.guestSize, 0);
  });
});
