import assert from 'node:assert/strict';
import { Kind, NOBODY } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import { createCellParts, divideCell, partAt, partsOf } from '../../../src/webview/map/cells';

/** One cell of 100 bytes with these owners and bytes. */
function cell(...parts: [owner: number, bytes: number][]): Pixels {
  return {
    rangeStart: 0, rangeEnd: 100, cellBytes: 100, cells: 1, first: Uint32Array.of(0, parts.length),
    owner: Int16Array.from(parts, ([owner]) => owner), kind: new Uint8Array(parts.length).fill(Kind.Data),
    bytes: Float64Array.from(parts, ([, bytes]) => bytes),
  };
}

function edges(pixels: Pixels, width: number): number[] {
  const out = createCellParts();
  divideCell(pixels, 0, width, out);
  return [...out.edge.subarray(0, out.count + 1)];
}

describe('the parts of a cell', () => {
  it('share its width in proportion, in order', () => {
    assert.deepEqual(edges(cell([2, 75], [0, 25]), 12), [0, 9, 12]);
    assert.deepEqual(edges(cell([3, 100]), 13), [0, 13]);
  });

  it('never vanish as long as somebody owns them', () => {
    assert.deepEqual(edges(cell([1, 99], [0, 1]), 13), [0, 12, 13]);
    assert.deepEqual(edges(cell([0, 1], [1, 99]), 13), [0, 1, 13]);
    assert.deepEqual(edges(cell([1, 50], [0, 1], [2, 49]), 10), [0, 4, 5, 10]);
    assert.deepEqual(edges(cell([1, 30], [0, 1], [2, 1], [1, 68]), 10), [0, 3, 4, 5, 10]);
  });

  it('may vanish where nobody owns them, or where there are more parts than pixels', () => {
    assert.deepEqual(edges(cell([1, 99], [NOBODY, 1]), 13), [0, 13, 13]);
    assert.deepEqual(edges(cell([0, 97], [1, 1], [2, 1], [3, 1]), 3), [0, 3, 3, 3, 3]);
  });

  it('end where the disk ends', () => {
    assert.deepEqual(edges(cell([1, 50]), 12), [0, 6]);
    assert.deepEqual(edges(cell([1, 1]), 12), [0, 1]);
  });

  it('are found by the place within the cell', () => {
    const parts = partsOf(cell([2, 75], [0, 25]), 0);
    assert.deepEqual([0, 0.74, 0.76, 1].map((along) => partAt(parts, along)?.owner), [2, 2, 0, 0]);
    assert.equal(partAt([], 0.5), undefined);
  });
});
