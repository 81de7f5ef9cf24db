/** Snapshots that are not like the disk they stand in: the recipes behind QEMU's iotests 029 and 080 (CVE-2014-0145). */
import assert from 'node:assert/strict';
import { finish } from '../../../../src/core';
import type { Qcow2Spec } from '../../../fixtures/build/index';
import { data, noise } from '../../../fixtures/build/index';
import { open } from './recipe';

const SIZE = 64 * 2 ** 20;
const TERABYTE = 2 ** 40;
const SHARED = new Map([[0, data(noise(1, 512))]]);
const SPEC: Qcow2Spec = { size: SIZE, clusters: SHARED, snapshots: [{ id: '1', name: 'foo', clusters: SHARED }] };
const SNAPSHOT = { depth: 0, view: '1' };

describe('a snapshot', () => {
  it('whose L1 table is smaller than that of the disk, which has VM state behind it, reads like any other', () => {
    const opened = open({ ...SPEC, l1Entries: 9 }, () => undefined);
    assert.deepEqual(opened.codes, []);
    opened.session.stand(SNAPSHOT);
    const picture = finish(opened.session.scan());
    const bytes = new Uint8Array(512);
    assert.deepEqual(opened.session.read(picture, 0, bytes), []);
    assert.deepEqual(bytes, noise(1, 512));
    assert.deepEqual(opened.session.findings(0), []);
  });

  it('with VM state at 1 TiB has a disk of its own size, and says how much it saved', () => {
    const opened = open(SPEC, ({ image, layout }) => {
      const entry = layout.snapshots[0]?.entry ?? 0;
      // As many L1 entries as it takes to map the state: 512 MiB each.
      image.pokeU32(entry + 8, TERABYTE / (512 * 2 ** 20) + 1).pokeU64(entry + 40, BigInt(TERABYTE));
    });
    const view = opened.session.chain.layers[0]?.layer.views[1];
    assert.deepEqual([view?.guestSize, view?.snapshot?.vmStateSize], [SIZE, TERABYTE]);
    opened.session.stand(SNAPSHOT);
    assert.equal(finish(opened.session.scan()).accounting.guestSize, SIZE);
    assert.deepEqual(opened.session.findings(0), []);
  });

  it('keeps the size of its L1 table when the disk and its table are cut to one cluster', () => {
    const size = 2 ** 20;
    const clusters = new Map([[1000, data(noise(2, 512))]]);
    const spec = { size, clusterBits: 9, clusters, snapshots: [{ id: '1', name: 'foo', clusters }] };
    const opened = open(spec, ({ image }) => image.pokeU64(24, 512n).pokeU32(36, 1));
    assert.equal(opened.session.view.guestSize, 512);
    opened.session.stand(SNAPSHOT);
    const picture = finish(opened.session.scan());
    const bytes = new Uint8Array(512);
    assert.deepEqual(opened.session.read(picture, 1000 * 512, bytes), []);
    assert.deepEqual([bytes, picture.accounting.guestSize], [noise(2, 512), size]);
    assert.deepEqual(opened.session.findings(0), []);
  });

  for (const [what, at, value, message] of [
    ['begins in the middle of a cluster', 4, 0x40_0200, 'in the middle of a cluster'],
    ['has 2^28 entries', 8, 0x1000_0000, '32 MiB'],
  ] as const) {
    it(`whose L1 table ${what} can't be looked at, and the disk can`, () => {
      const opened = open(SPEC, ({ image, layout }) => image.pokeU32((layout.snapshots[0]?.entry ?? 0) + at, value));
      assert.deepEqual([opened.codes, opened.read(0, 512)], [[], noise(1, 512)]);
      opened.session.stand(SNAPSHOT);
      assert.equal(finish(opened.session.scan()).accounting.unknown, SIZE);
      const told = opened.session.findings(0).map(({ code, message: text }) => `${code}: ${text}`);
      assert.match(told.join('; '), new RegExp(`^scan-failed: .*${message}`));
    });
  }

  it('whose L1 table is past the end of the numbers ends the list, which says so', () => {
    const opened = open(SPEC, ({ image, layout }) => image.pokeU64(layout.snapshots[0]?.entry ?? 0, 2n ** 63n));
    assert.deepEqual(opened.codes, ['snapshot-table']);
    assert.equal(opened.session.chain.layers[0]?.layer.views.length, 1);
  });

  it('with more extra data than QEMU takes ends the list, which says where', () => {
    const opened = open(SPEC, ({ image, layout }) => image.pokeU32((layout.snapshots[0]?.entry ?? 0) + 36, 1025));
    assert.equal(opened.placeOf('snapshot-table'), (opened.built.layout.snapshots[0]?.entry ?? 0) + 36);
  });

  it('may stand in an image with a data file, which QEMU has none of: it is listed', () => {
    const spec: Qcow2Spec = { size: SIZE, clusters: SHARED, snapshots: [{ id: '1', name: 'foo', clusters: SHARED }] };
    const opened = open(spec, ({ image }) => image.pokeU64(72, 4n));
    assert.equal(opened.session.chain.layers[0]?.layer.views[1]?.name, 'foo');
    assert.deepEqual(opened.at(0), ['Invalid', undefined], 'the entry is not where a data file has the byte');
  });
});
