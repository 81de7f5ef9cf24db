import { listed } from '../listed';
import type { Diagnosis } from '../snapshots/model';
import { formatClock, formatDay } from '../units';
import type { ImageFacts, LeftoverFacts, UnreadableFacts } from './facts';
import type { Kin } from './kin';
import type { Remedies } from './remedies';

/** What a rule may ask beside the facts of the one thing that it judges. */
export interface Ward {
  readonly kin: Kin;
  readonly remedies: Remedies;
  /** Ids of images that a deletion which was begun writes to: that they are newer is explained. */
  readonly mergedInto: ReadonlySet<string>;
}

/** Judges one image. Rules know nothing of each other: several may speak of one image. */
export type ImageRule = (image: ImageFacts, ward: Ward) => readonly Diagnosis[];
export type LeftoverRule = (leftover: LeftoverFacts, ward: Ward) => readonly Diagnosis[];
export type UnreadableRule = (file: UnreadableFacts, ward: Ward) => readonly Diagnosis[];

/** The file's own name, of a path of either system. */
export const nameOf = (path: string): string => path.replace(/^.*[\\/](?=.)/s, '');

/** `"a", "b" and 3 more`. */
export const listedNames = (names: readonly string[]): string =>
  listed(
    names.map((name) => `"${name}"`),
    4,
  );

/** `14 Mar 2026 09:14`; a note may have any number there. */
export const moment = (time: number): string =>
  Number.isNaN(new Date(time).getTime()) ? 'an unknown day' : `${formatDay(time)} ${formatClock(time)}`;

/** `3 seconds`, `5 minutes`, `2 days`: the largest unit that is not below one. @param ms */
export function lapse(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ];
  const [size, word] = units.find(([unit]) => ms >= unit) ?? [0, ''];
  if (size === 0) return 'less than a second';
  const count = Math.floor(ms / size);
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** `qemu-system-x86 (4711)`, or what can be said where the process can't be seen. */
export const users = (by: readonly string[]): string => (by.length === 0 ? 'another process' : by.join(', '));
