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

  it('adds and subtracts, in whatever form each is written', () => {
    assert.equal(offset('1GiB+1MiB'), GIB + 2 ** 20);
    assert.equal(offset('0x4000_0000 - 8s + 1.5K'), GIB - 4096 + 1536);
    assert.equal(offset('4G-1'), 4 * GIB - 1);
    assert.equal(offset('0x1E+5'), 0x23);
    // A sign before all of it counts from the selected offset.
    assert.equal(offset('-1M+8s', 2 ** 21), 2 ** 20 + 4096);
    assert.equal(offset('1M+8s', 2 ** 21), 2 ** 20 + 4096);
  });

  it('names the term that is none, and tells what is accepted', () => {
    for (const [text, term] of [
      ['512MiB+banana', 'banana'],
      ['banana-1', 'banana'],
      ['1M++1', '1M++1'],
      ['1M+', '1M+'],
      ['50%+1M', '50%'],
      ['4P+4P', '4P+4P'],
    ] as const) {
      assert.ok(why(text).startsWith(`“${term}” is no offset. `), why(text));
      assert.match(why(text), /sums of these, 512G\+1M-8s/);
    }
    assert.match(why('1G-2G'), /1 GiB before the disk begins/);
    assert.match(why('3G+1G'), /Past the end/);
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
