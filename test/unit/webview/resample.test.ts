import assert from 'node:assert/strict';
import { Kind, NOBODY, UNKNOWN_OWNER } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import { partsOf } from '../../../src/webview/map/cells';
import { resample } from '../../../src/webview/map/resample';

type CellParts = readonly (readonly [owner: number, bytes: number])[];

function picture(rangeStart: number, cellBytes: number, cells: readonly CellParts[]): Pixels {
  const all = cells.flat();
  const first = [0];
  for (const parts of cells) first.push((first.at(-1) ?? 0) + parts.length);
  const bytes = all.map(([, size]) => size);
  return {
    rangeStart, rangeEnd: rangeStart + bytes.reduce((sum, size) => sum + size, 0), cellBytes, cells: cells.length,
    first: Uint32Array.from(first), owner: Int16Array.from(all, ([owner]) => owner),
    kind: new Uint8Array(all.length).fill(Kind.Data), bytes: Float64Array.from(bytes),
  };
}

const told = (pixels: Pixels): CellParts[] => Array.from({ length: pixels.cells }, (_, cell) =>
  partsOf(pixels, cell).map(({ owner, bytes }) => [owner, bytes] as const));

/** Four cells of 100 bytes; the last is cut short by the end of the disk at 380. */
const COARSE = picture(0, 100, [[[0, 100]], [[0, 50], [1, 50]], [[NOBODY, 100]], [[1, 80]]]);

describe('the marks of a picture drawn from another', () => {
  const marked = { ...COARSE, different: Float64Array.of(0, 100, 40, 0), damaged: Float64Array.of(1, 0, 0, 0) };

  it('are summed where cells are', () => {
    const { different, damaged } = resample({ start: 0, cellBytes: 200, cells: 2 }, 380, [marked]);
    assert.deepEqual([[...different ?? []], [...damaged ?? []]], [[100, 40], [1, 0]]);
  });

  it('are on every piece of a cell that is cut', () => {
    const { different } = resample({ start: 100, cellBytes: 50, cells: 4 }, 380, [marked]);
    assert.deepEqual([...different ?? []], [50, 50, 20, 20]);
  });

  it('are none where the source has none', () => {
    assert.equal(resample({ start: 0, cellBytes: 200, cells: 2 }, 380, [COARSE]).different, undefined);
  });
});

describe('a picture drawn from another', () => {
  it('sums finer cells', () => {
    assert.deepEqual(told(resample({ start: 0, cellBytes: 200, cells: 2 }, 380, [COARSE])),
      [[[0, 150], [1, 50]], [[NOBODY, 100], [1, 80]]]);
  });

  it('cuts coarser cells where their parts stand', () => {
    assert.deepEqual(told(resample({ start: 100, cellBytes: 50, cells: 3 }, 380, [COARSE])),
      [[[0, 50]], [[1, 50]], [[NOBODY, 50]]]);
    assert.deepEqual(told(resample({ start: 120, cellBytes: 60, cells: 1 }, 380, [COARSE])), [[[0, 30], [1, 30]]]);
  });

  it('knows no piece of a cell better than the whole of it', () => {
    const halfRead = picture(0, 100, [[[0, 40], [UNKNOWN_OWNER, 60]], [[1, 100]]]);
    assert.deepEqual(told(resample({ start: 0, cellBytes: 50, cells: 3 }, 200, [halfRead])),
      [[[0, 20], [UNKNOWN_OWNER, 30]], [[0, 20], [UNKNOWN_OWNER, 30]], [[1, 50]]]);
    // Not cut, it is summed as it is.
    assert.deepEqual(told(resample({ start: 0, cellBytes: 200, cells: 1 }, 200, [halfRead])),
      [[[0, 40], [UNKNOWN_OWNER, 60], [1, 100]]]);
  });

  it('is the same where the cells are', () => {
    assert.deepEqual(told(resample({ start: 0, cellBytes: 100, cells: 4 }, 380, [COARSE])), told(COARSE));
  });

  it('takes each cell from the first source that covers all of it', () => {
    const fine = picture(100, 50, [[[7, 50]], [[7, 50]], [[8, 50]]]);
    assert.deepEqual(told(resample({ start: 0, cellBytes: 100, cells: 4 }, 380, [fine, COARSE])),
      [[[0, 100]], [[7, 100]], [[NOBODY, 100]], [[1, 80]]]);
  });

  it('leaves cells empty that no source covers', () => {
    const part = picture(0, 100, [[[0, 100]]]);
    assert.deepEqual(told(resample({ start: 0, cellBytes: 100, cells: 3 }, 380, [part])), [[[0, 100]], [], []]);
  });

  it('keeps every byte, whatever the cells', () => {
    const sum = (pixels: Pixels): number => pixels.bytes.reduce((total, bytes) => total + bytes, 0);
    for (const cellBytes of [7, 33, 100, 101, 379, 1000]) {
      const cells = Math.ceil(380 / cellBytes);
      assert.equal(sum(resample({ start: 0, cellBytes, cells }, 380, [COARSE])), 380, `cells of ${cellBytes}`);
    }
  });
});
