import assert from 'node:assert/strict';
import { FileMapBuilder } from '../../../../../src/core/formats/check/fileMapBuilder';
import { Use } from '../../../../../src/core/model';

describe('the map of a file in the making', () => {
  it('joins neighbours of one use, and leaves out what has no length', () => {
    const map = new FileMapBuilder();
    map.append(10, Use.Header);
    map.append(20, Use.Data);
    map.append(20, Use.Leaked);
    map.append(15, Use.Leaked);
    map.append(30, Use.Data);
    map.append(35, Use.Free);
    assert.deepEqual(map.finish(), {
      count: 3,
      start: Float64Array.of(0, 10, 30, 35),
      use: Uint8Array.of(Use.Header, Use.Data, Use.Free),
    });
  });

  it('of nothing has no parts', () => {
    assert.deepEqual(new FileMapBuilder().finish(), { count: 0, start: Float64Array.of(0), use: new Uint8Array() });
  });

  it('in too many pieces is unknown from there to its end', () => {
    const map = new FileMapBuilder();
    const most = 2 ** 21;
    const end = most + 10;
    for (let at = 0; at < end; at += 1) map.append(at + 1, at % 2 === 0 ? Use.Data : Use.Free);
    const { count, start, use } = map.finish();
    assert.deepEqual([count, start.length, use.length], [most + 1, most + 2, most + 1]);
    assert.deepEqual([...start.subarray(most - 1)], [most - 1, most, end]);
    assert.deepEqual([...use.subarray(most - 2)], [Use.Data, Use.Free, Use.Unknown]);
  });
});
