import { cssColor, mix } from '../color';
import type { Rgb } from '../color';
import { fill, h } from '../dom';
import { axisTicks, formatAxis, formatRange } from '../format';
import { nextFrame } from '../frame';
import { faded, pale } from '../palette';
import type { Palette } from '../palette';
import { Kind, NOBODY } from '../../core/model';
import { reaches } from './bars';
import { isUnknown } from './cells';
import type { MarkedPixels } from './cells';
import { fitDevicePixels } from './devicepixels';
import { estimate } from './estimate';
import { patternTile } from './mapcolors';
import type { Pattern } from './mapcolors';
import { resample } from './resample';
import { fillRect, hatch, imageOf, pack, sizeRaster } from './raster';
import type { Raster, Tile } from './raster';

export interface OverviewModel {
  readonly size: number;
  /** The layers' colours, newest first. */
  readonly colors: readonly Rgb[];
  /** By owner, where one is not plain. */
  readonly patterns?: readonly (Pattern | undefined)[];
  readonly picked: number | null;
  /** While two disks are compared, what does not differ fades. */
  readonly comparing: boolean;
  readonly pending: boolean;
  /** The part of the disk that the map shows. */
  readonly window: { readonly start: number; readonly end: number };
}

export interface OverviewEvents {
  /** The strip was pressed or dragged at this byte. */
  center(byte: number): void;
  /** The same keys as on the map. */
  scroll(pages: number): void;
}

/** By owner. */
interface LayerColors {
  readonly solid: readonly (number | Tile)[];
  /** What reads as zero weighs less than data. */
  readonly zero: readonly (number | Tile)[];
}

interface BarColors {
  readonly ground: number;
  readonly background: number;
  readonly plain: LayerColors;
  /** What does not differ, while two disks are compared. */
  readonly faded: LayerColors;
  /** What is estimated, while the disk is still being read. */
  readonly pale: LayerColors;
  /** Tells it by thinner bars: high contrast, where colours stay. */
  readonly thinPale: boolean;
  readonly different: number;
  readonly damaged: number;
  readonly unknown: Tile;
  readonly invalid: Tile;
}

/** All that the bars look like depends on. */
interface Strip {
  readonly width: number;
  readonly height: number;
  readonly colors: BarColors;
  readonly bars: MarkedPixels | undefined;
  readonly comparing: boolean;
  readonly pending: boolean;
}

/** CSS pixels: width of a bar of the histogram, and the least width of the window. */
const BAR = 2;
const LEAST_WINDOW = 4;
const TICKS = 6;
/** CSS pixels: height of the band below bars that differ, and of the ticks on those that are damaged. */
const BAND = 4;
const TICK = 5;

/** The whole disk as a stacked histogram, base at the bottom, with a window on what the map shows. */
export class Overview {
  private readonly canvas = h('canvas', {
    class: 'overview-canvas',
    attributes: {
      'tabindex': '0', 'role': 'slider', 'aria-label': 'Part of the disk shown in the map',
      'aria-valuemin': '0', 'aria-valuemax': '100',
    },
  });
  private readonly axis = h('div', { class: 'axis', attributes: { 'aria-hidden': 'true' } });
  readonly element = h('div', 'overview', this.canvas, this.axis);
  private model: OverviewModel = {
    size: 0, colors: [], picked: null, comparing: false, pending: false, window: { start: 0, end: 0 },
  };
  private pixels: MarkedPixels | undefined;
  private bars: { readonly from: MarkedPixels; readonly size: number; readonly pixels: MarkedPixels } | undefined;
  private palette: Palette | undefined;
  private colors: BarColors | undefined;
  private raster: Raster | undefined;
  private painted: Strip | undefined;
  private axisFor = 0;
  private readonly job = (): undefined => this.paint();

  constructor(private readonly events: OverviewEvents) {
    fitDevicePixels(this.canvas, () => {
      this.bars = undefined;
      this.colors = undefined;
      this.paint(); // at once: a canvas of another size is black until it is painted on
    });
    this.bindInput();
  }

  show(model: OverviewModel, pixels: MarkedPixels | undefined): void {
    if (model.colors !== this.model.colors || model.picked !== this.model.picked) this.colors = undefined;
    this.model = model;
    this.pixels = pixels;
    const share = model.size === 0 ? 0 : ((model.window.start + model.window.end) / 2 / model.size) * 100;
    this.canvas.setAttribute('aria-valuenow', String(Math.round(share)));
    this.canvas.setAttribute('aria-valuetext', formatRange(model.window.start, model.window.end));
    if (this.axisFor !== model.size) this.labelAxis();
    nextFrame(this.job);
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    this.colors = undefined;
    nextFrame(this.job);
  }

  private labelAxis(): void {
    const { size } = this.model;
    this.axisFor = size;
    const ticks = axisTicks(size, TICKS);
    fill(this.axis, ...ticks.map((tick, index) => {
      const last = index === ticks.length - 1;
      return h('span', {
        class: index === 0 ? 'first' : last ? 'last' : '',
        variables: { '--at': `${(tick / size) * 100}%` },
      }, formatAxis(tick, size));
    }));
  }

  private bindInput(): void {
    const { canvas } = this;
    let grip: number | undefined;
    const byteAt = (event: PointerEvent): number => {
      const box = canvas.getBoundingClientRect();
      return ((event.clientX - box.left) / Math.max(1, box.width)) * this.model.size;
    };
    const move = (byte: number): void =>
      this.events.center(Math.min(Math.max(0, byte), Math.max(0, this.model.size - 1)));
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const { start, end } = this.model.window;
      const byte = byteAt(event);
      // Gripped, the window keeps its distance to the pointer; pressed elsewhere, it comes to it.
      grip = byte >= start && byte < end ? byte - (start + end) / 2 : 0;
      move(byte - grip);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (grip !== undefined) move(byteAt(event) - grip);
    });
    const release = (): void => {
      grip = undefined;
    };
    canvas.addEventListener('pointerup', release);
    canvas.addEventListener('pointercancel', release);
    canvas.addEventListener('keydown', (event) => {
      const steps: Readonly<Record<string, number>> = {
        ArrowLeft: -0.25, ArrowDown: -0.25, ArrowRight: 0.25, ArrowUp: 0.25, PageDown: -1, PageUp: 1,
        Home: -Infinity, End: Infinity,
      };
      const pages = steps[event.key];
      if (pages === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (Number.isFinite(pages)) this.events.scroll(pages);
      else this.events.center(pages < 0 ? 0 : this.model.size - 1);
    });
  }

  /** The histogram's bars: the overview summed up to one cell a bar. */
  private sumBars(bar: number): MarkedPixels | undefined {
    const { pixels, model } = this;
    if (!pixels || model.size === 0) return undefined;
    if (this.bars?.from !== pixels || this.bars.size !== model.size) {
      const cells = Math.max(1, Math.floor(this.canvas.width / bar));
      const cellBytes = model.size / cells;
      this.bars = { from: pixels, size: model.size, pixels: resample({ start: 0, cellBytes, cells }, model.size, [pixels]) };
    }
    return this.bars.pixels;
  }

  private paint(): undefined {
    const context = this.canvas.getContext('2d', { alpha: false });
    const { palette } = this;
    const { width, height } = this.canvas;
    if (!context || !palette || width === 0 || height === 0) return;
    const ratio = devicePixelRatio;
    const bar = Math.max(1, Math.round(BAR * ratio));
    const colors = (this.colors ??= this.mix(palette, ratio));
    const raster = this.paintStrip(colors, this.sumBars(bar), ratio);
    context.putImageData(imageOf(raster), 0, 0);
    this.paintWindow(context, palette, ratio);
    if (!palette.highContrast) return;
    context.strokeStyle = cssColor(palette.nobody);
    context.lineWidth = Math.round(ratio);
    context.strokeRect(ratio / 2, ratio / 2, width - ratio, height - ratio);
  }

  /** Paints the bars, unless they are painted already: mostly it is the window that moves. */
  private paintStrip(colors: BarColors, bars: MarkedPixels | undefined, ratio: number): Raster {
    const { width, height } = this.canvas;
    const { comparing, pending } = this.model;
    const strip: Strip = { width, height, colors, bars, comparing, pending };
    const { painted, raster } = this;
    if (raster && painted && (Object.keys(strip) as (keyof Strip)[]).every((key) => painted[key] === strip[key])) return raster;
    this.painted = strip;
    this.raster = sizeRaster(raster, width, height);
    this.raster.data.fill(colors.ground);
    if (bars) {
      this.paintBars(this.raster, colors, bars);
      paintBarMarks(this.raster, colors, bars, ratio);
    }
    return this.raster;
  }

  private mix(palette: Palette, ratio: number): BarColors {
    const { colors, picked, patterns = [] } = this.model;
    const ground = palette.highContrast ? palette.background : palette.nobody;
    const shown = colors.map((color, depth) => (picked === null || picked === depth ? color : faded(color, ground)));
    const layerColors = (all: readonly Rgb[]): LayerColors => ({
      solid: all.map((color, owner) => patternTile(patterns[owner], color, ground, ratio) ?? pack(color)),
      zero: all.map((color) => pack(mix(color, ground, 0.55))),
    });
    return {
      ground: pack(ground),
      background: pack(palette.background),
      plain: layerColors(shown),
      faded: layerColors(shown.map((color) => faded(color, ground))),
      pale: layerColors(shown.map((color) => pale(color, palette))),
      thinPale: palette.highContrast,
      different: pack(palette.own['vmDisk.different']),
      damaged: pack(palette.own['vmDisk.damaged']),
      unknown: hatch(palette.unknown, ground, ratio, false),
      invalid: hatch(palette.invalid, ground, ratio, true),
    };
  }

  private paintBars(raster: Raster, colors: BarColors, bars: MarkedPixels): void {
    const { width, height } = raster;
    const stack: { order: number; bytes: number; style: number | Tile }[] = [];
    const estimated = this.model.pending ? estimate(bars) : undefined;
    for (let cell = 0; cell < bars.cells; cell += 1) {
      const x = Math.round((cell * width) / bars.cells);
      const next = Math.round(((cell + 1) * width) / bars.cells);
      stack.length = 0;
      const same = this.model.comparing && !((bars.different?.[cell] ?? 0) > 0);
      const like = estimated?.like[cell] ?? cell;
      // What is known of a bar that is not wholly known is taken for all of it.
      const known = estimated?.known[like] ?? 1;
      const guessed = (estimated?.known[cell] ?? 1) < 1;
      const { solid, zero } = guessed ? colors.pale : same ? colors.faded : colors.plain;
      const wide = guessed && colors.thinPale ? Math.ceil((next - x) / 2) : next - x;
      for (let part = bars.first[like] ?? 0; part < (bars.first[like + 1] ?? 0); part += 1) {
        const owner = bars.owner[part] ?? NOBODY;
        const kind = bars.kind[part] ?? Kind.Data;
        const bytes = (bars.bytes[part] ?? 0) / known;
        const lacking = isUnknown(owner, kind);
        if (owner === NOBODY || (lacking && this.model.pending)) continue;
        const hollow = kind === Kind.Zero || kind === Kind.ZeroAllocated;
        const style = lacking ? colors.unknown : kind === Kind.Invalid ? colors.invalid
          : ((hollow ? zero : solid)[owner] ?? colors.ground);
        stack.push({ order: lacking ? -1 : owner + (hollow ? 0 : 0.5), bytes, style });
      }
      stack.sort((one, other) => other.order - one.order);
      const reached = reaches(stack.map(({ bytes }) => bytes), bars.cellBytes, height);
      let below = 0;
      stack.forEach(({ style }, part) => {
        const lines = (reached[part] ?? 0) - below;
        below += lines;
        fillRect(raster, x, height - below, wide, lines, style);
      });
    }
  }

  private paintWindow(context: CanvasRenderingContext2D, palette: Palette, ratio: number): void {
    const { size, window } = this.model;
    const { width, height } = this.canvas;
    if (size === 0 || (window.start === 0 && window.end >= size)) return;
    const line = Math.max(1, Math.round(1.5 * ratio));
    const least = LEAST_WINDOW * ratio;
    const middle = ((window.start + window.end) / 2 / size) * width;
    const wide = Math.max(((window.end - window.start) / size) * width, least);
    const left = Math.round(Math.min(Math.max(middle - wide / 2, 0), width - wide));
    const right = Math.round(left + wide);
    context.globalAlpha = 0.5;
    context.fillStyle = cssColor(palette.background);
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, width - right, height);
    context.globalAlpha = 1;
    context.strokeStyle = cssColor(palette.accent);
    context.lineWidth = line;
    context.strokeRect(left + line / 2, line / 2, right - left - line, height - line);
  }
}

/** A band along the bottom where disks differ, ticks along the top where something is damaged. */
function paintBarMarks(raster: Raster, colors: BarColors, bars: MarkedPixels, ratio: number): void {
  const { width, height } = raster;
  const band = Math.round(BAND * ratio);
  const tick = Math.round(TICK * ratio);
  const line = Math.max(1, Math.round(ratio));
  for (let cell = 0; cell < bars.cells; cell += 1) {
    const x = Math.round((cell * width) / bars.cells);
    const wide = Math.round(((cell + 1) * width) / bars.cells) - x;
    if ((bars.different?.[cell] ?? 0) > 0) {
      fillRect(raster, x, height - band - line, wide, line, colors.background);
      fillRect(raster, x, height - band, wide, band, colors.different);
    }
    if ((bars.damaged?.[cell] ?? 0) > 0) {
      // Wider than its bar: one line of pixels at the edge is overlooked.
      const from = Math.max(0, x - wide);
      const across = Math.min(width, x + 2 * wide) - from;
      fillRect(raster, from, 0, across, tick, colors.damaged);
      fillRect(raster, from, tick, across, line, colors.background);
    }
  }
}
