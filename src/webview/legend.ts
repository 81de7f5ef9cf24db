import { cssColor } from './color';
import type { Rgb } from './color';
import { Kind, NOBODY, Use } from '../core/model';
import { formatBytes } from '../core/units';
import { fill, h } from './dom';
import type { State } from './state';
import { fileLayer } from './summary';
import { fileTelling, UNREAD } from './telling';
import { useKind, useName } from './uses';

/** More layers than this are told by a ramp from base to newest. */
const MOST_NAMES = 8;

/** What is wrong with a file, the worst last. */
const WRONG: readonly Use[] = [Use.Leaked, Use.Uncounted, Use.Contested];

/** What the picture of the whole shows somewhere, beside owners and kinds that the numbers tell of. */
export interface Seen {
  readonly invalid: boolean;
  readonly damaged: boolean;
  /** Something that is not known, or not yet. */
  readonly unknown: boolean;
}

/** What the colours and patterns of the map mean; only those that occur. */
export class Legend {
  readonly element = h('ul', { class: 'legend', attributes: { 'aria-label': 'Legend of the map' } });

  /** @param uses colours by `Use` */
  update(state: State, colors: readonly Rgb[], uses: readonly Rgb[], seen: Seen): void {
    if (state.face === 'file') this.updateFile(state, uses, seen);
    else this.updateDisk(state, colors, seen);
  }

  /** The uses that occur, with their bytes: what is wrong first, then the most. */
  private updateFile(state: State, uses: readonly Rgb[], seen: Seen): void {
    const check = fileLayer(state)?.check;
    const telling = fileTelling(uses);
    const wrong = (use: number): number => WRONG.indexOf(use as Use);
    const all = (check?.uses ?? []).map((bytes, use) => ({ use, bytes })).filter(({ bytes }) => bytes > 0);
    all.sort((one, other) => wrong(other.use) - wrong(one.use) || other.bytes - one.bytes);
    fill(
      this.element,
      ...all.map(({ use, bytes }) => h(
        'li', {}, telling.mark({ owner: use === Use.Free ? NOBODY : use, kind: use === Use.Free ? Kind.Absent : useKind(use) }),
        h('span', 'legend-text', useName(use)), h('span', 'legend-bytes', formatBytes(bytes)),
      )),
      seen.damaged && entry('damaged', 'damaged'),
    );
  }

  private updateDisk({ summary, names }: State, colors: readonly Rgb[], seen: Seen): void {
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
      (summary.comparison?.ranges ?? 0) > 0 && entry('different', 'different'),
      seen.damaged && entry('damaged', 'damaged'),
      seen.invalid && entry('broken', 'invalid'),
      summary.scan === 'running' && seen.unknown && entry(UNREAD, 'unread'),
      (accounting?.unknown ?? 0) > 0 && entry('unknown', 'unknown'),
      (accounting?.nobody ?? 0) > 0 && entry('nobody', 'nobody'),
    );
  }
}

function entry(text: string, look: string, color?: string): HTMLElement {
  const mark = h('span', { class: `mark ${look}`, variables: color === undefined ? {} : { '--layer': color } });
  return h('li', {}, mark, h('span', 'legend-text', text));
}

function ramp(colors: readonly (Rgb | undefined)[], newest: string, oldest: string): HTMLElement {
  const mark = h('span', 'ramp');
  const stops = colors.map((color) => color && cssColor(color)).join(', ');
  mark.style.backgroundImage = `linear-gradient(to right, ${stops})`;
  return h('li', {}, h('span', {}, newest), mark, h('span', {}, oldest));
}
