import { formatBytes, formatOffset } from '../core/units';
import { fill, h } from './dom';
import { sharesOf } from './map/cells';
import type { Cell } from './map/mapview';
import { markWords } from './telling';
import type { Telling } from './telling';

const AWAY = 14;
const MOST_ROWS = 6;

/** What is under the pointer: range, owners with their shares, kinds. Screen readers have the inspector. */
export class Tooltip {
  readonly element = h('div', { class: 'tooltip', attributes: { 'aria-hidden': 'true' } });
  private shown = '';
  private at = { x: NaN, y: NaN };

  hide(): void {
    this.shown = '';
    this.element.classList.remove('shown');
  }

  show(cell: Cell, point: { x: number; y: number }, telling: Telling): void {
    const key = JSON.stringify(cell);
    // Told at every frame while the map moves under a pointer at rest, of which few change anything.
    if (key === this.shown && point.x === this.at.x && point.y === this.at.y) return;
    if (key !== this.shown) this.write(cell, telling);
    this.shown = key;
    this.at = point;
    this.place(point);
  }

  private write(cell: Cell, telling: Telling): void {
    const most = sharesOf(cell.parts);
    const shown = most.slice(0, MOST_ROWS);
    fill(
      this.element,
      h('div', 'tooltip-range',
        h('span', {}, formatOffset(cell.start)),
        h('span', 'quiet', formatBytes(cell.end - cell.start))),
      ...shown.map(({ part, share }) => h(
        'div', 'tooltip-part',
        telling.mark(part), h('span', {}, telling.name(part)),
        most.length > 1 && h('span', 'quiet', share),
      )),
      most.length > shown.length && h('div', 'quiet', `and ${most.length - shown.length} more`),
      ...markWords(cell).map((words) => h('div', 'tooltip-mark', words)),
    );
  }

  /** Below and right of the pointer, or on the other side where there is no room. */
  private place({ x, y }: { x: number; y: number }): void {
    const { element } = this;
    element.classList.add('shown');
    const room = element.parentElement?.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const right = x + AWAY + width <= (room?.width ?? Infinity);
    const below = y + AWAY + height <= (room?.height ?? Infinity);
    element.style.left = `${Math.max(0, right ? x + AWAY : x - AWAY - width)}px`;
    element.style.top = `${Math.max(0, below ? y + AWAY : y - AWAY - height)}px`;
  }
}
