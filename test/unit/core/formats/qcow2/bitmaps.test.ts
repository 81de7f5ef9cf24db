import assert from 'node:assert/strict';
import type { Bitmap, Finding } from '../../../../../src/core';
import { readBitmaps } from '../../../../../src/core/formats/qcow2/bitmaps';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import { LIMITS } from '../../../../../src/core/formats/qcow2/limits';
import type { BitmapSpec, BuiltQcow2, SparseImage } from '../../../../fixtures/build/index';
import { buildQcow2, EXTENSION } from '../../../../fixtures/build/index';
import { memorySource } from '../../../../support/memory';

const bitmap = (name: string, more: Partial<BitmapSpec> = {}): BitmapSpec => ({
  name,
  granularityBits: 16,
  dirty: [],
  ...more,
});
const build = (bitmaps: readonly BitmapSpec[]): BuiltQcow2 => buildQcow2({ size: 2 ** 20, bitmaps });

function read({ image }: BuiltQcow2): { bitmaps: readonly Bitmap[]; findings: readonly Finding[] } {
  const source = memorySource(image);
  return readBitmaps(source, readHeader(source), LIMITS.maxListed);
}

describe('the bitmaps of a qcow2 image', () => {
  it('are listed with granularity and flags', () => {
    const built = build([
      bitmap('daily', { auto: true }),
      bitmap('woche ä', { granularityBits: 20, inUse: true, dirty: [[0, 4096]] }),
      bitmap('x'.repeat(1023), { granularityBits: 9, auto: true, inUse: true }),
      bitmap('', { granularityBits: 31 }),
    ]);
    const { bitmaps, findings } = read(built);
    assert.deepEqual(findings, []);
    assert.deepEqual(bitmaps, [
      { name: 'daily', granularity: 65536, flags: ['auto'] },
      { name: 'woche ä', granularity: 2 ** 20, flags: ['in-use'] },
      { name: 'x'.repeat(1023), granularity: 512, flags: ['in-use', 'auto'] },
      { name: '', granularity: 2 ** 31, flags: [] },
    ]);
  });

  it('of which QEMU refuses one are listed all the same, and that is told', () => {
    const built = build([bitmap('a', { extra: new Uint8Array(13) }), bitmap('b', { extraDataCompatible: true })]);
    const { bitmaps, findings } = read(built);
    assert.deepEqual(
      bitmaps.map(({ name }) => name),
      ['a', 'b'],
    );
    assert.deepEqual(
      findings.map(({ code, offset }) => [code, offset]),
      [['bitmap-refused', built.layout.bitmaps[0]?.entry]],
    );
  });

  it('may be none', () => {
    assert.deepEqual(read(buildQcow2({ size: 512 })), { bitmaps: [], findings: [] });
  });

  const broken: Readonly<Record<string, (built: BuiltQcow2, entry: number) => unknown>> = {
    'with a granularity of 256 bytes': ({ image }, entry) => image.poke(entry + 17, [8]),
    'with a granularity of 4 GiB': ({ image }, entry) => image.poke(entry + 17, [32]),
    'with a name that leaves the directory': ({ image }, entry) => image.pokeU16(entry + 18, 0xffff),
    'with extra data that leaves the directory': ({ image }, entry) => image.pokeU32(entry + 20, 0xffffffff),
    'at the end of the file': ({ image }, entry) => image.truncate(entry + 10),
    'in a directory that is said to be shorter': ({ image, layout }, entry) => {
      return image.pokeU64(
        (layout.extensions.get(EXTENSION.bitmaps) ?? 0) + 16,
        BigInt(entry + 8 - (layout.bitmapDirectory?.offset ?? 0)),
      );
    },
  };
  for (const [name, damage] of Object.entries(broken)) {
    it(`up to an entry ${name} are listed, the rest is a finding`, () => {
      const built = build([bitmap('one'), bitmap('two'), bitmap('three')]);
      const entry = built.layout.bitmaps[1]?.entry ?? 0;
      damage(built, entry);
      const { bitmaps, findings } = read(built);
      assert.deepEqual(
        bitmaps.map((found) => found.name),
        ['one'],
      );
      assert.deepEqual(
        findings.map(({ code, severity, offset }) => [code, severity, offset]),
        [['bitmap-directory', 'error', entry]],
      );
      assert.match(findings[0]?.message ?? '', /entry 1 of 3/);
    });
  }

  it('more than are listed are counted', () => {
    const built = build([bitmap('one')]);
    const extension = built.layout.extensions.get(EXTENSION.bitmaps) ?? 0;
    const [one] = built.layout.bitmaps;
    assert(one);
    const entry = built.image.peek(one.entry, 32);
    const count = 65_535;
    const directory = 1 << 20;
    for (let i = 0; i < 1001; i += 1) built.image.poke(directory + i * 32, entry);
    built.image
      .truncate(directory + count * 32)
      .pokeU32(extension + 8, count)
      .pokeU64(extension + 16, BigInt(count * 32))
      .pokeU64(extension + 24, BigInt(directory));
    const { bitmaps, findings } = read(built);
    assert.equal(bitmaps.length, 1000);
    assert.deepEqual(
      findings.map(({ code, message }) => [code, message]),
      [['bitmaps-cut', 'the image has 65535 bitmaps: the first 1000 are listed, 64535 more are not']],
    );
  });

  const refused: Readonly<Record<string, (image: SparseImage, entry: number) => SparseImage>> = {
    'of another type': (image, entry) => image.poke(entry + 16, [2]),
    'whose table is at 0': (image, entry) => image.pokeU64(entry, 0n),
    'whose table begins in the middle of a cluster': (image, entry) => image.pokeU64(entry, 0x1_0200n),
    'whose table is empty': (image, entry) => image.pokeU32(entry + 8, 0),
    'whose table has too many entries': (image, entry) => image.pokeU32(entry + 8, 0x800_0001),
    'whose table stands for more than 512 MiB': (image, entry) => image.pokeU32(entry + 8, 8193),
  };
  for (const [name, damage] of Object.entries(refused)) {
    it(`are listed all the same with one ${name}, which is a finding`, () => {
      const built = build([bitmap('one'), bitmap('two'), bitmap('three')]);
      const entry = built.layout.bitmaps[1]?.entry ?? 0;
      damage(built.image, entry);
      const { bitmaps, findings } = read(built);
      assert.deepEqual(
        bitmaps.map((found) => found.name),
        ['one', 'two', 'three'],
      );
      assert.deepEqual(
        findings.map(({ code, severity, offset }) => [code, severity, offset]),
        [['bitmap-refused', 'error', entry]],
      );
      assert.match(findings[0]?.message ?? '', /^bitmap 1 /);
    });
  }
});
