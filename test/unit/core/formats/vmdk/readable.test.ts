import assert from 'node:assert/strict';
import { DiskError } from '../../../../../src/core';
import { readable } from '../../../../../src/core/formats/vmdk/readable';

describe('what may not be readable', () => {
  const readThat = (error?: Error) => (): number => {
    if (error) throw error;
    return 5;
  };

  it('is undefined where the file can not be read, and no fault of the program is hidden by that', () => {
    assert.equal(readable(readThat()), 5);
    assert.equal(readable(readThat(new DiskError('io', 'reading failed'))), undefined);
    const fault = readThat(new TypeError('a fault of the program'));
    assert.throws(() => readable(fault), TypeError);
  });
});
