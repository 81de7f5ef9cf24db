import type { Accounting, View } from '../core/model';
import { formatBytes, formatName, formatWhen } from '../core/units';
import type { ImageSummary, LayerSummary } from '../protocol/image';
import { encryptionOf } from '../protocol/soundness';
import { cssColor } from './color';
import type { Rgb } from './color';
import { fill, h, textButton } from './dom';
import { plural } from './format';
import { rebaseCommand } from './rebase';
import { asSentence } from './sentences';
import { checkVerdict, numbered, onHost, severitiesOf, snapshotsOf, storyFacts, viewName } from './summary';
import type { Actions, State } from './state';

/** From this many layers on, the cards shrink to a line and a bar. */
const COMPACT_FROM = 9;

/** The layers as the textbook draws them: newest on top, base at the bottom, the rule of reading in between. */
export class Stack {
  private readonly list = h('ol', 'cards');
  private readonly order = h('span', 'aside', 'newest first');
  readonly element = h(
    'section', { class: 'stack', attributes: { 'aria-label': 'Layers' } },
    h('div', 'head', h('h2', {}, 'Layers'), this.order), this.list,
  );
  private cards: Card[] = [];
  private built = '';

  constructor(private readonly actions: Actions) {}

  update(state: State, colors: readonly Rgb[]): void {
    const { summary } = state;
    if (!summary) return;
    // Cards are kept as long as they stand for the same files, so that the focus stays where it is.
    const key = JSON.stringify([summary.layers.map((layer) => [layer.path, layer.views, layer.bitmaps]), summary.end]);
    if (key !== this.built) {
      this.built = key;
      this.cards = summary.layers.map((layer) => new Card(layer, this.actions));
      const items = this.cards.flatMap((card, index) => [...(index === 0 ? [] : [connector()]), card.element]);
      const end = endCard(summary, this.actions);
      fill(this.list, ...items, ...(end ? [connector(), end] : []));
    }
    this.list.classList.toggle('compact', summary.layers.length >= COMPACT_FROM);
    this.order.textContent = summary.layers.length > 1 ? 'newest first' : '';
    const scale = barScale(summary.accounting);
    summary.layers.forEach((layer, depth) => this.cards[depth]?.update(layer, state, scale, colors[depth]));
  }
}

const connector = (): HTMLElement =>
  h('li', { class: 'below', attributes: { 'aria-hidden': 'true' } }, 'not here? look below');

/** Bytes that a full bar stands for: one scale for all layers. */
function barScale(accounting: Accounting | undefined): number {
  return Math.max(1, ...(accounting?.layers ?? []).map((layer) => layer.owned + layer.shadowed));
}

class Card {
  private readonly name = h('span', 'card-name');
  private readonly size = h('p', 'card-note');
  private readonly date = h('span', 'card-date');
  private readonly file = h('span', 'card-file');
  private readonly owned = h('span', 'bar-owned');
  private readonly hidden = h('span', 'bar-hidden');
  private readonly numbers = h('span', 'card-owns');
  private readonly aside = h('span', 'card-hides');
  private readonly host = h('span', 'card-host');
  private readonly checked = h('p', 'card-check', h('span', 'dot'), h('span'));
  private readonly check: HTMLButtonElement;
  private readonly brief = h('span', 'card-brief');
  private readonly main: HTMLButtonElement;
  private readonly here: HTMLButtonElement;
  private readonly findings = h('div', 'card-findings');
  private readonly snapshots: { readonly view: View; readonly button: HTMLButtonElement }[];
  readonly element: HTMLLIElement;

  constructor(layer: LayerSummary, actions: Actions) {
    const { depth } = layer;
    this.main = h(
      'button', {
        class: 'card-main',
        onClick: () => actions.pick(depth),
      },
      h('span', 'card-line', this.name, h('span', 'card-format', formatName(layer.format)), this.brief),
      h('span', 'card-line small', this.file, this.date),
      h('span', { class: 'bar', attributes: { 'aria-hidden': 'true' } }, this.owned, this.hidden),
      h('span', 'card-line numbers', this.numbers, this.aside),
      h('span', 'card-line numbers on-host', this.host),
    );
    this.here = textButton('As of here', 'See the disk as this layer saw it', () => actions.look({ depth, view: '' }));
    const open = textButton('Open', 'Open this layer in an editor of its own', () => actions.openLayer(layer.path));
    this.check = textButton('Check', 'Check the tables of this layer’s file', () => actions.check(depth));
    this.snapshots = snapshotsOf(layer).map((view) => ({
      view,
      button: h('button', {
        class: 'snapshot', title: 'See the disk as this internal snapshot saved it',
        onClick: () => actions.look({ depth, view: view.id }),
      }),
    }));
    const encryption = encryptionOf(layer);
    this.element = h(
      'li', {
        class: 'card',
        attributes: {
          'data-vscode-context': JSON.stringify({
            webviewSection: 'vmDisk.layer', path: layer.path, depth, preventDefaultContextMenuItems: true,
          }),
        },
      },
      this.main,
      h('div', 'card-actions', this.here, layer.checkable && this.check, ...(depth === 0 ? [] : [open])),
      this.snapshots.length > 0 && h(
        'ul', { class: 'snapshots', attributes: { 'aria-label': 'Internal snapshots' } },
        ...this.snapshots.map(({ button }) => h('li', {}, button)),
      ),
      layer.bitmaps.length > 0 && h(
        'p', { class: 'card-note', title: layer.bitmaps.map(({ name }) => name).join('\n') },
        `${plural(layer.bitmaps.length, 'bitmap')}: ${layer.bitmaps.map(({ name }) => name).join(', ')}`,
      ),
      this.size,
      this.checked,
      encryption !== undefined && h(
        'p', 'card-note', `Encrypted, ${encryption}: the map is known, the content is not`,
      ),
      this.findings,
    );
  }

  update(layer: LayerSummary, state: State, scale: number, color: Rgb | undefined): void {
    const { summary, names, picked } = state;
    if (!summary) return;
    const { depth } = layer;
    const name = names[depth] ?? '';
    const { standpoint } = summary;
    const above = depth < standpoint.depth;
    const stands = depth === standpoint.depth;
    const account = above ? undefined : summary.accounting?.layers[depth];
    if (color) this.element.style.setProperty('--layer', cssColor(color));
    this.element.classList.toggle('picked', picked === depth);
    this.element.classList.toggle('above', above);
    this.element.classList.toggle('stands', stands && depth > 0);
    this.name.textContent = numbered(name, depth, summary.layers.length);
    this.name.title = [name, ...storyFacts(layer).map(({ label, value }) => `${label}: ${value}`)].join('\n');
    this.file.textContent = layer.fileName;
    this.file.title = layer.path;
    const host = `${formatBytes(onHost(layer))} on the host`;
    this.host.textContent = host;
    this.brief.textContent = formatBytes(onHost(layer)); // beside the name, which needs the room
    this.brief.title = host;
    const resized = layer.guestSize !== summary.layers[0]?.guestSize;
    this.size.hidden = !resized;
    this.size.textContent = `Here the disk has ${formatBytes(layer.guestSize)}`;
    const date = layer.story?.date ?? layer.modified;
    this.date.textContent = date === undefined ? '' : formatWhen(date, Date.now());
    this.date.title = layer.story?.date === undefined ? 'Last change of the file' : 'When the snapshot was taken';
    this.owned.style.setProperty('--share', `${((account?.owned ?? 0) / scale) * 100}%`);
    this.hidden.style.setProperty('--share', `${((account?.shadowed ?? 0) / scale) * 100}%`);
    this.main.setAttribute('aria-pressed', String(picked === depth));
    this.here.hidden = stands && standpoint.view === '';
    this.here.textContent = depth === 0 ? 'Back to now' : 'As of here';

    if (above) {
      this.numbers.textContent = 'newer than what you see';
      this.aside.textContent = '';
    } else if (account) {
      this.numbers.textContent = account.owned === 0 ? 'owns nothing' : `owns ${formatBytes(account.owned)}`;
      this.aside.textContent = account.shadowed > 0 ? `${formatBytes(account.shadowed)} hidden`
        : stands ? standing(summary, state.overlays) : '';
    } else {
      this.numbers.textContent = summary.scan === 'failed' ? 'could not be read' : 'reading…';
      this.aside.textContent = '';
    }
    for (const { view, button } of this.snapshots) {
      const on = stands && view.id === standpoint.view;
      button.setAttribute('aria-pressed', String(on));
      const saved = view.snapshot;
      const facts = [
        ...(saved ? [formatWhen(saved.date, Date.now())] : []),
        ...(saved && saved.vmStateSize > 0 ? [`${formatBytes(saved.vmStateSize)} of memory`] : []),
      ];
      fill(button, h('span', 'snapshot-name', viewName(layer, view)),
        h('span', 'snapshot-facts', facts.join(' · ')));
    }
    this.updateCheck(layer, state);
    // What the card of the missing parent says need not be said twice.
    const ended = summary.end.kind === 'base' ? undefined : summary.end.message;
    const bad = layer.findings.filter(({ severity, message }) => severity !== 'info' && message !== ended);
    fill(this.findings, ...bad.map((finding) => h(
      'p', {
        class: 'finding', attributes: { 'data-severity': finding.severity },
      },
      h('span', 'dot'),
      h('span', {}, asSentence(finding.message), finding.advice !== undefined
        && h('span', 'advice', asSentence(finding.advice))),
    )));
  }

  private updateCheck(layer: LayerSummary, { checking }: State): void {
    const running = checking?.depth === layer.depth;
    const verdict = running ? `checking… ${Math.round(checking.share * 100)}%` : checkVerdict(layer);
    const severities = running ? [] : severitiesOf({ findings: [], check: layer.check });
    this.checked.hidden = verdict === undefined;
    this.checked.dataset['severity'] = severities.includes('error') ? 'error' : severities.length > 0 ? 'warning' : '';
    this.checked.lastElementChild?.replaceChildren(verdict ?? '');
    this.check.textContent = layer.check ? 'Check again' : 'Check';
    this.check.disabled = running;
  }
}

/** What the layer is that the disk is looked at from. */
function standing({ standpoint: { depth, view }, layers }: ImageSummary, overlays: number): string {
  if (view !== '') return 'snapshot shown';
  if (depth > 0) return 'looked from here';
  if (overlays > 0) return `${plural(overlays, 'overlay')} on it`;
  return layers.length === 1 ? '' : 'newest here';
}

const END_TITLES = {
  'missing': 'Parent is missing',
  'refused': 'Parent was not opened',
  'cycle': 'The chain runs in a circle',
  'too-deep': 'The chain is too long',
} as const;

/** The command that tells an image where its parent is now, to be copied and completed: folded, for who has no qemu-img. */
function rebase(layer: LayerSummary | undefined, actions: Actions): HTMLElement | undefined {
  if (!layer) return undefined;
  const command = rebaseCommand(layer);
  return h(
    'details', 'end-details',
    h('summary', {}, 'By hand'),
    h('p', 'end-command', h('code', {}, command),
      textButton('copy', `Copy: ${command}`, () => actions.copy(command, 'the command'))),
    h('p', 'end-message', 'Only for the very parent that it had: with another one, or with one that was '
      + 'written to since, the disk is corrupt and nothing tells.'),
  );
}

/** What stands where a chain breaks: a card with a dashed edge that says so and offers the fix. */
function endCard({ end, layers }: ImageSummary, actions: Actions): HTMLElement | undefined {
  if (end.kind === 'base') return undefined;
  const advice = layers.at(-1)?.findings.find(({ message }) => message === end.message)?.advice;
  // Of other formats nothing writes the name of the parent anew: what may be it, and where it belongs, the diagnosis tells.
  const canBeNamed = end.kind === 'missing' && layers.at(-1)?.format === 'qcow2';
  const canAllow = end.kind === 'refused' && end.reason === 'outside';
  return h(
    'li', 'card end',
    h('p', 'card-line', h('span', 'card-name', END_TITLES[end.kind])),
    h('p', { class: 'end-file', title: end.name }, end.written),
    h('p', 'end-message', asSentence(end.message)),
    advice !== undefined && h('p', 'end-message', asSentence(advice)),
    h(
      'div', 'end-buttons',
      canBeNamed && h('button', {
        class: 'primary', title: 'Look for the file where it was moved to or renamed, and write its name into the header',
        onClick: () => actions.relocateParent(),
      }, 'Find the Parent…'),
      canAllow && h('button', {
        class: 'primary', title: end.name, onClick: () => actions.allow(end.name),
      }, 'Allow…'),
      !canAllow && textButton('Diagnose', 'What this means, how sure that is, and what mends it', () => actions.diagnose()),
      !canAllow && textButton('Look again', 'Read the files again', () => actions.refresh()),
    ),
    canBeNamed && rebase(layers.at(-1), actions),
  );
}
