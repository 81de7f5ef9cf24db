/** Maps as plain text, so that a test can state them by hand. */
import assert from 'node:assert/strict';
import type { OwnershipMap } from '../../src/core';
import { Kind } from '../../src/core';

const LETTERS: Readonly<Record<string, Kind>> = {
  '.': Kind.Absent,
  d: Kind.Data,
  z: Kind.Zero,
  a: Kind.ZeroAllocated,
  c: Kind.Compressed,
  i: Kind.Invalid,
  u: Kind.Unknown,
};

export const kindOf = (letter: string): Kind => LETTERS[letter] ?? Kind.Unknown;
export const letterOf = (kind: number): string =>
  Object.keys(LETTERS).find((letter) => LETTERS[letter] === kind) ?? '?';

/** `[start, end, kind letter, host offset]` of each range of a layer by itself. */
export function told({ count, start, kind, host }: OwnershipMap): (readonly [number, number, string, number?])[] {
  return Array.from({ length: count }, (_, i) => {
    const range = [start[i] ?? NaN, start[i + 1] ?? NaN, letterOf(kind[i] ?? NaN)] as const;
    return host ? [...range, host[i] ?? NaN] : range;
  });
}

/** `[start, end, owner, kind letter]` of each range; neighbours that differ only in where they lie in the file are one. */
export function toldMap({ count, start, owner, kind }: OwnershipMap): (readonly [number, number, number, string])[] {
  return Array.from({ length: count }, (_, i) => {
    return [start[i] ?? NaN, start[i + 1] ?? NaN, owner[i] ?? NaN, letterOf(kind[i] ?? NaN)] as const;
  });
}

/**
 * One map of maps that follow each other, each of which is checked to begin where the one before it ends.
 * @param hosts whether it keeps host offsets; without them it joins what only they tell apart
 */
export function joined(maps: Iterable<OwnershipMap>, hosts = true): OwnershipMap {
  const start: number[] = [];
  const owner: number[] = [];
  const kind: number[] = [];
  const host: number[] = [];
  let end: number | undefined;
  for (const map of maps) {
    assert(map.count > 0, 'a map has a run');
    if (end !== undefined) assert.equal(map.start[0], end, 'each map begins where the one before it ends');
    for (let i = 0; i < map.count; i += 1) {
      const from = map.start[i] ?? NaN;
      const place = map.host?.[i] ?? -1;
      const before = host.at(-1) ?? -1;
      const goesOn = before < 0 ? place < 0 : place === before + from - (start.at(-1) ?? NaN);
      if (owner.length > 0 && owner.at(-1) === map.owner[i] && kind.at(-1) === map.kind[i] && (!hosts || goesOn)) {
        continue;
      }
      start.push(from);
      owner.push(map.owner[i] ?? NaN);
      kind.push(map.kind[i] ?? NaN);
      host.push(place);
    }
    end = map.start[map.count];
  }
  return {
    count: owner.length,
    start: Float64Array.of(...start, end ?? 0),
    owner: Int16Array.from(owner),
    kind: Uint8Array.from(kind),
    ...(hosts ? { host: Float64Array.from(host) } : {}),
  };
}
