/**
 * Files that an image names: the recipes behind QEMU's iotest 244, CVE-2024-4467 (a data file's name that was taken as
 * `json:`) and CVE-2008-2004 (a raw parent that a guest made look like another format).
 */
import assert from 'node:assert/strict';
import { Session } from '../../../../src/core';
import type { Qcow2Spec } from '../../../fixtures/build/index';
import { buildQcow2, data, noise, prose } from '../../../fixtures/build/index';
import { MemoryDisk } from '../../../support/memory';
import { Opened, open } from './recipe';

const CLUSTER = 65_536;
const SIZE = 2 ** 20;
const COPIED = 1n << 63n;
const SPEC: Qcow2Spec = {
  size: SIZE,
  dataFile: { name: 'data' },
  clusters: new Map([
    [0, data(noise(1, 512))],
    [2, data(noise(2, 512))],
  ]),
};

describe('an image with a data file', () => {
  it('has its data there, and offset 0 of it is data where COPIED says so', () => {
    const opened = open(SPEC, () => undefined);
    assert.deepEqual(
      [opened.at(0), opened.at(2 * CLUSTER)],
      [
        ['Data', 0],
        ['Data', 2 * CLUSTER],
      ],
    );
    assert.deepEqual([opened.read(0, 512), opened.read(2 * CLUSTER, 512)], [noise(1, 512), noise(2, 512)]);
    const without = open(SPEC, ({ image, layout }) => image.pokeU64(layout.l2Entry(0) ?? 0, 0n));
    assert.deepEqual(without.at(0), ['Absent', undefined]);
  });

  it('that it does not name, or that is not there, is mapped and not read', () => {
    const unnamed = open({ ...SPEC, dataFile: {} }, () => undefined);
    const built = buildQcow2(SPEC);
    const disk = new MemoryDisk().put('/0', built.image);
    const session = new Session(disk.environment, disk.leaf('/0'));
    const gone = new Opened(session, built, () => {
      const job = session.scan();
      for (;;) {
        const step = job.next();
        if (step.done) return step.value;
      }
    });
    for (const opened of [unnamed, gone]) {
      assert.deepEqual([opened.at(0)[0], opened.codes], ['Data', ['data-file']]);
      assert.match(opened.whyNot(0), /data file of this image is not open/);
    }
  });

  it('has no compressed clusters, and none that are elsewhere in it: those are errors', () => {
    for (const entry of [(1n << 62n) | 0x5_0000n, COPIED | BigInt(3 * CLUSTER)]) {
      const opened = open(SPEC, ({ image, layout }) => image.pokeU64(layout.l2Entry(2) ?? 0, entry));
      assert.deepEqual(opened.at(2 * CLUSTER), ['Invalid', undefined]);
      assert(opened.codes.includes('entry'));
    }
  });

  it('that is named like a json: or a protocol is looked for as a file of that name', () => {
    const secret = 'json:{"driver":"file","filename":"/secret"}';
    for (const name of [secret, 'nbd:localhost:10809', 'file:/secret']) {
      const disk = new MemoryDisk()
        .put('/0', buildQcow2({ ...SPEC, dataFile: { name } }).image)
        .put('/secret', prose(1, SIZE));
      const session = new Session(disk.environment, disk.leaf('/0'));
      assert.deepEqual(disk.openFiles, ['/0'], name);
      assert.equal(session.findings(0)[0]?.code, 'data-file');
    }
  });
});

describe('a parent whose format is not recorded', () => {
  it('is taken for what it looks like, which a guest may have written: that is told', () => {
    const fake = buildQcow2({ size: SIZE, backing: '/secret', backingFormat: 'raw' }).image;
    const top = (backingFormat: { backingFormat?: string }) =>
      new MemoryDisk()
        .put('/0', buildQcow2({ size: SIZE, backing: 'disk', ...backingFormat }).image)
        .put('/disk', fake)
        .put('/secret', prose(1, SIZE));
    const probed = top({});
    const session = new Session(probed.environment, probed.leaf('/0'));
    assert.deepEqual(
      session.findings(0).map(({ code, severity }) => [code, severity]),
      [['backing-format-absent', 'warning']],
    );
    const recorded = top({ backingFormat: 'raw' });
    const raw = new Session(recorded.environment, recorded.leaf('/0'));
    assert.deepEqual([raw.chain.layers.length, recorded.openFiles], [2, ['/0', '/disk']], 'it is the disk itself');
  });
});
