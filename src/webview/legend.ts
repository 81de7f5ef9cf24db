import { cssColor } from './color';
import type { Rgb } from './color';
import { fill, h } from './dom';
import type { State } from './state';

/** More layers than this are told by a ramp from base to newest. */
const MOST_NAMES = 8;

/** What the colours and patterns of the map mean; only those that occur. */
export class Legend {
  readonly element = h('ul', { class: 'legend', attributes: { 'aria-label': 'Legend of the map' } });

  update({ summary, names }: State, colors: readonly Rgb[], hasInvalid: boolean): void {
    if (!summary) return;
    const from = summary.standpoint.depth;
    const { accounting } = summary;
    const owners = accounting?.layers ?? [];
    const shown = names.map((name, depth) => ({ name, color: colors[depth] })).slice(from);
    const newest = cssColor(shown[0]?.color ?? { r: 128, g: 128, b: 128, a: 1 });
    const layers = shown.length > MOST_NAMES
      ? [ramp(shown.map(({ color }) => color), names[from] ?? '', names.at(-1) ?? '')]
      : shown.map(({ name, color }) => entry(name, 'solid', color && cssColor(color)));
    fill(
      this.element, ...layers,
      owners.some((owner) => owner.ownedZero > 0) && entry('zero', 'zero', newest),
      owners.some((owner) => owner.ownedCompressed > 0) && entry('compressed', 'compressed', newest),
      hasInvalid && entry('broken', 'invalid'),
      (accounting?.unknown ?? 0) > 0 && entry('unknown', 'unknown'),
      (accounting?.nobody ?? 0) > 0 && entry('nobody', 'nobody'),
    );
  }
}

function entry(text: string, look: string, color?: string): HTMLElement {
  const mark = h('span', { class: `mark ${look}`, variables: color === undefined ? {} : { '--layer': color } });
  return h('li', {}, mark, h('span', { class: 'legend-text' }, text));
}

function ramp(colors: readonly (Rgb | undefined)[], newest: string, oldest: string): HTMLElement {
  const mark = h('span', { class: 'ramp' });
  const stops = colors.map((color) => color && cssColor(color)).join(', ');
  mark.style.backgroundImage = `linear-gradient(to right, ${stops})`;
  return h('li', {}, h('span', {}, newest), mark, h('span', {}, oldest));
}
