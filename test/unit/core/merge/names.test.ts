import assert from 'node:assert/strict';
import { backingName, fitsHeader } from '../../../../src/core';

describe('the name of another parent', () => {
  it('keeps the style of the one before', () => {
    assert.equal(backingName('old.qcow2', '../base.qcow2', '/vm/base.qcow2'), '../base.qcow2');
    assert.equal(backingName('/elsewhere/old.qcow2', '../base.qcow2', '/vm/base.qcow2'), '/vm/base.qcow2');
    assert.equal(backingName('C:\\vm\\old.qcow2', 'base.qcow2', 'C:\\vm\\base.qcow2'), 'C:\\vm\\base.qcow2');
  });

  it('is never taken for a protocol', () => {
    assert.equal(backingName('old', 'nbd:base', '/vm/nbd:base'), './nbd:base');
    assert.equal(backingName('old', 'folder/a:base', '/vm/folder/a:base'), 'folder/a:base');
  });

  // What `qemu-img rebase -u` of 10.0.2 takes and refuses for clusters of 512 bytes.
  it('has room in the header or not', () => {
    const small = { clusterSize: 512, old: false, bitmaps: false };
    assert(fitsHeader(376, 'qcow2'.length, small));
    assert(!fitsHeader(377, 'qcow2'.length, small));
    assert(fitsHeader(416, 'qcow2'.length, { ...small, old: true }));
    assert(!fitsHeader(417, 'qcow2'.length, { ...small, old: true }));
    assert(fitsHeader(1023, 'raw'.length, { ...small, clusterSize: 65_536 }));
    assert(!fitsHeader(1024, 'raw'.length, { ...small, clusterSize: 65_536 }));
  });
});
