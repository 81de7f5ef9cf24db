import assert from 'node:assert/strict';
import { Kind } from '../../../src/core';
import { RunBuilder, runAt } from '../../../src/core/runs';
import { told } from '../../support/runs';

describe('runs', () => {
  it('of one kind join, and others do not', () => {
    const builder = new RunBuilder(false, Infinity);
    builder.append(10, Kind.Data, 100);
    builder.append(10, Kind.Data, 900);
    builder.append(5, Kind.Zero, -1);
    builder.append(5, Kind.ZeroAllocated, -1);
    builder.append(5, Kind.Data, 0);
    assert.equal(builder.end, 35);
    const runs = builder.finish(35);
    assert.deepEqual(told(runs), [
      [0, 20, 'd'],
      [20, 25, 'z'],
      [25, 30, 'a'],
      [30, 35, 'd'],
    ]);
    assert.equal(runs.host, undefined);
  });

  it('with host offsets join only where the file goes on', () => {
    const builder = new RunBuilder(true, Infinity);
    builder.append(10, Kind.Data, 100);
    builder.append(10, Kind.Data, 110);
    builder.append(10, Kind.Data, 130);
    builder.append(10, Kind.Data, 120);
    builder.append(10, Kind.Absent, 130);
    builder.append(10, Kind.Absent, -1);
    builder.append(10, Kind.Absent, -1);
    builder.append(10, Kind.Absent, 9);
    const expected = [
      [0, 20, 'd', 100],
      [20, 30, 'd', 130],
      [30, 40, 'd', 120],
      [40, 50, '.', 130],
      [50, 70, '.', -1],
      [70, 80, '.', 9],
    ];
    assert.deepEqual(told(builder.finish(80)), expected);
  });

  it('at host offset 0 are somewhere', () => {
    const builder = new RunBuilder(true, Infinity);
    builder.append(10, Kind.Data, 0);
    builder.append(10, Kind.Data, 10);
    builder.append(10, Kind.Data, -1);
    assert.deepEqual(told(builder.finish(30)), [
      [0, 20, 'd', 0],
      [20, 30, 'd', -1],
    ]);
  });

  it('of no length are nothing', () => {
    const builder = new RunBuilder(true, Infinity);
    builder.append(10, Kind.Data, 0);
    builder.append(0, Kind.Zero, -1);
    builder.append(10, Kind.Data, 10);
    assert.deepEqual(told(builder.finish(20)), [[0, 20, 'd', 0]]);
  });

  it('end where the disk ends: cut, or filled with absent', () => {
    const build = (end: number): unknown => {
      const builder = new RunBuilder(false, Infinity);
      builder.append(10, Kind.Data, -1);
      builder.append(10, Kind.Zero, -1);
      return told(builder.finish(end));
    };
    assert.deepEqual(build(15), [
      [0, 10, 'd'],
      [10, 15, 'z'],
    ]);
    assert.deepEqual(build(10), [[0, 10, 'd']]);
    assert.deepEqual(build(3), [[0, 3, 'd']]);
    assert.deepEqual(build(0), []);
    assert.deepEqual(build(25), [
      [0, 10, 'd'],
      [10, 20, 'z'],
      [20, 25, '.'],
    ]);
  });

  it('of an empty disk have an end all the same', () => {
    const runs = new RunBuilder(true, Infinity).finish(0);
    assert.equal(runs.count, 0);
    assert.deepEqual(runs.start, Float64Array.of(0));
  });

  it('grow past any first guess, in order and exact', () => {
    const builder = new RunBuilder(true, Infinity);
    const count = 5000;
    for (let i = 0; i < count; i += 1)
      builder.append(i + 1, i % 2 === 0 ? Kind.Data : Kind.Compressed, i % 2 === 0 ? i * 7 : -1);
    const end = (count * (count + 1)) / 2;
    const runs = builder.finish(end);
    assert.equal(runs.count, count);
    assert.equal(runs.start.length, count + 1);
    for (const i of [0, 1, 1023, 1024, 1025, 2048, 4999]) {
      assert.equal(runs.start[i], (i * (i + 1)) / 2);
      assert.equal(runs.kind[i], i % 2 === 0 ? Kind.Data : Kind.Compressed);
      assert.equal(runs.host?.[i], i % 2 === 0 ? i * 7 : -1);
    }
    assert.equal(runs.start[count], end);
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
