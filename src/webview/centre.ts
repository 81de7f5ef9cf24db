import { formatBytes } from '../core/units';
import type { Rgb } from './color';
import { fill, h, textButton } from './dom';
import { formatRange, formatScale } from './format';
import { Legend } from './legend';
import type { MapView } from './map/mapview';
import type { Overview } from './map/overview';
import { asSentence } from './sentences';
import { isEmpty, standpointLayer } from './summary';
import type { Actions, State } from './state';
import type { Tooltip } from './tooltip';

/** The middle of the window: overview, map, legend, and what is to be said about them. */
export class Centre {
  private readonly disk = h('span', { class: 'aside' });
  private readonly range = h('h2', { class: 'range' });
  private readonly scale = h('span', { class: 'scale' });
  private readonly out: HTMLButtonElement;
  private readonly in: HTMLButtonElement;
  private readonly whole: HTMLButtonElement;
  private readonly progress = h('div', {
    class: 'progress',
    attributes: {
      'role': 'progressbar', 'aria-label': 'Reading the layers', 'aria-valuemin': '0', 'aria-valuemax': '100',
    },
  }, h('span', { class: 'progress-done' }));
  private readonly said = h('div', { class: 'said' });
  private readonly legend = new Legend();
  private readonly stage: HTMLElement;
  private readonly body: HTMLElement;
  readonly element: HTMLElement;

  constructor(
    private readonly map: MapView, overview: Overview, tooltip: Tooltip, private readonly actions: Actions,
  ) {
    const hint = 'Arrow keys move the selection, plus and minus zoom, zero shows the whole disk, '
      + 'T goes to the inspector, the brackets travel to older and newer states.';
    map.canvas.setAttribute('aria-roledescription', 'block map');
    map.canvas.setAttribute('aria-describedby', 'map-hint');
    this.out = textButton('−', 'Zoom out (−)', () => this.press(() => actions.zoom(-1)), { 'aria-label': 'Zoom out' });
    this.in = textButton('+', 'Zoom in (+)', () => this.press(() => actions.zoom(1)), { 'aria-label': 'Zoom in' });
    this.whole = textButton('whole disk', 'Show the whole disk (0)', () => actions.wholeDisk());
    this.stage = h('div', { class: 'stage' }, map.canvas, h('div', { class: 'focus-ring' }), tooltip.element);
    this.body = h('div', { class: 'map' }, this.stage, this.legend.element);
    this.element = h(
      'section', { class: 'centre', attributes: { 'aria-label': 'Block map' } },
      h('div', { class: 'head' }, h('h2', {}, 'Whole disk'), this.disk),
      overview.element,
      h('div', { class: 'head' }, this.range,
        h('span', { class: 'aside' }, this.scale, h('span', { class: 'zoom' }, this.out, this.in, this.whole))),
      this.progress, this.said,
      h('p', { class: 'sr-only', attributes: { id: 'map-hint' } }, hint),
      this.body,
    );
  }

  update(state: State, colors: readonly Rgb[], hasInvalid: boolean): void {
    const { summary, sight } = state;
    if (!summary) return;
    this.disk.textContent = `0 – ${formatBytes(summary.guestSize)}`;
    const name = summary.layers[0]?.fileName ?? '';
    this.map.canvas.setAttribute('aria-label', `Block map of ${name}, ${formatBytes(summary.guestSize)}`);
    this.legend.update(state, colors, hasInvalid); // first: how many lines it takes decides what is left for the map
    if (sight) {
      this.range.textContent = formatRange(sight.start, sight.end);
      this.scale.textContent = formatScale(sight.cellBytes, standpointLayer(summary)?.grain ?? 1);
      this.whole.disabled = sight.level === 0;
      this.updateZoom();
      // The legend stands right below the last row, wherever that is.
      const spare = Math.max(0, this.stage.clientHeight - sight.height);
      this.body.style.setProperty('--spare', `${Math.round(spare)}px`);
    }
    this.updateProgress(state);
    this.updateSaid(state);
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

  private updateSaid({ summary }: State): void {
    if (!summary) return;
    const { message, advice } = summary.scanError ?? {};
    const failure = [message, advice].filter((text) => text !== undefined).map((text) => `${asSentence(text)}.`);
    if (summary.scan === 'failed') {
      fill(this.said, h('p', { class: 'problem' },
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
