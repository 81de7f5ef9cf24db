import { Kind, NOBODY } from '../core/model';
import type { Trace, TraceStep } from '../core/model';
import { formatBytes, formatCount, formatOffset } from '../core/units';
import type { ReadReply } from '../protocol/image';
import { encryptionOf } from '../protocol/soundness';
import { cssColor } from './color';
import type { Rgb } from './color';
import { breakable, fill, h, textButton } from './dom';
import { fileName, formatFact } from './format';
import { allZero, dumpLines, dumpText } from './hexdump';
import { sharesOf } from './map/cells';
import type { Part } from './map/cells';
import type { Cell } from './map/mapview';
import { fileValues } from './fileinspector';
import { problemList, problemsOnDisk } from './problems';
import {
  asSentence, entrySentence, kindName, missingTable, ownerName, pathSentence, SECTOR_BYTES, stepSentence,
  traceText, unitSentence, writeSentence,
} from './sentences';
import { checkVerdict, fileLayer, storyFacts } from './summary';
import type { Actions, State } from './state';
import { diskTelling, fileTelling, markWords } from './telling';
import type { Telling } from './telling';

const DUMP_WIDTH = 8;
/** A dump this long is as much as anybody reads here. */
export const MOST_BYTES = 4096;

/** The selected block: where it is, how a read gets there, what a write would do, and its bytes. */
export class Inspector {
  private readonly body = h('div', 'inspector-body');
  private readonly copies = h('span', 'aside');
  private readonly title = h('h2', {}, 'Block');
  readonly element = h(
    'section', { class: 'inspector', attributes: { 'aria-label': 'Block', 'tabindex': '-1' } },
    h('div', 'head', this.title, this.copies), this.body,
  );

  /** Outlives what is drawn of one block, so that the zoom can switch it off at its closest. */
  private readonly closer = textButton('zoom in', 'Enlarge until this block has a cell of its own', () =>
    this.actions.closeUp());

  constructor(private readonly actions: Actions) {}

  /** @param uses colours by `Use` */
  update(state: State, colors: readonly Rgb[], uses: readonly Rgb[]): void {
    this.title.textContent = state.face === 'file' ? 'In the file' : 'Block';
    this.element.setAttribute('aria-label', this.title.textContent);
    if (state.face === 'file') this.updateFile(state, uses);
    else this.updateBlock(state, colors);
  }

  private updateFile(state: State, uses: readonly Rgb[]): void {
    const { selected, cell } = state.file;
    fill(this.copies);
    const mixed = cell && cell.parts.length > 1 && selected !== null;
    const place = fileValues(state, this.actions, (list, label, text, value) => this.row(list, label, text, value));
    if (place.length === 0 && fileLayer(state)?.check) {
      const said = 'Choose a place on the map of the file to see what it is used for, and what is wrong there.';
      place.push(h('p', 'hint', said));
    }
    const mix = mixed ? this.cellMix(cell, fileTelling(uses), (part) =>
      this.actions.selectFilePart(cell, part.owner, part.kind)) : [];
    fill(this.body, ...place, ...mix, ...this.about(state));
  }

  private updateBlock(state: State, colors: readonly Rgb[]): void {
    const { inspected } = state;
    const shown = inspected.kind === 'block' && state.selected !== null ? inspected : undefined;
    fill(this.copies, ...(shown ? this.copyButtons(shown.reply.trace, state) : []));
    const about = shown && state.picked === null ? [] : this.about(state);
    if (shown) fill(this.body, ...this.block(state, shown.reply.trace, shown.bytes, colors), ...about);
    else {
      const said = inspected.kind === 'failed' ? h('p', 'problem', asSentence(inspected.error.message))
        : h('p', 'hint', 'Choose a block on the map to see which layer answers for it, and why.');
      fill(this.body, said, ...about);
    }
  }

  /** Where the zoom stands: at its closest there is nothing to enlarge. */
  follow({ sight, face, file }: State): void {
    const seen = face === 'file' ? file.sight : sight;
    this.closer.disabled = seen !== undefined && seen.level >= seen.levels - 1;
  }

  focus(): void {
    this.element.focus();
  }

  /** Brings the beginning into sight, where the page is one column and this its end. */
  reveal(): void {
    this.element.scrollTop = 0;
    this.element.scrollIntoView({ block: 'start' });
  }

  private copyButtons(trace: Trace, { names, summary }: State): HTMLElement[] {
    return [
      textButton('copy', 'Copy all of this as text', () =>
        this.actions.copy(traceText(trace, names, summary?.layers ?? []), 'the block as text')),
      textButton('copy JSON', 'Copy all of this as JSON', () =>
        this.actions.copy(JSON.stringify(trace, null, 2), 'the block as JSON')),
    ];
  }

  private block(
    state: State, trace: Trace, bytes: ReadReply | { readonly error: string }, colors: readonly Rgb[],
  ): HTMLElement[] {
    const { cell } = state;
    const mixed = cell && cell.parts.length > 1 && cell.start <= trace.offset && trace.offset < cell.end;
    return [
      this.values(state, trace, colors),
      ...(mixed ? this.cellMix(cell, diskTelling(state.names, colors, state.summary?.scan === 'running'), (part) =>
        this.actions.selectPart(cell, part.owner, part.kind)) : []),
      ...this.problems(state, trace),
      h('h2', {}, 'How a read gets there'),
      this.walk(state, trace, colors),
      this.write(trace, state),
      ...this.bytes(state, trace, bytes),
    ];
  }

  /** What checks found that touches the block. */
  private problems({ summary }: State, trace: Trace): HTMLElement[] {
    if (!summary) return [];
    const unit = trace.steps.find((step) => step.role === 'owner') ?? trace.steps[0];
    const found = problemsOnDisk(summary, unit?.unitStart ?? trace.offset, unit?.unitEnd ?? trace.offset + 1);
    return problemList(found, summary, this.actions);
  }

  /** A line of a list of values, each with a way to copy it. */
  private row(list: HTMLElement, label: string, text: string, value: Node | string = text): void {
    const copy = textButton('copy', `Copy: ${text}`, () => this.actions.copy(text, label.toLowerCase()), {
      'aria-label': `Copy ${label.toLowerCase()}`,
    });
    list.append(h('dt', {}, label), h('dd', {}, value, copy));
  }

  /** What the image says of itself: of the layer picked out, or of the one looked from. */
  private about({ summary, names, picked }: State): HTMLElement[] {
    const depth = picked ?? summary?.standpoint.depth ?? 0;
    const layer = summary?.layers[depth];
    if (!layer) return [];
    const list = h('dl', 'values');
    this.row(list, 'File', layer.path, breakable(layer.path));
    this.row(list, 'File size', formatBytes(layer.fileSize));
    if (layer.diskUsage !== undefined) this.row(list, 'On the host', formatBytes(layer.diskUsage));
    for (const { label, value } of storyFacts(layer)) this.row(list, label, value);
    for (const fact of layer.facts) this.row(list, fact.label, formatFact(fact));
    const verdict = checkVerdict(layer);
    if (verdict !== undefined) this.row(list, 'Check', verdict);
    return [h('h2', {}, `About ${names[depth] ?? layer.fileName}`), list];
  }

  private values({ names, summary }: State, trace: Trace, colors: readonly Rgb[]): HTMLElement {
    const owner = trace.steps.find((step) => step.role === 'owner');
    const layer = owner && summary?.layers[owner.depth];
    const list = h('dl', 'values');
    const row = (label: string, text: string, value: Node | string = text): void => this.row(list, label, text, value);
    row('Guest offset', formatOffset(trace.offset));
    row('Sector', formatCount(Math.floor(trace.offset / SECTOR_BYTES)));
    row('Size', unitSentence(trace, summary?.layers ?? []));
    const name = ownerName(trace.owner, names);
    const link = owner && h('button', {
      class: 'link', title: `Show only what ${name} owns`,
      variables: { '--layer': cssColor(colors[owner.depth] ?? { r: 128, g: 128, b: 128, a: 1 }) },
      onClick: () => this.actions.pick(owner.depth),
    }, name);
    row('Owner', name, link ?? name);
    const holds = trace.kind === Kind.Data || trace.kind === Kind.Compressed;
    const encryption = layer && holds ? encryptionOf(layer) : undefined;
    const kind = trace.owner === NOBODY ? 'reads as zero' : kindName(trace.kind);
    row('Kind', encryption === undefined ? kind : `${kind}, encrypted`);
    if (encryption !== undefined) row('Encryption', encryption);
    const host = owner?.hostOffset;
    if (owner && host !== undefined) {
      const shown = layer?.check && owner.holder === undefined && h('button', {
        class: 'link plain', title: 'Show this place on the map of the file',
        onClick: () => this.actions.showInFile(owner.depth, host),
      }, formatOffset(host));
      row('In file at', formatOffset(host), shown === false ? undefined : shown);
    }
    if (owner?.compressedLength !== undefined) row('Compressed', formatBytes(owner.compressedLength));
    if (owner && layer) {
      const path = owner.holder ?? layer.path;
      row('File', path, h('span', { title: path }, breakable(fileName(path))));
    }
    return list;
  }

  /** What else is in the cell of the map, each part a way to its first block. */
  private cellMix(cell: Cell, telling: Telling, choose: (part: Part) => void): HTMLElement[] {
    const rows = sharesOf(cell.parts).map(({ part, share }) => h(
      'li', {},
      h(
        'button', {
          class: 'part', title: 'Go to the first such block in this cell',
          onClick: () => choose(part),
        },
        telling.mark(part),
        h('span', 'part-name', telling.name(part)),
        h('span', 'part-share', share),
      ),
    ));
    return [
      h('div', 'head',
        h('h2', {}, 'In this cell'),
        h('span', 'aside', this.closer)),
      h('ul', 'parts', ...rows),
      ...markWords(cell).map((words) => h('p', 'hint', words)),
    ];
  }

  private walk({ names }: State, trace: Trace, colors: readonly Rgb[]): HTMLElement {
    const steps = trace.steps.map((step) => this.step(step, names, colors));
    const end = trace.ended !== undefined
      && h('li', 'step ended', h('p', 'step-title', asSentence(trace.ended)));
    return h('ol', 'walk', ...steps, end);
  }

  private step(step: TraceStep, names: readonly string[], colors: readonly Rgb[]): HTMLElement {
    const path = pathSentence(step.lookups);
    const entry = entrySentence(step.lookups);
    const missing = missingTable(step.lookups);
    const places = step.lookups
      .map(({ table, index, entry: raw, entryOffset }) => `${table}[${index}] at ${formatOffset(entryOffset)}: ${raw}`)
      .join('\n');
    const name = ownerName(step.depth, names);
    return h(
      'li', {
        class: `step ${step.role}${step.kind === Kind.Invalid ? ' invalid' : ''}`,
        variables: { '--layer': cssColor(colors[step.depth] ?? { r: 128, g: 128, b: 128, a: 1 }) },
      },
      h('p', 'step-title', h('span', 'step-name', name), `: ${stepSentence(step)}`),
      path !== '' && h('p', { class: 'step-detail', title: places }, path),
      entry !== undefined && h('p', { class: 'step-detail', title: places }, breakable(entry)),
      missing !== undefined && h('p', 'step-note', missing),
    );
  }

  private write(trace: Trace, { names, summary }: State): HTMLElement {
    const layers = summary?.layers ?? [];
    return h('p', 'write', ...writeSentence(trace, names, layers).map(({ text, strong }) => (
      strong ? h('strong', {}, text) : text)));
  }

  private bytes(state: State, trace: Trace, bytes: ReadReply | { readonly error: string }): HTMLElement[] {
    const start = trace.steps.find((step) => step.role === 'owner')?.unitStart;
    const first = start === undefined || start === trace.offset;
    const title = h('h2', {}, first ? 'First bytes' : 'Bytes from here');
    if ('error' in bytes) return [title, h('p', 'problem', asSentence(bytes.error))];
    const all = textButton('copy', 'Copy these bytes as a hex dump', () =>
      this.actions.copy(dumpText(bytes.bytes, bytes.offset, bytes.gaps), 'the bytes'));
    const head = h('div', 'head', title, h('span', 'aside', all));
    const why = [...new Set(bytes.gaps.map((gap) => gap.why))];
    const words = why.map((text) => h('p', 'hint', asSentence(text)));
    const readable = bytes.gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0) < bytes.bytes.length;
    if (!readable) return [title, ...words];
    const left = (state.summary?.guestSize ?? 0) - bytes.offset - bytes.bytes.length;
    const goesOn = left > 0 && bytes.bytes.length < MOST_BYTES;
    const more = goesOn && textButton('more bytes', 'Read on', () => this.actions.moreBytes());
    if (allZero(bytes)) {
      const said = h('p', 'hint', `All ${formatBytes(bytes.bytes.length)} from here are zero.`);
      return [head, said, ...(more ? [more] : [])];
    }
    const lines = dumpLines(bytes.bytes, DUMP_WIDTH, bytes.gaps).map(({ offset, hex, ascii }) => h(
      'div', { class: 'dump-line', title: formatOffset(bytes.offset + offset) },
      h('span', 'dump-offset', offset.toString(16).padStart(4, '0')),
      h('span', 'dump-hex', ...hex.map((byte) => h('span', { class: byte === '00' ? 'zero' : '' }, byte))),
      h('span', 'dump-ascii', ascii),
    ));
    const dump = h('div', {
      class: 'dump', attributes: { 'tabindex': '0', 'role': 'group', 'aria-label': 'Bytes' },
    }, ...lines);
    return [head, dump, ...words, ...(more ? [more] : [])];
  }
}
