import assert from 'node:assert/strict';
import { fullBackingName, layerNames } from '../../../src/cli/names';
import { openChain, parentReference } from '../../../src/core';
import { buildQcow2 } from '../../fixtures/build/index';
import { MemoryDisk } from '../../support/memory';

// As `qemu-img info --output=json` of QEMU 10.0 has them.
describe('the full name of a parent', () => {
  const names: readonly (readonly [child: string, written: string, full: string])[] = [
    ['leaf.qcow2', 'base.qcow2', 'base.qcow2'],
    ['./leaf.qcow2', 'base.qcow2', './base.qcow2'],
    ['sub/leaf.qcow2', 'base.qcow2', 'sub/base.qcow2'],
    ['sub/leaf.qcow2', '../base.qcow2', 'sub/../base.qcow2'],
    ['/a/leaf.qcow2', './base.qcow2', '/a/./base.qcow2'],
    ['/a/leaf.qcow2', '/b/base.qcow2', '/b/base.qcow2'],
    ['sub/leaf.qcow2', 'file:base.qcow2', 'file:base.qcow2'],
    ['sub/leaf.qcow2', 'nbd://host/x', 'nbd://host/x'],
    [
      'sub/leaf.qcow2',
      'json:{"driver":"raw","file":{"filename":"/b"}}',
      'json:{"driver":"raw","file":{"filename":"/b"}}',
    ],
    ['sub/leaf.qcow2', 'C:\\base.qcow2', 'C:\\base.qcow2'],
  ];
  for (const [child, written, full] of names) {
    it(`${written} in ${child} is ${full}`, () => {
      assert.equal(fullBackingName(child, parentReference(written, undefined)), full);
    });
  }
});

describe('the names of the layers', () => {
  const overlay = (backing?: string): Uint8Array => {
    return buildQcow2({
      size: 512,
      clusterBits: 9,
      ...(backing === undefined ? {} : { backing, backingFormat: 'qcow2' }),
    }).image.toBytes();
  };

  it("are the leaf's as it was typed, and the others behind the folder of their child", function () {
    if (process.platform === 'win32') this.skip();
    const disk = new MemoryDisk()
      .put('/a/b/leaf', overlay('../middle'))
      .put('/a/middle', overlay('file:base'))
      .put('/a/base', overlay('/c/root'))
      .put('/c/root', overlay());
    const chain = openChain(disk.environment, disk.leaf('/a/b/leaf'));
    assert.deepEqual(layerNames(chain, '/a/b/leaf'), ['/a/b/leaf', '/a/b/../middle', '/a/b/../base', '/c/root']);
    assert.deepEqual(layerNames(chain, '/a/x/../b/leaf'), [
      '/a/x/../b/leaf',
      '/a/x/../b/../middle',
      '/a/x/../b/../base',
      '/c/root',
    ]);
  });
});
