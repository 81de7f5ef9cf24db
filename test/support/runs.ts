/** Run lists and maps as plain text, so that a test can state them by hand. */
import type { OwnershipMap, RunList } from '../../src/core';
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

/**
 * A run list from one letter a unit: `.` absent, `d` data, `z` zero, `a` zero-allocated, `c` compressed, `i` invalid,
 * `u` unknown.
 * @param end size of the disk; the last unit is cut there
 * @param hosts host offset of each unit, or -1; the list keeps none when left out
 */
export function runsFrom(
  letters: string,
  unit: number,
  end = letters.length * unit,
  hosts?: readonly number[],
): RunList {
  const start: number[] = [];
  const kind: number[] = [];
  const host: number[] = [];
  Array.from(letters).forEach((letter, index) => {
    const at = hosts?.[index] ?? -1;
    const before = hosts?.[index - 1] ?? -1;
    const contiguous = at < 0 ? before < 0 : before >= 0 && at === before + unit;
    if (kind.at(-1) === kindOf(letter) && index > 0 && (hosts === undefined || contiguous)) return;
    start.push(index * unit);
    kind.push(kindOf(letter));
    host.push(at);
  });
  return {
    count: kind.length,
    start: Float64Array.of(...start, end),
    kind: Uint8Array.from(kind),
    ...(hosts ? { host: Float64Array.from(host) } : {}),
  };
}

/** `[start, end, kind letter, host offset]` of each run. */
export function told({ count, start, kind, host }: RunList): (readonly [number, number, string, number?])[] {
  return Array.from({ length: count }, (_, i) => {
    const range = [start[i] ?? NaN, start[i + 1] ?? NaN, letterOf(kind[i] ?? NaN)] as const;
    return host ? [...range, host[i] ?? NaN] : range;
  });
}

/** `[start, end, owner, kind letter]` of each range. */
export function toldMap({ count, start, owner, kind }: OwnershipMap): (readonly [number, number, number, string])[] {
  return Array.from({ length: count }, (_, i) => {
    return [start[i] ?? NaN, start[i + 1] ?? NaN, owner[i] ?? NaN, letterOf(kind[i] ?? NaN)] as const;
  });
}
