import assert from 'node:assert/strict';
import type { HostExtents } from '../../../src/core';
import { extentAt, isData, windowOf } from '../../../src/core/extents';
import { extentsOf, memorySource } from '../../support/memory';

const EXTENTS = extentsOf(100, [
  [0, 10],
  [20, 30],
  [90, 100],
]);

describe('data and holes of a file', () => {
  it('are found by any offset', () => {
    assert.deepEqual(
      [0, 9, 10, 19, 20, 29, 30, 89, 90, 99].map((offset) => extentAt(EXTENTS, offset)),
      [0, 0, 1, 1, 2, 2, 3, 3, 4, 4],
    );
    assert.deepEqual(
      [0, 9, 10, 19, 20, 29, 30, 89, 90, 99].filter((offset) => isData(EXTENTS, offset)),
      [0, 9, 20, 29, 90, 99],
    );
  });

  it('may begin with a hole', () => {
    const extents = extentsOf(100, [[40, 60]]);
    assert.deepEqual(
      [0, 39, 40, 59, 60, 99].filter((offset) => isData(extents, offset)),
      [40, 59],
    );
  });
});

describe('a part of a file', () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const whole = memorySource({ bytes, extents: EXTENTS, diskUsage: 4096 });

  it('reads from its own start to its own end', () => {
    const part = windowOf(whole, 20, 50);
    const target = new Uint8Array(3);
    part.readInto(target, 0);
    assert.deepEqual(target, Uint8Array.of(20, 21, 22));
    part.readInto(target, 47);
    assert.deepEqual(target, Uint8Array.of(67, 68, 69));
    assert.equal(part.size, 50);
  });

  it('ends before the file does', () => {
    const part = windowOf(whole, 20, 50);
    assert.throws(
      () => {
        part.readInto(new Uint8Array(4), 47);
      },
      { code: 'short-read', offset: 67 },
    );
  });

  it('knows where it stands in the file, also within another part', () => {
    assert.equal(windowOf(whole, 20, 50).origin, 20);
    assert.equal(windowOf(windowOf(whole, 20, 50), 5, 10).origin, 25);
  });

  it('has the data and holes that lie in it', () => {
    const cut = (offset: number, size: number): unknown => {
      const extents = windowOf(whole, offset, size).extents?.();
      return [[...(extents?.bounds ?? [])], extents?.startsWithData];
    };
    assert.deepEqual(cut(0, 100), [[0, 10, 20, 30, 90, 100], true]);
    assert.deepEqual(cut(5, 20), [[0, 5, 15, 20], true]);
    assert.deepEqual(cut(10, 10), [[0, 10], false]);
    assert.deepEqual(cut(20, 10), [[0, 10], true]);
    assert.deepEqual(cut(15, 80), [[0, 5, 15, 75, 80], false]);
  });

  it('has no more to say about holes than the whole', () => {
    const source = memorySource(bytes);
    assert.equal('extents' in windowOf(source, 1, 2), false);
    const assumed: HostExtents = { bounds: Float64Array.of(0, 100), startsWithData: true, certainty: 'assumed' };
    assert.equal(windowOf(memorySource({ bytes, extents: assumed }), 1, 2).extents?.().certainty, 'assumed');
    assert.equal(windowOf(whole, 1, 2).extents?.().certainty, 'exact');
  });

  it('of no bytes has nothing unknown in it', () => {
    const extents = windowOf(whole, 50, 0).extents?.();
    assert.deepEqual([[...(extents?.bounds ?? [])], extents?.certainty], [[0, 0], 'exact']);
  });

  it('may be in a million pieces', () => {
    const pieces = 1_000_000;
    const bounds = Float64Array.from({ length: pieces + 1 }, (_, i) => i * 4096);
    const size = pieces * 4096;
    const source = {
      ...memorySource(new Uint8Array()),
      size,
      extents: (): HostExtents => ({ bounds, startsWithData: true, certainty: 'exact' }),
    };
    const extents = windowOf(source, 4096, size - 4096).extents?.();
    assert.equal(extents?.bounds.length, pieces);
    assert.equal(extents.startsWithData, false);
    assert.equal(extents.bounds[1], 4096);
  });
});
