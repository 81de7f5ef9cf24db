import assert from 'node:assert/strict';
import { Use } from '../../../../../src/core';
import type { Stretch } from '../../../../../src/core/formats/check/claimWindow';
import { ClaimWindow } from '../../../../../src/core/formats/check/claimWindow';

type Claim = readonly [start: number, end: number, use: Use];

/** All windows of a file, one after the other, as those who fill them go about it. */
function tell(size: number, room: number, claims: readonly Claim[]): { stretches: Stretch[]; windows: number } {
  const window = new ClaimWindow(size, room);
  const stretches: Stretch[] = [];
  let windows = 0;
  for (; window.start < size; windows += 1) {
    for (const [start, end, use] of claims) window.add(start, end, use);
    if (window.isOverfull()) break;
    for (const stretch of window.stretches()) stretches.push(stretch);
  }
  return { stretches, windows };
}

/** The same, byte by byte. */
function counted(size: number, claims: readonly Claim[]): string[] {
  return Array.from({ length: size }, (_, at) => {
    const here = claims.filter(([start, end]) => start <= at && at < end);
    return here.length === 1 ? `1 ${here[0]?.[2]}` : String(here.length);
  });
}

function flat(size: number, stretches: readonly Stretch[]): string[] {
  const told = new Array<string>(size).fill('untold');
  for (const { start, end, claims, use } of stretches)
    told.fill(claims === 1 ? `1 ${use}` : String(claims), start, end);
  return told;
}

describe('claims of a file', () => {
  it('are told in order, with what nothing claims and what several do', () => {
    const claims: Claim[] = [
      [50, 60, Use.Data],
      [0, 10, Use.Header],
      [55, 70, Use.Compressed],
      [20, 30, Use.BlockTables],
      [57, 58, Use.Log],
    ];
    const { stretches } = tell(100, 8, claims);
    const told = stretches.map(({ start, end, claims: count, use }) => [start, end, count, count === 1 ? use : -1]);
    assert.deepEqual(told, [
      [0, 10, 1, Use.Header],
      [10, 20, 0, -1],
      [20, 30, 1, Use.BlockTables],
      [30, 50, 0, -1],
      [50, 55, 1, Use.Data],
      [55, 57, 2, -1],
      [57, 58, 3, -1],
      [58, 60, 2, -1],
      [60, 70, 1, Use.Compressed],
      [70, 100, 0, -1],
    ]);
  });

  it('are the same however little room there is', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let round = 0; round < 40; round += 1) {
      const claims = Array.from({ length: 60 }, (): Claim => {
        const start = random(990);
        return [start, Math.min(1000, start + 1 + random(round % 2 === 0 ? 10 : 80)), random(20) as Use];
      });
      const expected = counted(1000, claims);
      for (const room of [60, 24, 16]) {
        const { stretches, windows } = tell(1000, room, claims);
        assert.deepEqual(flat(1000, stretches), expected, `room ${room}`);
        assert.ok(room === 60 ? windows === 1 : windows > 1);
      }
    }
  });

  it('that lie in a row take room for one', () => {
    const claims = Array.from({ length: 500 }, (_, i): Claim => [i * 2, i * 2 + 2, Use.Data]);
    const { stretches, windows } = tell(1000, 2, claims);
    assert.deepEqual([stretches.length, windows], [1, 1]);
  });

  it('are given up where more begin at one place than there is room for', () => {
    const claims = Array.from({ length: 40 }, (): Claim => [100, 200, Use.Data]);
    assert.deepEqual(tell(1000, 8, claims), { stretches: [], windows: 0 });
    assert.deepEqual(tell(1000, 40, claims).stretches[1]?.claims, 40);
  });

  it('reach past the longest window', () => {
    const size = 2 ** 48;
    const { stretches } = tell(size, 8, [
      [2 ** 47 + 5, 2 ** 47 + 7, Use.Data],
      [0, 2 ** 46 + 9, Use.Log],
    ]);
    const told = stretches.filter(({ claims }) => claims > 0).map(({ start, end, use }) => [start, end, use]);
    assert.deepEqual(told, [
      [0, 2 ** 46, Use.Log],
      [2 ** 46, 2 ** 46 + 9, Use.Log],
      [2 ** 47 + 5, 2 ** 47 + 7, Use.Data],
    ]);
  });
});
