import { diskName } from '../protocol/story';
import { fill, h, textButton } from './dom';
import { countFindings, fileLayer, headerFacts, places, samePlace } from './summary';
import type { Actions, State } from './state';

/** The line on top: what is open, what is wrong with it, as of when it is looked at, and the tools. */
export class Header {
  private readonly name = h('h1', 'file-name');
  private readonly facts = h('p', 'facts');
  private readonly findings: HTMLButtonElement;
  private readonly asOf = h('select', { attributes: { id: 'as-of' } });
  private readonly chooser = h(
    'span', 'chooser',
    h('label', { attributes: { for: 'as-of' } }, 'As of'), this.asOf, h('span', 'caret'),
  );
  private readonly table: HTMLButtonElement;
  private readonly check: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(actions: Actions) {
    this.findings = h('button', {
      class: 'chip findings', onClick: () => actions.showProblems(),
    });
    this.table = textButton('Table', 'Show the layers as a table', () => actions.toggleTable());
    this.table.classList.add('table-toggle');
    this.check = textButton('Check', 'Check the tables of the layer picked out, else of the newest', () => actions.check());
    this.asOf.addEventListener('change', () => {
      const [depth = '0', ...view] = this.asOf.value.split(':');
      actions.look({ depth: Number(depth), view: view.join(':') });
    });
    this.element = h(
      'header', 'top',
      h('div', 'title', this.name, this.facts),
      h(
        'div', { class: 'tools', attributes: { 'role': 'group', 'aria-label': 'Disk image' } },
        this.findings, this.chooser, this.table,
        textButton('Go to…', 'Go to an offset (G)', () => actions.goTo()),
        this.check,
        textButton('Compare…', 'Compare the disk with another, byte by byte', () => actions.compare()),
        textButton('Export…', 'Export the disk as one image, or the map as JSON or CSV', () => actions.export()),
        textButton('Refresh', 'Read the files again', () => actions.refresh()),
      ),
    );
  }

  update(state: State): void {
    const { summary, names, table, checking } = state;
    if (!summary) return;
    this.check.disabled = checking !== undefined || fileLayer(state)?.checkable !== true;
    const leaf = summary.layers[0];
    this.name.textContent = diskName(leaf?.story) ?? leaf?.fileName ?? '';
    this.name.title = summary.path;
    const facts = headerFacts(summary);
    this.facts.title = facts.join(' · ');
    fill(this.facts, ...facts.map((fact) => h('span', {}, fact)));
    const found = countFindings(summary);
    this.findings.hidden = !found;
    this.findings.dataset['severity'] = found?.worst ?? '';
    if (found) this.findings.title = `Show in the Problems panel: ${found.text}; a problem may stand for several clusters`;
    fill(this.findings, h('span', 'dot'), found?.text);
    this.table.setAttribute('aria-pressed', String(table));
    this.updatePlaces(summary, names);
  }

  private updatePlaces(summary: NonNullable<State['summary']>, names: readonly string[]): void {
    const all = places(summary, names);
    const now = all.find((place) => samePlace(place, summary.standpoint));
    this.chooser.hidden = all.length < 2;
    this.chooser.classList.toggle('past', summary.standpoint.depth !== 0 || summary.standpoint.view !== '');
    const key = all.map(({ depth, view, name }) => `${depth}:${view}:${name}`).join('\n');
    if (this.asOf.dataset['key'] !== key) {
      this.asOf.dataset['key'] = key;
      fill(this.asOf, ...all.map(({ depth, view, name, within }) => h(
        'option', { attributes: { value: `${depth}:${view}` } }, within === undefined ? name : `${name} (in ${within})`,
      )));
    }
    if (now) this.asOf.value = `${now.depth}:${now.view}`;
  }
}
