import assert from 'node:assert/strict';
import { isTar, tarMembers } from '../../../../src/core/archive/tar';
import type { TarFile } from '../../../fixtures/build/tar';
import { buildTar } from '../../../fixtures/build/tar';

const LONG = `${'folder/'.repeat(20)}a-name-that-is-rather-long.vmdk`;

function members(bytes: Uint8Array): string[] {
  const read = (at: number, length: number): Uint8Array => bytes.subarray(at, at + length);
  return [...tarMembers(read, bytes.length)].map(({ name, start, size }) => `${name} ${start}+${size}`);
}

const file = (name: string, size: number, more: Partial<TarFile> = {}): TarFile => ({
  name,
  bytes: new Uint8Array(size).fill(7),
  ...more,
});

describe('the members of a tar archive', () => {
  it('are plain files, with their place', () => {
    const bytes = buildTar([file('a.ovf', 3), file('folder', 0, { type: '5' }), file('b.vmdk', 513)]);
    assert.deepEqual(members(bytes), ['a.ovf 512+3', 'b.vmdk 2048+513']);
    assert.equal(isTar(bytes), true);
    assert.equal(isTar(bytes.subarray(0, 200)), false);
  });

  it('have long names as ustar splits them, as GNU tar and as pax tell them', () => {
    assert.deepEqual(members(buildTar([file(LONG, 1)])), [`${LONG} 512+1`]);
    assert.deepEqual(members(buildTar([file(LONG, 1, { long: 'gnu' }), file('b', 1)])), [`${LONG} 1536+1`, 'b 2560+1']);
    assert.deepEqual(members(buildTar([file(LONG, 9, { long: 'pax' }), file('b', 1)])), [`${LONG} 1536+9`, 'b 2560+1']);
  });

  it('may be larger than the header has digits for', () => {
    const size = 9 * 2 ** 30;
    assert.deepEqual(members(buildTar([file('big', 1, { long: 'gnu', size })])), [`big 1536+${size}`]);
    assert.deepEqual(members(buildTar([file('big', 1, { long: 'pax', size })])), [`big 1536+${size}`]);
  });

  it('are told as far as the archive goes', () => {
    const bytes = buildTar([file('a', 600), file('b', 600)], false);
    assert.deepEqual(members(bytes.subarray(0, 2000)), ['a 512+600']);
    assert.deepEqual(members(bytes.subarray(0, 511)), []);
    assert.deepEqual(members(bytes.subarray(0, 1537 + 512)), ['a 512+600', 'b 2048+600']);
  });

  it('end where a header is none', () => {
    const bytes = buildTar([file('a', 1), file('b', 1)]);
    bytes[1024] = 1;
    assert.deepEqual(members(bytes), ['a 512+1']);
    const huge = buildTar([file('a', 1), file('b', 1, { long: 'gnu' })]);
    huge.fill(255, 1024 + 1024 + 124, 1024 + 1024 + 136);
    assert.deepEqual(members(huge), ['a 512+1']);
  });

  it('are no more than there can be, however many there are', () => {
    const one = buildTar([file('a', 0)], false);
    const read = (at: number, length: number): Uint8Array => one.subarray(at % 512, (at % 512) + length);
    assert.equal([...tarMembers(read, 2 ** 40)].length, 10_000);
  });

  it('are named by what comes before them only where that can be', () => {
    const garbled = [
      '99999 path=x\n',
      '5 \n',
      'path=x',
      '0 path=x\n',
      '14 size=-1\n',
      '30 size=99999999999999999999999\n',
    ];
    for (const records of garbled) {
      const bytes = Buffer.from(records.padEnd(20, '\n'));
      const archive = buildTar([{ name: 'pax', bytes, type: 'x' }, file('real', 1)]);
      assert.deepEqual(members(archive), ['real 1536+1'], records);
    }
    const long = buildTar([{ name: 'L', bytes: new Uint8Array(70_000).fill(97), type: 'L' }, file('real', 1)]);
    assert.match(members(long).join(), /^real /);
  });
});
