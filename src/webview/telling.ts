import { NOBODY, UNKNOWN_OWNER } from '../core/model';
import { formatBytes } from '../core/units';
import { cssColor } from './color';
import type { Rgb } from './color';
import { h } from './dom';
import type { Part } from './map/cells';
import type { Cell } from './map/mapview';
import { mark } from './mark';
import { partName } from './sentences';
import { useName, usePattern } from './uses';

/** How the parts of a cell are called and drawn in small: on the map of the disk, and on that of a file. */
export interface Telling {
  name(part: Pick<Part, 'owner' | 'kind'>): string;
  mark(part: Pick<Part, 'owner' | 'kind'>): HTMLElement;
}

/** @param reading while the disk is still being read, what is unknown will be known soon */
export const diskTelling = (names: readonly string[], colors: readonly Rgb[], reading: boolean): Telling => ({
  name: (part) => (reading && part.owner === UNKNOWN_OWNER ? UNREAD : partName(part, names)),
  mark: ({ owner, kind }) =>
    (reading && owner === UNKNOWN_OWNER ? h('span', 'mark unread') : mark(owner, kind, colors)),
});

export const UNREAD = 'not read yet';

/** @param colors by `Use` */
export const fileTelling = (colors: readonly Rgb[]): Telling => ({
  name: ({ owner }) => useName(owner),
  mark: ({ owner, kind }) => {
    const pattern = owner === NOBODY ? undefined : usePattern(owner);
    const color = colors[owner];
    if (pattern === undefined || !color) return mark(owner, kind, colors);
    return h('span', { class: `mark ${pattern}`, variables: { '--layer': cssColor(color) } });
  },
});

/** `64 KiB damaged`, `12 KiB different`: what a cell is marked with. */
export function markWords({ damaged = 0, different = 0 }: Pick<Cell, 'damaged' | 'different'>): string[] {
  return [
    ...(different > 0 ? [`${formatBytes(Math.ceil(different))} different`] : []),
    ...(damaged > 0 ? [`${formatBytes(Math.ceil(damaged))} damaged`] : []),
  ];
}
