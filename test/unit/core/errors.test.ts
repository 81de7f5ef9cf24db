import assert from 'node:assert/strict';
import { DiskError, fromWire, oneLine, toWire } from '../../../src/core';

const error = new DiskError('corrupt', 'the table\nis  broken', { offset: 512 }, 'Restore it.');

describe('a disk error', () => {
  it('is one line: what, where, what to do', () => {
    assert.equal(oneLine(error), 'the table is broken (at byte 512 of the file). Restore it.');
    assert.equal(
      oneLine(error.in({ id: '1', path: '/a/b.qcow2' })),
      '/a/b.qcow2: the table is broken (at byte 512 of the file). Restore it.',
    );
    assert.equal(oneLine(new DiskError('io', 'no', { offset: 0 })), 'no (at byte 0 of the file)');
    assert.equal(oneLine(new DiskError('io', 'no')), 'no');
  });

  it('names the file it happened in once', () => {
    const inner = error.in({ id: '1', path: '/inner' });
    assert.equal(inner.in({ id: '2', path: '/outer' }).file, '/inner');
    assert.equal(inner.offset, 512);
    assert.equal(inner.code, 'corrupt');
  });

  it('comes through a message between threads as it was', () => {
    const wire = structuredClone(toWire(error.in({ id: '1', path: '/a' })));
    const back = fromWire(wire);
    assert(back instanceof DiskError);
    assert.deepEqual(toWire(back), {
      code: 'corrupt',
      message: 'the table\nis  broken',
      advice: 'Restore it.',
      file: '/a',
      offset: 512,
    });
  });

  it('is told from a mistake of ours', () => {
    assert.deepEqual(toWire(new TypeError('oops')), { code: 'internal', message: 'oops' });
    assert.deepEqual(toWire('text'), { code: 'internal', message: 'text' });
    assert(!(fromWire(toWire(new TypeError('oops'))) instanceof DiskError));
  });
});
