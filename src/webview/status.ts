import { formatBytes, formatOffset } from '../core/units';
import { fill, h } from './dom';
import { asSentence, ownerName } from './sentences';
import type { State } from './state';
import { useName } from './uses';

const GO_TO_KEY = navigator.platform.includes('Mac') ? '⌃G' : 'Ctrl+G';

/** The keys that there is a use for, and what each does. */
function keysOf({ face, summary }: Pick<State, 'face' | 'summary'>): (readonly [keys: string, does: string])[] {
  const inFile = face === 'file';
  return [
    [GO_TO_KEY, 'go to'], ['←↑↓→', 'move'], ['+ −', 'zoom'], ['0', inFile ? 'whole file' : 'whole disk'],
    ['T', inFile ? 'inspector' : 'trace'], ['[ ]', 'travel'], ['F', inFile ? 'disk' : 'file'],
    ...(summary?.comparison ? [['N', 'next difference'] as const] : []),
  ];
}

/** The line at the bottom: where the selection is, and which keys there are. */
export class StatusLine {
  private readonly facts = h('div', 'status-facts');
  private readonly hints = h('div', { class: 'status-hints', attributes: { 'aria-hidden': 'true' } });
  readonly element = h('footer', 'status', this.facts, this.hints);

  update(state: State): void {
    const { inspected, names, summary, notice, face, file } = state;
    const inFile = face === 'file';
    const selected = inFile ? file.selected : state.selected;
    const sight = inFile ? file.sight : state.sight;
    const trace = !inFile && selected !== null && inspected.kind === 'block' ? inspected.reply.trace : undefined;
    const fact = (label: string, value: string): HTMLElement =>
      h('span', {}, `${label} `, h('span', 'status-value', value));
    const running = summary?.scan === 'running';
    fill(
      this.facts,
      notice !== undefined && h('span', { class: 'status-notice', attributes: { role: 'alert' } }, asSentence(notice)),
      selected !== null && fact(inFile ? 'File offset' : 'Offset', formatOffset(selected)),
      inFile && selected !== null && file.use !== undefined && fact('Use', useName(file.use)),
      trace && fact('Owner', ownerName(trace.owner, names)),
      sight && fact('Zoom', sight.level === 0 ? (inFile ? 'whole file' : 'whole disk') : `1 : ${formatBytes(sight.cellBytes)}`),
      running && h('span', {}, 'reading the layers…'),
    );
    fill(this.hints, ...keysOf(state).map(([keys, does]) => h('span', {}, h('kbd', {}, keys), ` ${does}`)));
  }
}
