import { Kind, NOBODY } from '../core/model';
import { cssColor } from './color';
import type { Rgb } from './color';
import { h } from './dom';

/** A cell in small, as the map draws it. */
export function mark(owner: number, kind: number, colors: readonly Rgb[]): HTMLElement {
  const look = owner === NOBODY ? 'nobody'
    : owner < 0 || kind === Kind.Unknown ? 'unknown'
      : kind === Kind.Invalid ? 'invalid'
        : kind === Kind.Zero || kind === Kind.ZeroAllocated ? 'zero'
          : kind === Kind.Compressed ? 'compressed' : 'solid';
  const color = colors[owner];
  return h('span', { class: `mark ${look}`, variables: color ? { '--layer': cssColor(color) } : {} });
}
