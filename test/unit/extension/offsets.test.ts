import assert from 'node:assert/strict';
import { readOffset } from '../../../src/extension/offsets';

const GIB = 2 ** 30;
const offset = (text: string, from: number | null = null, size = 4 * GIB): number | undefined => {
  const answer = readOffset(text, size, from);
  return answer.ok ? answer.offset : undefined;
};
const why = (text: string, from: number | null = null, size = 4 * GIB): string => {
  const answer = readOffset(text, size, from);
  return answer.ok ? '' : answer.why;
};

describe('go to offset', () => {
  it('reads hex, decimal, sectors and units', () => {
    assert.equal(offset('0x10_0000'), 1_048_576);
    assert.equal(offset('1048576'), 1_048_576);
    assert.equal(offset('2048s'), 1_048_576);
    assert.equal(offset('1M'), 1_048_576);
    assert.equal(offset('1.5 GiB'), 1.5 * GIB);
  });

  it('counts from the selected offset after a sign', () => {
    assert.equal(offset('+1M', 4096), 1_048_576 + 4096);
    assert.equal(offset('-8s', 8192), 4096);
    assert.equal(offset('+4096'), 4096);
  });

  it('takes a share of the disk, its end being the last byte', () => {
    assert.equal(offset('50%'), 2 * GIB);
    assert.equal(offset('100%'), 4 * GIB - 1);
  });

  it('says what was understood', () => {
    const answer = readOffset('0x100200', 4 * GIB, null);
    assert.ok(answer.ok);
    assert.match(answer.said, /0x10_0200/);
    assert.match(answer.said, /1,049,088/);
    assert.match(answer.said, /sector 2,049/);
  });

  it('says why not: no offset, past the end, before the beginning', () => {
    assert.match(why('banana'), /no offset/);
    assert.match(why('4G'), /disk ends at 0x1_0000_0000/);
    assert.match(why('-1', 0), /before the disk begins/);
    assert.match(why('0', null, 0), /Past the end/);
    assert.notEqual(why(''), '');
  });
});
