import assert from 'node:assert/strict';
import { formatBytes, formatCount, formatEntry, formatName, formatOffset, parseOffset } from '../../../src/core';
import { formatGeometry } from '../../../src/core/units';
import { Draw } from '../../support/random';

const KIB = 1024;
const MIB = KIB * 1024;
const GIB = MIB * 1024;
const TIB = GIB * 1024;

describe('sizes as people write them', () => {
  const meanings: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['4096', 4096],
    [' 4096 ', 4096],
    ['4096 bytes', 4096],
    ['1 byte', 1],
    ['1,234,567', 1_234_567],
    ['1_000', 1000],
    ['0x1000', 4096],
    ['0X1000', 4096],
    ['0xfF', 255],
    ['0x3_5A40_0000', 0x35a400000],
    ['1K', KIB],
    ['1k', KIB],
    ['1kB', KIB],
    ['1KiB', KIB],
    ['1M', MIB],
    ['3GiB', 3 * GIB],
    ['3 GB', 3 * GIB],
    ['1.5G', 1.5 * GIB],
    ['0.5K', 512],
    ['2T', 2 * TIB],
    ['7P', 7 * 1024 * TIB],
    ['8s', 4096],
    ['8 sectors', 4096],
    ['1 sector', 512],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['0x1fffffffffffff', Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, bytes] of meanings) {
    it(`"${text}" is ${bytes}`, () => {
      assert.equal(parseOffset(text), bytes);
    });
  }

  const nonsense = [
    '',
    ' ',
    'x',
    '-1',
    '+1',
    '1e3',
    '0x',
    '0xg',
    '1.5',
    '0.3K',
    '1.5s',
    '1Q',
    '1 2',
    'K',
    '1KK',
    '.5K',
    '5.',
    'NaN',
    'Infinity',
    '9007199254740992',
    '0x20000000000000',
    '8E',
    '99999999999999999999',
    '1;rm',
    '１',
    '1,5G',
    '1,50',
    '12,3456',
    ',123',
    '1,234,56',
  ];
  for (const text of nonsense) {
    it(`"${text}" is nothing`, () => {
      assert.equal(parseOffset(text), undefined);
    });
  }
});

describe('sizes as they are told', () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, '0 bytes'],
    [1, '1 byte'],
    [2, '2 bytes'],
    [512, '512 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1025, '1 KiB'],
    [1536, '1.5 KiB'],
    [65536, '64 KiB'],
    [100 * KIB, '100 KiB'],
    [10.25 * KIB, '10.3 KiB'],
    [1.25 * MIB, '1.25 MiB'],
    [123.4 * MIB, '123 MiB'],
    [999 * KIB, '999 KiB'],
    [1000 * KIB, '0.98 MiB'],
    [1023 * KIB, '1 MiB'],
    [GIB, '1 GiB'],
    [10 * GIB, '10 GiB'],
    [2 * TIB, '2 TiB'],
    [Number.MAX_SAFE_INTEGER, '8 PiB'],
  ];
  for (const [bytes, text] of texts) {
    it(`${bytes} is ${text}`, () => {
      assert.equal(formatBytes(bytes), text);
    });
  }

  it('are within half a percent of the truth, and in the unit that fits', () => {
    const draw = Draw.named(1, 'sizes');
    for (let i = 0; i < 2000; i += 1) {
      const bytes = Math.floor(2 ** (draw.below(5200) / 100) + draw.below(1000));
      const said = formatBytes(bytes);
      const meant =
        parseOffset(said.replace(/(\d)\.(\d+)/, '$1.$2')) ??
        Number(said.split(' ')[0]) * 1024 ** 'BKMGTPE'.indexOf(said.split(' ')[1]?.[0] ?? 'B');
      assert(Math.abs(meant - bytes) <= bytes * 0.005, `${bytes} is told as ${said}`);
      assert(said.length <= '1023 bytes'.length, said);
    }
  });

  it('counts are in groups of three', () => {
    assert.deepEqual([0, 999, 1000, 1_234_567, 12_345_678_901].map(formatCount), [
      '0',
      '999',
      '1,000',
      '1,234,567',
      '12,345,678,901',
    ]);
  });
});

describe('what formats tell of themselves', () => {
  it('is worded alike: a geometry, and the name that people know', () => {
    assert.equal(formatGeometry('10402', '16', '63'), '10402 cylinders, 16 heads, 63 sectors');
    assert.equal(formatGeometry(128, 16), '128 cylinders, 16 heads');
    assert.deepEqual(['vpc', 'vhdx', 'qcow2'].map(formatName), ['VHD', 'vhdx', 'qcow2']);
  });
});

describe('offsets as they are told', () => {
  it('are in hexadecimal groups of four digits', () => {
    const texts = [0, 0xf, 0xffff, 0x10000, 0x35a400000, 0x123456789a, Number.MAX_SAFE_INTEGER].map(formatOffset);
    assert.deepEqual(texts, [
      '0x0',
      '0xF',
      '0xFFFF',
      '0x1_0000',
      '0x3_5A40_0000',
      '0x12_3456_789A',
      '0x1F_FFFF_FFFF_FFFF',
    ]);
  });

  it('are read back as what they were', () => {
    const draw = Draw.named(2, 'offsets');
    for (let i = 0; i < 2000; i += 1) {
      const offset = draw.next() * 2 ** draw.below(21);
      assert.equal(parseOffset(formatOffset(offset)), offset);
      assert.equal(parseOffset(formatCount(offset)), offset);
    }
  });

  it('table entries have all their digits', () => {
    assert.equal(formatEntry(0, 0), '0x0000000000000000');
    assert.equal(formatEntry(0x80000000, 0x5a400000), '0x800000005a400000');
    assert.equal(formatEntry(-1, -2), '0xfffffffffffffffe');
  });
});
