import { formatBytes, unitName } from '../core/units';
import type { Rgb } from './color';
import { ComparisonBar } from './comparisonbar';
import { fill, h, textButton } from './dom';
import { FileGate } from './filegate';
import { formatRange, formatScale } from './format';
import { Legend } from './legend';
import type { Seen } from './legend';
import type { MapView } from './map/mapview';
import type { Overview } from './map/overview';
import { asSentence } from './sentences';
import { fileLayer, isEmpty, standpointLayer } from './summary';
import type { Actions, Face, State } from './state';
import type { Tooltip } from './tooltip';

/** What is drawn in the middle, of the disk and of a file. */
export type Maps = Readonly<Record<Face, MapView>>;

/** The middle of the window: overview, map, legend, and what is to be said about them. */
export class Centre {
  private readonly title = h('h2', 'whole');
  private readonly size = h('span');
  private readonly faces: Readonly<Record<Face, HTMLButtonElement>>;
  private readonly range = h('h2', 'range');
  private readonly scale = h('span', 'scale');
  private readonly out: HTMLButtonElement;
  private readonly in: HTMLButtonElement;
  private readonly whole: HTMLButtonElement;
  private readonly progress = h('div', {
    class: 'progress',
    attributes: {
      'role': 'progressbar', 'aria-label': 'Reading the layers', 'aria-valuemin': '0', 'aria-valuemax': '100',
    },
  }, h('span', 'progress-done'));
  private readonly said = h('div', 'said');
  private readonly legend = new Legend();
  private readonly comparison: ComparisonBar;
  private readonly gate: FileGate;
  private readonly sightHead: HTMLElement;
  private face: Face = 'disk';
  private readonly stage: HTMLElement;
  private readonly body: HTMLElement;
  readonly element: HTMLElement;

  constructor(
    private readonly maps: Maps, private readonly overview: Overview, tooltip: Tooltip, private readonly actions: Actions,
  ) {
    const hint = 'Arrow keys move the selection, plus and minus zoom, zero shows the whole disk, '
      + 'T goes to the inspector, the brackets travel to older and newer states, '
      + 'F changes between the map of the disk and that of the file.';
    for (const { canvas } of [maps.disk, maps.file]) {
      canvas.setAttribute('aria-roledescription', 'block map');
      canvas.setAttribute('aria-describedby', 'map-hint');
    }
    this.comparison = new ComparisonBar(actions);
    this.gate = new FileGate(actions);
    this.faces = {
      disk: faceButton('Disk', 'The map of the disk: which layer owns what (F)', () => actions.show('disk')),
      file: faceButton('File', 'The map of a layer’s file: what lies where in it (F)', () => actions.show('file')),
    };
    this.sightHead = h('div', 'head');
    this.out = textButton('−', 'Zoom out (−)', () => this.press(() => actions.zoom(-1)), { 'aria-label': 'Zoom out' });
    this.in = textButton('+', 'Zoom in (+)', () => this.press(() => actions.zoom(1)), { 'aria-label': 'Zoom in' });
    this.whole = textButton('whole disk', 'Show the whole disk (0)', () => actions.wholeDisk());
    this.stage = h('div', 'stage', maps.disk.canvas, h('div', 'focus-ring'), tooltip.element);
    this.body = h('div', 'map', this.stage, this.legend.element);
    this.sightHead.append(this.range,
      h('span', 'aside', this.scale, h('span', 'zoom', this.out, this.in, this.whole)));
    this.element = h(
      'section', { class: 'centre', attributes: { 'aria-label': 'Block map' } },
      h('div', 'head', this.title, h('span', 'aside', this.size, h(
        'span', { class: 'faces', attributes: { 'role': 'group', 'aria-label': 'Map of' } },
        this.faces.disk, this.faces.file))),
      overview.element, this.sightHead, this.progress, this.comparison.element, this.said, this.gate.element,
      h('p', { class: 'sr-only', attributes: { id: 'map-hint' } }, hint),
      this.body,
    );
  }

  /** @param uses colours by `Use` */
  update(state: State, colors: readonly Rgb[], uses: readonly Rgb[], seen: Seen): void {
    const { summary, face } = state;
    if (!summary) return;
    this.turnTo(face);
    this.updateTitle(state);
    this.legend.update(state, colors, uses, seen); // first: how many lines it takes decides what is left for the map
    this.comparison.update(state);
    this.gate.update(state);
    const drawn = this.gate.element.hidden;
    for (const part of [this.overview.element, this.sightHead, this.body]) part.hidden = !drawn;
    const sight = face === 'file' ? state.file.sight : state.sight;
    if (sight) {
      const layer = face === 'file' ? fileLayer(state) : standpointLayer(summary);
      this.range.textContent = formatRange(sight.start, sight.end);
      this.scale.textContent = formatScale(sight.cellBytes, layer?.grain ?? 1, unitName(layer?.format ?? ''));
      this.whole.disabled = sight.level === 0;
      this.updateZoom();
      // The legend stands right below the last row, wherever that is.
      const spare = Math.max(0, this.stage.clientHeight - sight.height);
      this.body.style.setProperty('--spare', `${Math.round(spare)}px`);
    }
    this.updateProgress(state);
    this.updateSaid(state);
  }

  /** Takes the focus to the map that is shown, or to what makes it. */
  focus(): void {
    if (this.gate.element.hidden) this.map.canvas.focus({ preventScroll: true });
    else this.gate.focus();
  }

  holds(element: Element): boolean {
    return this.stage.contains(element) || this.gate.element.contains(element);
  }

  private get map(): MapView {
    return this.maps[this.face];
  }

  private turnTo(face: Face): void {
    if (face === this.face) return;
    this.map.canvas.replaceWith(this.maps[face].canvas);
    this.face = face;
    for (const each of ['disk', 'file'] as const) {
      this.faces[each].setAttribute('aria-pressed', String(each === face));
    }
  }

  private updateTitle(state: State): void {
    const { summary, face } = state;
    if (!summary) return;
    const layer = fileLayer(state);
    const size = formatBytes(face === 'file' ? (layer?.fileSize ?? 0) : summary.guestSize);
    const what = face === 'file' ? `The file ${layer?.fileName ?? ''}` : 'Whole disk';
    this.title.textContent = what;
    this.title.title = face === 'file' ? (layer?.path ?? '') : '';
    this.title.classList.toggle('named', face === 'file');
    this.size.textContent = face === 'file' ? size : `0 – ${size}`;
    this.whole.textContent = face === 'file' ? 'whole file' : 'whole disk';
    this.whole.title = `Show the ${this.whole.textContent} (0)`;
    this.map.canvas.setAttribute('aria-label', face === 'file' ? `Map of the file ${layer?.fileName ?? ''}, ${size}`
      : `Block map of ${summary.layers[0]?.fileName ?? ''}, ${size}`);
  }

  /** The buttons know at once where a press leads, while the map is still on its way. */
  private press(zoom: () => void): void {
    zoom();
    this.updateZoom();
  }

  private updateZoom(): void {
    const can = this.map.canZoom;
    this.out.disabled = !can.out;
    this.in.disabled = !can.in;
  }

  private updateProgress({ summary, progress }: State): void {
    const running = summary?.scan === 'running';
    this.progress.classList.toggle('running', running);
    this.progress.setAttribute('aria-valuenow', String(Math.round(progress * 100)));
    this.progress.setAttribute('aria-hidden', String(!running));
    this.progress.style.setProperty('--done', String(progress));
  }

  private updateSaid({ summary, face }: State): void {
    this.said.hidden = face === 'file';
    if (!summary) return;
    const { message, advice } = summary.scanError ?? {};
    const failure = [message, advice].filter((text) => text !== undefined).map((text) => `${asSentence(text)}.`);
    if (summary.scan === 'failed') {
      fill(this.said, h('p', 'problem',
        ['The layers could not be read to the end.', ...failure].join(' ')),
      textButton('Try again', 'Read the files again', () => this.actions.refresh()));
    } else if (summary.guestSize === 0) {
      fill(this.said, h('p', {}, 'This disk has no bytes: its size is zero. Give it one with qemu-img resize.'));
    } else if (isEmpty(summary)) {
      fill(this.said, h('p', {},
        'Nothing has been written to this disk yet: all of it reads as zero. '
        + 'Install a guest or copy data onto it, and this page follows.'));
    } else fill(this.said);
  }
}

function faceButton(text: string, title: string, onClick: () => void): HTMLButtonElement {
  return h('button', {
    class: 'face', title, attributes: { 'aria-pressed': String(text === 'Disk') }, onClick,
  }, text);
}
