import assert from 'node:assert/strict';
import { Kind } from '../../../src/core';
import { runAt } from '../../../src/core/runs';
import { MapBuilder } from '../../../src/core/scan/mapBuilder';
import { told } from '../../support/runs';

describe('the runs of a map', () => {
  it('join when they are of one owner and kind, and others do not', () => {
    const builder = new MapBuilder(0, false);
    builder.append(10, 0, Kind.Data, 100);
    builder.append(10, 0, Kind.Data, 900);
    builder.append(5, 0, Kind.Zero, -1);
    builder.append(5, 0, Kind.ZeroAllocated, -1);
    builder.append(5, 0, Kind.Data, 0);
    builder.append(5, 1, Kind.Data, 0);
    const map = builder.finish();
    assert.deepEqual(told(map), [
      [0, 20, 'd'],
      [20, 25, 'z'],
      [25, 30, 'a'],
      [30, 35, 'd'],
      [35, 40, 'd'],
    ]);
    assert.deepEqual([...map.owner], [0, 0, 0, 0, 1]);
    assert.equal(map.host, undefined);
  });

  it('with host offsets join only where the file goes on', () => {
    const builder = new MapBuilder(0, true);
    builder.append(10, 0, Kind.Data, 100);
    builder.append(10, 0, Kind.Data, 110);
    builder.append(10, 0, Kind.Data, 130);
    builder.append(10, 0, Kind.Data, 120);
    builder.append(10, 0, Kind.Absent, 130);
    builder.append(10, 0, Kind.Absent, -1);
    builder.append(10, 0, Kind.Absent, -1);
    builder.append(10, 0, Kind.Absent, 9);
    assert.deepEqual(told(builder.finish()), [
      [0, 20, 'd', 100],
      [20, 30, 'd', 130],
      [30, 40, 'd', 120],
      [40, 50, '.', 130],
      [50, 70, '.', -1],
      [70, 80, '.', 9],
    ]);
  });

  it('at host offset 0 are somewhere', () => {
    const builder = new MapBuilder(0, true);
    builder.append(10, 0, Kind.Data, 0);
    builder.append(10, 0, Kind.Data, 10);
    builder.append(10, 0, Kind.Data, -1);
    assert.deepEqual(told(builder.finish()), [
      [0, 20, 'd', 0],
      [20, 30, 'd', -1],
    ]);
  });

  it('of no length are nothing', () => {
    const builder = new MapBuilder(100, true);
    builder.append(10, 0, Kind.Data, 0);
    builder.append(0, 0, Kind.Zero, -1);
    builder.append(10, 0, Kind.Data, 10);
    assert.deepEqual(told(builder.finish()), [[100, 120, 'd', 0]]);
  });

  it('of an empty part have an end all the same', () => {
    const map = new MapBuilder(70, true).finish();
    assert.equal(map.count, 0);
    assert.deepEqual(map.start, Float64Array.of(70));
  });

  it('are found by any offset inside them', () => {
    const start = Float64Array.of(0, 10, 11, 500, 900);
    const runs = { count: 4, start };
    assert.deepEqual(
      [0, 9, 10, 11, 12, 499, 500, 899].map((offset) => runAt(runs, offset)),
      [0, 0, 1, 2, 2, 2, 3, 3],
    );
    assert.equal(runAt({ count: 1, start: Float64Array.of(0, 5) }, 4), 0);
  });
});
