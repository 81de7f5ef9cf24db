import assert from 'node:assert/strict';
import { Kind, UNKNOWN_OWNER } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import type { PixelReply, PixelRequest } from '../../../src/protocol/image';
import { partsOf } from '../../../src/webview/map/cells';
import { findBlock, PixelSource } from '../../../src/webview/map/source';

const DISK = { size: 1_000_000, unit: 100 };

/** One owner everywhere. */
function plain({ start, cellBytes, cells }: PixelRequest, owner: number): Pixels {
  const end = Math.min(start + cells * cellBytes, DISK.size);
  return {
    rangeStart: start, rangeEnd: end, cellBytes, cells,
    first: Uint32Array.from({ length: cells + 1 }, (_, cell) => cell),
    owner: new Int16Array(cells).fill(owner), kind: new Uint8Array(cells).fill(Kind.Data),
    bytes: Float64Array.from({ length: cells }, (_, cell) => Math.min(cellBytes, end - start - cell * cellBytes)),
  };
}

interface Asked {
  readonly request: PixelRequest;
  answer(owner: number, generation: number, complete?: boolean): Promise<void>;
  fail(message: string): Promise<void>;
}

/** A source whose host answers when the test says so. */
function bench(): { source: PixelSource; asked: Asked[]; errors: string[]; changes: () => number } {
  const asked: Asked[] = [];
  const errors: string[] = [];
  let changes = 0;
  const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
  const fetch = (request: PixelRequest): Promise<PixelReply> => new Promise((resolve, reject) => {
    asked.push({
      request,
      answer: (owner, generation, complete = true) => {
        resolve({ generation, complete, pixels: plain(request, owner) });
        return settled();
      },
      fail: (message) => {
        reject(new Error(message));
        return settled();
      },
    });
  });
  const source = new PixelSource(fetch, () => { changes += 1; }, (error) => errors.push(String(error)));
  return { source, asked, errors, changes: () => changes };
}

const at = (start: number): PixelRequest => ({ start, cellBytes: 100, cells: 50 });
const ownerOf = (pixels: Pixels): number | undefined => partsOf(pixels, 0)[0]?.owner;

describe('the pictures of a disk', () => {
  it('begin with one of the whole disk, asked for once a generation', () => {
    const { source, asked } = bench();
    source.show(DISK, 1);
    source.show(DISK, 1);
    // 4,096 cells at most: 400 bytes each, which is the unit doubled twice.
    assert.deepEqual(asked.map(({ request }) => request), [{ start: 0, cellBytes: 400, cells: 2500 }]);
  });

  it('are stretched from what is there until the exact one comes', async () => {
    const { source, asked, changes } = bench();
    source.show(DISK, 1);
    await asked[0]?.answer(3, 1);
    assert.equal(ownerOf(source.overview() ?? assert.fail()), 3);
    const coarse = source.picture(at(200_000), 25);
    assert.deepEqual([coarse.exact, ownerOf(coarse.pixels)], [false, 3]);
    assert.deepEqual(asked[1]?.request, { start: 197_500, cellBytes: 100, cells: 100 });
    await asked[1].answer(5, 1);
    const exact = source.picture(at(200_000), 25);
    assert.deepEqual([exact.exact, ownerOf(exact.pixels)], [true, 5]);
    assert.equal(source.picture(at(202_400), 25).exact, true);
    assert.equal(changes(), 2);
    assert.equal(asked.length, 2);
  });

  it('are asked for one at a time, and of those that wait only the latest', async () => {
    const { source, asked } = bench();
    source.show(DISK, 1);
    for (const start of [0, 100_000, 300_000, 500_000]) source.picture(at(start), 0);
    assert.deepEqual(asked.slice(1).map(({ request }) => request.start), [0]);
    await asked[1]?.answer(1, 1);
    assert.deepEqual(asked.slice(1).map(({ request }) => request.start), [0, 500_000]);
  });

  it('of an older generation are dropped when they come late, and serve while newer ones are awaited', async () => {
    const { source, asked } = bench();
    source.show(DISK, 1);
    await asked[0]?.answer(1, 1);
    source.picture(at(0), 0);
    await asked[1]?.answer(1, 1);
    source.picture(at(100_000), 0);
    source.show(DISK, 2);
    await asked[2]?.answer(9, 1);
    const late = source.picture(at(100_000), 0);
    assert.deepEqual([late.exact, ownerOf(late.pixels)], [false, 1]);
    const old = source.picture(at(0), 0);
    assert.deepEqual([old.exact, ownerOf(old.pixels)], [false, 1]);
  });

  it('that run ahead of what is told are no reason to start anew', async () => {
    const { source, asked } = bench();
    source.show(DISK, 1);
    await asked[0]?.answer(1, 3);
    source.show(DISK, 1);
    source.show(DISK, 2);
    source.show(DISK, 3);
    assert.equal(asked.length, 1);
    assert.equal(ownerOf(source.overview() ?? assert.fail()), 1);
  });

  it('in which nothing is known yet do not replace those in which something is', async () => {
    const { source, asked } = bench();
    source.show(DISK, 1);
    await asked[0]?.answer(1, 1);
    source.show(DISK, 2);
    await asked[1]?.answer(UNKNOWN_OWNER, 2, false);
    assert.equal(ownerOf(source.overview() ?? assert.fail()), 1);
    assert.equal(asked.length, 2, 'asking again is left to the next generation');
    source.show(DISK, 3);
    await asked[2]?.answer(UNKNOWN_OWNER, 3, true);
    assert.equal(ownerOf(source.overview() ?? assert.fail()), UNKNOWN_OWNER);
  });

  it('of a file that was opened by another worker are all new', async () => {
    const { source, asked } = bench();
    source.show(DISK, 5);
    await asked[0]?.answer(1, 5);
    source.show(DISK, 1);
    assert.equal(source.overview(), undefined);
    await asked[1]?.answer(2, 1);
    assert.equal(ownerOf(source.overview() ?? assert.fail()), 2);
  });

  it('of another disk are forgotten', async () => {
    const { source, asked } = bench();
    source.show(DISK, 1);
    await asked[0]?.answer(1, 1);
    source.show({ size: 500_000, unit: 100 }, 2);
    assert.equal(source.overview(), undefined);
  });

  it('are not asked for again after a failure, until something changes', async () => {
    const { source, asked, errors } = bench();
    source.show(DISK, 1);
    await asked[0]?.fail('gone');
    source.picture(at(0), 0);
    assert.deepEqual([errors, asked.length], [['Error: gone'], 1]);
    source.show(DISK, 2);
    assert.equal(asked.length, 2);
  });
});

describe('looking for a block', () => {
  it('asks for finer cells until one block is left', async () => {
    const wanted = 7_654_300;
    const requests: PixelRequest[] = [];
    const fetch = (request: PixelRequest): Promise<PixelReply> => {
      requests.push(request);
      const pixels = plain(request, 1);
      const cell = Math.floor((wanted - request.start) / request.cellBytes);
      if (cell >= 0 && cell < request.cells) pixels.owner[cell] = 4;
      return Promise.resolve({ generation: 1, complete: true, pixels });
    };
    const where = { start: 0, end: 10_000_000, unit: 100 };
    assert.equal(await findBlock(fetch, where, { owner: 4, kind: Kind.Data }), wanted);
    // 100,000 blocks do not fit into 4,096 cells; 32 blocks a cell do.
    assert.deepEqual(requests.map(({ cellBytes }) => cellBytes), [3200, 100]);
    assert.equal(await findBlock(fetch, where, { owner: 5, kind: Kind.Data }), undefined);
  });

  it('looks into a block that is itself in parts', async () => {
    // A cluster of 64 KiB whose third subcluster alone belongs to layer 1.
    const cluster = 65_536;
    const from = 5 * cluster + 2 * 2048;
    const fetch = ({ start, cellBytes, cells }: PixelRequest): Promise<PixelReply> => {
      const first = [0];
      const owner: number[] = [];
      for (let cell = 0; cell < cells; cell += 1) {
        const [begin, end] = [start + cell * cellBytes, start + (cell + 1) * cellBytes];
        if (begin < from || end > from + 2048) owner.push(0);
        if (begin < from + 2048 && end > from) owner.push(1);
        first.push(owner.length);
      }
      const pixels: Pixels = {
        rangeStart: start, rangeEnd: start + cells * cellBytes, cellBytes, cells, first: Uint32Array.from(first),
        owner: Int16Array.from(owner), kind: new Uint8Array(owner.length).fill(Kind.Data),
        bytes: new Float64Array(owner.length).fill(1),
      };
      return Promise.resolve({ generation: 1, complete: true, pixels });
    };
    const where = { start: 0, end: 8 * cluster, unit: cluster };
    assert.equal(await findBlock(fetch, where, { owner: 1, kind: Kind.Data }), from);
    assert.equal(await findBlock(fetch, { ...where, start: from }, { owner: 0, kind: Kind.Data }), from + 2048);
  });
});
