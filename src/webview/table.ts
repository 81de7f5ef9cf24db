import { lostBytes } from '../core/lost';
import { formatBytes, formatName, formatWhen } from '../core/units';
import type { LayerSummary } from '../protocol/image';
import { cssColor } from './color';
import type { Rgb } from './color';
import { fill, h } from './dom';
import { comparisonSentence, otherDisk } from './comparisonbar';
import { plural } from './format';
import { asSentence } from './sentences';
import { checkVerdict, numbered, onHost, severitiesOf } from './summary';
import type { Actions, State } from './state';

const NUMBERS = ['Owns', 'Data', 'Zero', 'Compressed', 'Hidden', 'On the host', 'File size'] as const;
const COLUMNS = ['Layer', ...NUMBERS, 'Format', 'Date', 'Check', 'Problems'] as const;

/** A title of more lines than this helps nobody. */
const MOST_TOLD = 20;

/** The layers' numbers as a table: for those who read rather than look, and for windows too narrow for a map. */
export class LayerTable {
  private readonly caption = h('caption');
  private readonly rows = h('tbody');
  private readonly sums = h('tfoot');
  readonly element = h(
    'div', 'table-view',
    h('p', 'widen', 'Widen the editor to see the map'),
    h(
      'table', {}, this.caption,
      h('thead', {}, h('tr', {}, ...COLUMNS.map((name) => h('th', {
        class: columnClass(name), attributes: { scope: 'col' },
      }, name)))),
      this.rows, this.sums,
    ),
  );

  constructor(private readonly actions: Actions) {}

  update(state: State, colors: readonly Rgb[], shown: boolean): void {
    const { summary } = state;
    if (!summary) return;
    this.element.classList.toggle('sr-only', !shown);
    this.caption.textContent = `Layers of ${summary.layers[0]?.fileName ?? ''}, newest first`;
    fill(this.rows, ...summary.layers.map((layer) => this.row(layer, state, colors[layer.depth], shown)));
    const { accounting } = summary;
    const lost = lostBytes(
      summary.layers.slice(summary.standpoint.depth).flatMap(({ findings }) => findings), accounting?.nobody ?? 0,
    );
    const sum = (name: string, bytes: number, look: string): HTMLElement => h(
      'tr', {},
      h('th', { attributes: { scope: 'row' } }, h('span', `mark ${look}`), name),
      h('td', 'number', formatBytes(bytes)),
      h('td', { class: 'rest', attributes: { colspan: String(COLUMNS.length - 2) } }),
    );
    fill(
      this.sums,
      ...(summary.end.kind === 'base' ? [] : [h('tr', {}, h('td', {
        class: 'problem broken-end', attributes: { colspan: String(COLUMNS.length) },
      }, asSentence(summary.end.message)))]),
      ...(accounting ? [sum('nobody (reads as zero)', accounting.nobody, 'nobody')] : []),
      ...(lost > 0 ? [sum('of that unknown at most, since tables are lost', lost, 'unknown')] : []),
      ...(accounting && accounting.unknown > 0 ? [sum('unknown', accounting.unknown, 'unknown')] : []),
      sum('whole disk', summary.guestSize, 'none'),
      summary.comparison && h('tr', {}, h('td', {
        class: 'broken-end', attributes: { colspan: String(COLUMNS.length) },
      }, `Compared with ${otherDisk(summary.comparison)}: ${comparisonSentence(summary.comparison, summary.guestSize)}`)),
    );
  }

  private row(
    layer: LayerSummary, { summary, names, picked }: State, color: Rgb | undefined, shown: boolean,
  ): HTMLElement {
    const { depth } = layer;
    const name = numbered(names[depth] ?? '', depth, names.length);
    const account = summary && depth >= summary.standpoint.depth ? summary.accounting?.layers[depth] : undefined;
    const bytes = (value: number | undefined, column: string): HTMLElement => h(
      'td', { class: `number ${column}`, attributes: { 'data-column': column } },
      value === undefined ? '–' : value === 0 ? '0' : formatBytes(value),
    );
    // What is only there to be read out must not take the focus.
    const title = shown ? h('button', {
      class: 'link', title: 'Show only what this layer owns on the map',
      attributes: { 'aria-pressed': String(picked === depth) },
      onClick: () => this.actions.pick(depth),
    }, name) : name;
    const problems = severitiesOf(layer).filter((severity) => severity !== 'info').length;
    const messages = [...layer.findings, ...(layer.check?.problems ?? [])].map(({ message }) => message);
    return h(
      'tr', { class: picked === depth ? 'picked' : '' },
      h(
        'th', { attributes: { scope: 'row' } },
        h('span', { class: 'mark solid', variables: color ? { '--layer': cssColor(color) } : {} }), title,
        h('span', { class: 'table-file', title: layer.path }, layer.fileName),
      ),
      bytes(account?.owned, 'owns'),
      bytes(account?.ownedData, 'data'),
      bytes(account?.ownedZero, 'zero'),
      bytes(account?.ownedCompressed, 'compressed'),
      bytes(account?.shadowed, 'hidden'),
      bytes(onHost(layer), 'on-the-host'),
      bytes(layer.fileSize, 'file-size'),
      h('td', 'format', formatName(layer.format)),
      h('td', 'date', layer.modified === undefined ? '–' : formatWhen(layer.modified, Date.now())),
      h('td', 'check', checkVerdict(layer) ?? (layer.checkable ? 'not checked' : '–')),
      h('td', 'problems', problems === 0 ? '–'
        : h('span', { title: messages.slice(0, MOST_TOLD).join('\n') }, plural(problems, 'problem'))),
    );
  }
}

function columnClass(name: (typeof COLUMNS)[number]): string {
  const number = (NUMBERS as readonly string[]).includes(name);
  return `${number ? 'number ' : ''}${name.toLowerCase().replaceAll(' ', '-')}`;
}
