import { formatBytes, formatOffset } from '../core/units';
import { fill, h } from './dom';
import { asSentence, ownerName } from './sentences';
import type { State } from './state';

const GO_TO_KEY = navigator.platform.includes('Mac') ? '⌃G' : 'Ctrl+G';

const HINTS: readonly (readonly [string, string])[] = [
  [GO_TO_KEY, 'go to'], ['←↑↓→', 'move'], ['+ −', 'zoom'], ['0', 'whole disk'], ['T', 'trace'],
  ['[ ]', 'travel'],
];

/** The line at the bottom: where the selection is, and which keys there are. */
export class StatusLine {
  private readonly facts = h('div', { class: 'status-facts' });
  readonly element = h(
    'footer', { class: 'status' }, this.facts,
    h('div', { class: 'status-hints', attributes: { 'aria-hidden': 'true' } },
      ...HINTS.map(([keys, does]) => h('span', {}, h('kbd', {}, keys), ` ${does}`))),
  );

  update({ selected, inspected, sight, names, summary, notice }: State): void {
    const trace = selected !== null && inspected.kind === 'block' ? inspected.reply.trace : undefined;
    const fact = (label: string, value: string): HTMLElement =>
      h('span', {}, `${label} `, h('span', { class: 'status-value' }, value));
    const running = summary?.scan === 'running';
    fill(
      this.facts,
      notice !== undefined && h('span', { class: 'status-notice', attributes: { role: 'alert' } }, asSentence(notice)),
      selected !== null && fact('Offset', formatOffset(selected)),
      trace && fact('Owner', ownerName(trace.owner, names)),
      sight && fact('Zoom', sight.level === 0 ? 'whole disk' : `1 : ${formatBytes(sight.cellBytes)}`),
      running && h('span', {}, 'reading the layers…'),
    );
  }
}
