import assert from 'node:assert/strict';
import { Kind, UNKNOWN_OWNER } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import { estimate } from '../../../src/webview/map/estimate';

/** One digit a cell: tenths of it that are known. Blank: a cell that no picture covers. */
function picture(cells: string): Pixels {
  const parts = Array.from(cells, (digit) => (digit === ' ' ? [] : [[0, Number(digit)], [UNKNOWN_OWNER, 10 - Number(digit)]]));
  const all = parts.flat();
  const first = [0];
  for (const each of parts) first.push((first.at(-1) ?? 0) + each.length);
  return {
    rangeStart: 0, rangeEnd: cells.length * 10, cellBytes: 10, cells: cells.length, first: Uint32Array.from(first),
    owner: Int16Array.from(all, ([owner]) => owner ?? 0),
    kind: Uint8Array.from(all, ([owner]) => (owner === UNKNOWN_OWNER ? Kind.Unknown : Kind.Data)),
    bytes: Float64Array.from(all, ([, bytes]) => bytes ?? 0),
  };
}

describe('what can be told of cells that are not read yet', () => {
  it('is how much of each is known', () => {
    assert.deepEqual([...estimate(picture('0509 ')).known], [0, 0.5, 0, 0.9, 0]);
  });

  it('is what the nearest cell tells of which anything is known, of two equally near the one before', () => {
    assert.deepEqual([...estimate(picture('0070000 10')).like], [2, 2, 2, 2, 2, 2, 8, 8, 8, 8]);
    assert.deepEqual([...estimate(picture('30003')).like], [0, 0, 0, 4, 4]);
  });

  it('is nothing where nothing is known', () => {
    assert.deepEqual([...estimate(picture('000')).like], [-1, -1, -1]);
  });
});
