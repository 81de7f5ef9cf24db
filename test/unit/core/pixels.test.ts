import assert from 'node:assert/strict';
import type { Picture, Pixels } from '../../../src/core';
import { NOBODY, pixels as cut } from '../../../src/core';
import { MAX_CELLS } from '../../../src/core/pixels';
import { lettersChain, pictureOf } from '../../support/letters';
import { Draw } from '../../support/random';
import { letterOf } from '../../support/runs';

/** A picture from one letter a unit in each layer, newest first. */
const picture = (unit: number, ...letters: readonly string[]): Picture =>
  pictureOf(lettersChain(letters.map((text) => ({ letters: text, unit }))), { chunkBytes: 32 * unit });

/** As the picture draws it, and as its map is drawn: the same. */
function pixels(of: Picture, start: number, cellBytes: number, cells: number): Pixels {
  const drawn = of.pixels(start, cellBytes, cells);
  const expected = cut(of.map, start, cellBytes, cells);
  if (Number.isInteger(cellBytes)) assert.deepEqual(drawn, expected);
  return drawn;
}

/** What each cell holds: `owner kind bytes`, in the order of the parts. */
function cellsOf({ cells, first, owner, kind, bytes }: Pixels): string[][] {
  return Array.from({ length: cells }, (_, cell) => {
    const parts: string[] = [];
    for (let i = first[cell] ?? 0; i < (first[cell + 1] ?? 0); i += 1) {
      parts.push(`${owner[i]} ${letterOf(kind[i] ?? -1)} ${bytes[i]}`);
    }
    return parts;
  });
}

const UNIT = 16;

describe('pixels', () => {
  const map = picture(UNIT, 'dd.z..d.', 'd.dddd..');

  it('say what each cell holds', () => {
    const answer = pixels(map, 0, 16, 8);
    assert.deepEqual(cellsOf(answer), [
      ['0 d 16'],
      ['0 d 16'],
      ['1 d 16'],
      ['0 z 16'],
      ['1 d 16'],
      ['1 d 16'],
      ['0 d 16'],
      [`${NOBODY} . 16`],
    ]);
    assert.deepEqual([answer.rangeStart, answer.rangeEnd, answer.cellBytes, answer.cells], [0, 128, 16, 8]);
  });

  it('add up parts of one owner and kind within a cell, in the order of their first byte', () => {
    assert.deepEqual(cellsOf(pixels(map, 0, 64, 2)), [
      ['0 d 32', '1 d 16', '0 z 16'],
      ['1 d 32', '0 d 16', `${NOBODY} . 16`],
    ]);
    assert.deepEqual(cellsOf(pixels(map, 0, 128, 1)), [['0 d 48', '1 d 48', '0 z 16', `${NOBODY} . 16`]]);
  });

  it('begin and end inside runs', () => {
    assert.deepEqual(cellsOf(pixels(map, 24, 16, 2)), [
      ['0 d 8', '1 d 8'],
      ['1 d 8', '0 z 8'],
    ]);
  });

  it('of less than a run are all alike', () => {
    assert.deepEqual(cellsOf(pixels(map, 3, 1, 3)), [['0 d 1'], ['0 d 1'], ['0 d 1']]);
  });

  it('have no parts past the end of the disk', () => {
    const answer = pixels(map, 104, 16, 4);
    assert.deepEqual(cellsOf(answer), [['0 d 8', `${NOBODY} . 8`], [`${NOBODY} . 8`], [], []]);
    assert.equal(answer.rangeEnd, 128);
    assert.deepEqual(cellsOf(pixels(map, 800, 16, 2)), [[], []]);
    assert.deepEqual(cellsOf(pixels(picture(UNIT, ''), 0, 10, 2)), [[], []]);
  });

  it('may be none', () => {
    assert.deepEqual(cellsOf(pixels(map, 0, 10, 0)), []);
  });

  it('are cut where cells are no whole bytes long', () => {
    const answer = pixels(map, 0, 128 / 3, 3);
    const sums = cellsOf(answer).map((parts) => parts.reduce((sum, part) => sum + Number(part.split(' ')[2]), 0));
    assert.equal(Math.round(sums.reduce((a, b) => a + b, 0) * 1e6) / 1e6, 128);
    for (const sum of sums) assert(Math.abs(sum - 128 / 3) < 1e-6);
  });

  it('of a range that can not be are refused', () => {
    const ranges = [
      [-1, 10, 1],
      [0.5, 10, 1],
      [0, 0, 1],
      [0, -10, 1],
      [0, NaN, 1],
      [0, Infinity, 1],
      [0, 10, -1],
      [0, 10, 1.5],
      [NaN, 10, 1],
      [2 ** 53, 10, 1],
      [0, 10, MAX_CELLS + 1],
      [0, 10, Infinity],
    ] as const;
    for (const [start, cellBytes, cells] of ranges) {
      assert.throws(
        () => pixels(map, start, cellBytes, cells),
        { code: 'out-of-range' },
        `${start}, ${cellBytes}, ${cells}`,
      );
    }
  });

  it('of random maps and ranges hold each byte once', () => {
    const draw = Draw.named(3, 'pixels');
    for (let round = 0; round < 200; round += 1) {
      const unit = draw.pick([1, 512, 65536]);
      const letters = Array.from({ length: draw.between(1, 4) }, () => {
        return Array.from({ length: draw.between(1, 90) }, () => draw.pick(Array.from('..ddzc'))).join('');
      });
      const size = (letters[0] ?? '').length * unit;
      const random = picture(unit, ...letters);
      const start = draw.below(size);
      const cellBytes = draw.between(1, Math.max(1, Math.ceil(size / 3)));
      const cells = draw.between(1, 60);
      const answer = pixels(random, start, cellBytes, cells);
      const ownerAt = (byte: number): string => {
        const at = Math.floor(byte / unit);
        const depth = letters.findIndex(
          (text, i) => text[at] !== '.' || letters.slice(0, i).some((upper) => at >= upper.length),
        );
        const shorter = letters.findIndex((text) => at >= text.length);
        const hidden = depth < 0 || (shorter >= 0 && shorter <= depth);
        return hidden ? `${NOBODY} .` : `${depth} ${letters[depth]?.[at] ?? ''}`;
      };
      const expected = Array.from({ length: cells }, (_, cell) => {
        const parts = new Map<string, number>();
        const end = Math.min(size, start + (cell + 1) * cellBytes);
        // Steps of whole units within the cell, so that large units don't take a step for each byte.
        for (let at = start + cell * cellBytes; at < end;) {
          const stop = Math.min(end, (Math.floor(at / unit) + 1) * unit);
          const owner = ownerAt(at);
          parts.set(owner, (parts.get(owner) ?? 0) + stop - at);
          at = stop;
        }
        return [...parts].map(([owner, bytes]) => `${owner} ${bytes}`);
      });
      assert.deepEqual(cellsOf(answer), expected, `round ${round}`);
    }
  });
});
