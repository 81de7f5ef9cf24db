import { formatBytes } from '../core/units';
import type { ComparisonSummary } from '../protocol/image';
import { fill, h, textButton } from './dom';
import { fileName, plural } from './format';
import type { Actions, State } from './state';

/** What the disk is compared with: `web01.img`, `snapshot clean of web01.qcow2`. */
export function otherDisk({ path, view, viewName }: ComparisonSummary): string {
  return view === '' ? fileName(path) : `snapshot ${viewName === '' ? view : viewName} of ${fileName(path)}`;
}

/**
 * `3.2 MiB in 17 ranges differ.`, and what could not be compared: for the bar, the table and the live region.
 * @param size of the disk that is shown
 */
export function comparisonSentence({ ranges, bytes, unknown, guestSize }: ComparisonSummary, size: number): string {
  const rest = (unknown > 0 ? ` ${formatBytes(unknown)} could not be compared.` : '')
    + (guestSize === size ? '' : ` The other disk has ${formatBytes(guestSize)}.`);
  if (ranges > 0) return `${formatBytes(bytes)} in ${plural(ranges, 'range')} differ${ranges === 1 ? 's' : ''}.${rest}`;
  return rest === '' ? 'They are identical.' : `No difference was found.${rest}`;
}

/** Above the map while two disks are compared: with what, how much differs, and ways from one difference to the next. */
export class ComparisonBar {
  private readonly words = h('p', 'compared');
  private readonly place = h('span', 'aside difference-place');
  private readonly previous: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(actions: Actions) {
    this.previous = textButton('previous', 'Previous difference (Shift+N)', () => actions.difference(-1), {
      'aria-label': 'Previous difference',
    });
    this.next = textButton('next', 'Next difference (N)', () => actions.difference(1), {
      'aria-label': 'Next difference',
    });
    this.element = h(
      'div', { class: 'comparison', attributes: { 'role': 'group', 'aria-label': 'Comparison' } },
      this.words,
      h('span', 'comparison-tools', this.place, this.previous, this.next,
        textButton('end comparison', 'Show the disk by itself again', () => actions.endComparison())),
    );
  }

  update({ summary, difference, face }: State): void {
    const found = summary?.comparison;
    this.element.hidden = !found || face !== 'disk';
    if (!found) return;
    fill(this.words, 'Compared with ', h('strong', { title: found.path }, otherDisk(found)), `: ${comparisonSentence(found, summary.guestSize)}`,
      found.skipped > 0 && h('span', {
        class: 'quiet', title: 'Both answer from the same place in the same file there, or have nothing',
      }, ` ${formatBytes(found.skipped)} are the same place or zero on both sides, and were not read.`));
    const none = found.ranges === 0;
    this.previous.hidden = none;
    this.next.hidden = none;
    this.place.hidden = none || difference === undefined;
    if (difference) this.place.textContent = `${difference.index + 1} of ${found.ranges}`;
  }
}
