/**
 * Tables that lead where they should not: the recipes behind QEMU's iotests 060 and 137, and the fixes of CVE-2014-0143,
 * -0147 and CVE-2008-0928. QEMU guards its writes against them; what it reads is what a reader must show.
 */
import assert from 'node:assert/strict';
import { DiskError } from '../../../../src/core';
import type { Qcow2Spec } from '../../../fixtures/build/index';
import { data, noise, zeroAllocated } from '../../../fixtures/build/index';
import type { Damage } from './recipe';
import { open } from './recipe';

const CLUSTER = 65_536;
const SIZE = 64 * 2 ** 20;
const COPIED = 1n << 63n;
const SPEC: Qcow2Spec = { size: SIZE, clusters: new Map([[0, data(noise(1, 512))]]) };

/** Points the disk's first cluster somewhere else. */
const firstEntry =
  (entry: (place: bigint) => bigint): Damage =>
  ({ image, layout }) =>
    image.pokeU64(layout.l2Entry(0) ?? 0, entry(BigInt([...layout.places.values()][0]?.offset ?? 0)));

describe('an image', () => {
  it('whose L1 table is its own L2 table reads as that says', () => {
    const opened = open(SPEC, ({ image, layout: { l1 } }) => image.pokeU64(l1.offset, COPIED | BigInt(l1.offset)));
    // The table's first entry, taken as an L2 entry, is a cluster of data: the table.
    const { l1 } = opened.built.layout;
    assert.deepEqual(opened.at(0), ['Data', l1.offset]);
    assert.deepEqual(opened.read(0, CLUSTER), opened.built.image.peek(l1.offset, CLUSTER));
  });

  it('with data in its refcount block, in a table of a snapshot or in its own header reads what is there', () => {
    const clusters = new Map([[0, data(noise(1, 512))]]);
    const spec = { ...SPEC, snapshots: [{ id: '1', name: 'foo', clusters }], unsharedTables: true };
    const { layout } = open(spec, () => undefined).built;
    const blocks = [...layout.refcountBlocks.values()];
    for (const place of [blocks[0] ?? 0, layout.l2Table(0, 0) ?? 0, layout.snapshotTable?.offset ?? 0]) {
      const opened = open(
        spec,
        firstEntry(() => COPIED | BigInt(place)),
      );
      assert.deepEqual(opened.at(0), ['Data', place]);
      assert.deepEqual(opened.read(0, CLUSTER), opened.built.image.peek(place, CLUSTER));
    }
  });

  it('that QEMU has marked as corrupt, or did not close, reads all the same, and that is told', () => {
    for (const [bit, code] of [
      [1n, 'dirty'],
      [2n, 'marked-corrupt'],
    ] as const) {
      const opened = open(SPEC, ({ image }) => image.pokeU64(72, bit));
      assert.deepEqual([opened.codes, opened.placeOf(code)], [[code], 72]);
      assert.deepEqual(opened.read(0, 512), noise(1, 512));
    }
  });

  it('whose reference counts are all gone reads as ever', () => {
    const opened = open(SPEC, ({ image, layout }) => {
      for (const block of layout.refcountBlocks.values()) image.poke(block, new Uint8Array(CLUSTER));
      image.pokeU64(layout.refcountTable.offset, 0x2a2a2a2an);
    });
    assert.deepEqual([opened.codes, opened.read(0, 512)], [[], noise(1, 512)]);
  });

  it('with data in the middle of a cluster has an I/O error there, and nowhere else', () => {
    const spec = {
      ...SPEC,
      clusters: new Map([
        [0, data(noise(1, 512))],
        [1, data(noise(2, 512))],
      ]),
    };
    const opened = open(
      spec,
      firstEntry((place) => COPIED | (place + 0x2a00n)),
    );
    assert.deepEqual(opened.at(0), ['Invalid', undefined]);
    assert(opened.codes.includes('entry'));
    assert.match(opened.whyNot(0), /can't be true/);
    assert.deepEqual(opened.read(CLUSTER, 512), noise(2, 512));
  });

  it('with kept space in the middle of a cluster has no zeros there, but an error', () => {
    const opened = open({ ...SPEC, clusters: new Map([[0, zeroAllocated()]]) }, ({ image, layout }) =>
      image.pokeU64(layout.l2Entry(0) ?? 0, COPIED | 0x5_2a01n),
    );
    assert.deepEqual(opened.at(0), ['Invalid', undefined]);
  });

  it('with an L2 table in the middle of a cluster has an error wherever that maps', () => {
    const opened = open(SPEC, ({ image, layout }) => image.pokeU64(layout.l1.offset, COPIED | 0x4_2a00n));
    assert(opened.codes.includes('l2-offset'));
    for (const offset of [0, SIZE - 1]) assert.deepEqual(opened.at(offset), ['Invalid', undefined]);
  });

  it('with data past all that a file can be has an error there', () => {
    // 0xbf…: with every reserved bit. QEMU's mask leaves an offset just below 2^56.
    const opened = open(
      SPEC,
      firstEntry(() => 0xbfff_ffff_ffff_0000n),
    );
    assert.deepEqual(opened.at(0), ['Invalid', undefined]);
    assert(opened.codes.includes('entry'));
  });

  it('with data past its end reads zeros there, as QEMU does, and that is told', () => {
    const opened = open(
      SPEC,
      firstEntry(() => 0x8000_00ff_ffff_0000n),
    );
    assert.deepEqual(opened.at(0), ['Invalid', 0xff_ffff_0000]);
    assert(opened.codes.includes('data-past-end'));
    assert.deepEqual(opened.read(0, 512), new Uint8Array(512));
  });

  it('is not read past the end of its disk', () => {
    const { session, picture } = open(SPEC, () => undefined);
    for (const [offset, length] of [
      [SIZE, 1],
      [SIZE - 1, 2],
      [-1, 1],
      [2 ** 52, 1],
    ] as const) {
      assert.throws(() => session.read(picture, offset, new Uint8Array(length)), DiskError);
      if (length === 1) assert.throws(() => session.trace(offset), { code: 'out-of-range' });
    }
  });
});
