import { cssColor } from '../color';
import type { Rgb } from '../color';
import { h } from '../dom';
import { nextFrame } from '../frame';
import type { Palette } from '../palette';
import { partAt, partsOf } from './cells';
import type { MarkedPixels, Part } from './cells';
import { fitDevicePixels } from './devicepixels';
import { Grid } from './grid';
import type { Enlargement } from './grid';
import { bindInput } from './input';
import { mapColors } from './mapcolors';
import type { Pattern } from './mapcolors';
import { labelWidth, paintFrames, paintLabels } from './overlay';
import { paintCells } from './paint';
import type { MapColors, Scene } from './paint';
import { imageOf, sizeRaster } from './raster';
import type { Raster } from './raster';
import type { CellRange } from './resample';
import { widestLabel } from './rowlabels';
import * as scale from './scale';
import type { Box, Disk, Level, View } from './scale';
import type { PixelSource } from './source';
import { ZoomMotion } from './zoom';
import type { Hold, WheelIntent } from './zoom';

/** A cell of the map: its range of the disk, and what is known to be in it. */
export interface Cell {
  readonly start: number;
  readonly end: number;
  readonly parts: readonly Part[];
  /** Bytes that differ from the disk compared with, and that a problem touches. */
  readonly different?: number | undefined;
  readonly damaged?: number | undefined;
  /** False while the parts are stretched from an older picture. */
  readonly exact: boolean;
}

/** What the map shows, apart from which part of it. */
export interface MapModel {
  readonly disk: Disk;
  readonly generation: number;
  /** The layers' colours, newest first; those of a file's uses in the map of a file. */
  readonly colors: readonly Rgb[];
  /** By owner, where one is not plain. */
  readonly patterns?: readonly (Pattern | undefined)[];
  readonly pending: boolean;
  readonly picked: number | null;
  readonly comparing: boolean;
  readonly selected: number | null;
}

/** What stands on the screen now. */
export interface MapSight {
  readonly start: number;
  readonly end: number;
  readonly level: number;
  readonly levels: number;
  readonly cellBytes: number;
  /** Height of the rows in CSS pixels, where they are fewer than fit. */
  readonly height: number;
}

export interface MapEvents {
  sight(sight: MapSight): void;
  hover(cell: Cell | undefined, point: { x: number; y: number }): void;
  /** A cell was chosen; `part` is the one under the pointer, and none when the keys chose it. */
  choose(cell: Cell, part: Part | undefined): void;
}

/** The place of a view, in terms that survive another window size. */
export interface SavedView {
  readonly cellBytes: number;
  readonly columns: number;
  readonly lead: number;
  readonly topByte: number;
}

/** Lengths in CSS pixels. */
const EDGE = 3;
const LEAST_GUTTER = 50;
const LABEL_GAP = 8;
const LINE_PIXELS = 40;
/** How small the cells of a level get before the zoom takes the next: what is drawn then is looked up from the start. */
const SMALLEST = Math.SQRT1_2;

/** The block map: one canvas, repainted at most once a frame. */
export class MapView {
  readonly canvas = h('canvas', { class: 'map-canvas', attributes: { tabindex: '0', role: 'application' } });
  private model: MapModel = {
    disk: { size: 0, unit: 1 }, generation: -1, colors: [], pending: false, picked: null, comparing: false,
    selected: null,
  };
  private view: View = scale.WHOLE_DISK;
  private box: Box = { width: 0, height: 0, ratio: 1 };
  private levels: Level[] = [];
  private readonly motion = new ZoomMotion();
  private palette: Palette | undefined;
  private colors: MapColors | undefined;
  private picture: { pixels: MarkedPixels; exact: boolean } | undefined;
  private raster: Raster | undefined;
  private font = '';
  private scene: Scene | undefined;
  private pointer: { x: number; y: number } | undefined;
  private saved: SavedView | undefined;
  private sight: MapSight | undefined;
  private readonly still = matchMedia('(prefers-reduced-motion: reduce)');
  private readonly job = (now: number): boolean => this.paint(now);

  constructor(private readonly source: PixelSource, private readonly events: MapEvents) {
    bindInput(this.canvas, {
      hover: (point) => this.hover(point),
      click: (point) => this.click(point),
      doubleClick: (point) => this.zoomBy(1, point),
      drag: (by) => this.scroll(-by.y),
      wheel: (intent, point) => this.wheel(intent, point),
      key: (event) => this.key(event),
    });
    fitDevicePixels(this.canvas, () => this.resized());
  }

  /** Draws this from now on. A disk of another size keeps the middle of the view where it was. */
  show(model: MapModel): void {
    const { size, unit, file } = this.model.disk;
    const elsewhere = model.disk.file !== file;
    const other = elsewhere || model.disk.size !== size || model.disk.unit !== unit;
    const recolored = model.colors !== this.model.colors;
    const kept = other && !elsewhere && size > 0 ? this.save() : undefined;
    this.model = model;
    this.source.show(model.disk, model.generation);
    if (recolored) this.colors = undefined;
    if (elsewhere) {
      this.saved = undefined;
      this.view = scale.WHOLE_DISK;
    }
    if (other) {
      this.measure();
      if (kept) this.restore(kept);
    }
    nextFrame(this.job);
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    this.font = '';
    this.colors = undefined;
    nextFrame(this.job);
  }

  repaint(): void {
    nextFrame(this.job);
  }

  save(): SavedView | undefined {
    const level = this.levels[this.view.level];
    if (!level || this.view.level === 0) return this.saved;
    const topByte = Math.max(0, Math.round(this.view.top * level.columns - this.view.lead) * level.cellBytes);
    return { cellBytes: level.cellBytes, columns: level.columns, lead: this.view.lead, topByte };
  }

  /** Goes to a saved place, at once or as soon as the size of the canvas is known. */
  restore(saved: SavedView | undefined): void {
    this.saved = saved;
    if (!saved || this.levels.length === 0) return;
    this.saved = undefined;
    const exact = this.levels.findIndex(
      (each) => each.cellBytes === saved.cellBytes && each.columns === saved.columns,
    );
    const index = exact >= 0 ? exact : scale.levelFor(saved.cellBytes, this.levels);
    const level = this.levels[index];
    if (!level) return;
    const lead = level.columns === saved.columns ? saved.lead : 0;
    const top = (saved.topByte / level.cellBytes + lead) / level.columns;
    this.stand({ level: index, lead, top: lead === 0 ? Math.floor(top) : top });
  }

  /** The cell around a byte, as far as it is on screen. */
  cellOf(byte: number): Cell | undefined {
    const level = this.levels[this.view.level];
    return level && byte < this.model.disk.size ? this.cell(Math.floor(byte / level.cellBytes), level) : undefined;
  }

  /** Brings a byte into sight. */
  reveal(byte: number): void {
    if (this.levels.length === 0) return;
    this.stand(scale.reveal(this.view, byte, this.model.disk, this.levels, this.box));
  }

  /** Brings a byte into sight in cells no larger than one unit of the disk; where they are, in larger ones. */
  close(byte: number): void {
    const to = scale.closerLevel(this.motion.heading, this.model.disk, this.levels);
    this.stand(scale.zoomToRow(to, byte, this.box.height / 2, this.model.disk, this.levels, this.box));
  }

  /** Scrolls so that `byte` is in the middle. */
  center(byte: number): void {
    if (this.view.level === 0) return;
    this.stand(
      scale.zoomToRow(this.view.level, byte, this.box.height / 2, this.model.disk, this.levels, this.box),
    );
  }

  /** Zooms around a point, or without one around the selected block or the middle. */
  zoomBy(by: number, point?: { x: number; y: number }): void {
    this.motion.step(by, this.levels.length, this.holdFor(point));
    nextFrame(this.job);
  }

  /** Whether there is further to zoom, counted from where the zoom is going. */
  get canZoom(): { readonly out: boolean; readonly in: boolean } {
    return { out: this.motion.heading > 0, in: this.motion.heading < this.levels.length - 1 };
  }

  wholeDisk(): void {
    this.zoomBy(-this.levels.length);
  }

  /** Scrolls by CSS pixels. */
  scroll(pixels: number): void {
    if (this.levels.length === 0 || pixels === 0) return;
    this.stand(scale.scrollBy(this.view, pixels * this.box.ratio, this.model.disk, this.levels, this.box));
  }

  private stand(view: View): void {
    this.view = view;
    this.motion.jump(view.level);
    nextFrame(this.job);
  }

  private resized(): void {
    this.colors = undefined; // patterns are drawn for one pixel ratio
    this.measure();
    // At once: a canvas of another size is black until it is painted on.
    if (this.paint(performance.now())) nextFrame(this.job);
  }

  /** Lays the levels out anew and stays where the view was. */
  private measure(): void {
    const { disk } = this.model;
    const ratio = devicePixelRatio;
    const gutter = this.gutter(ratio);
    const edge = 2 * EDGE * ratio;
    const kept = this.save();
    this.box = {
      width: Math.max(0, this.canvas.width - gutter - edge),
      height: Math.max(0, this.canvas.height - edge),
      ratio,
    };
    if (disk.size === 0 || this.box.width < 16 || this.box.height < 16) {
      this.levels = [];
      this.saved = kept;
      return;
    }
    this.levels = scale.levelsOf(disk, this.box);
    this.stand(scale.WHOLE_DISK);
    this.restore(kept);
  }

  /** Width for the labels beside the rows, in device pixels: what the widest of this disk needs. */
  private gutter(ratio: number): number {
    const context = this.context();
    const widest = context ? labelWidth(context, this.fontFamily(), ratio, widestLabel(this.model.disk)) : 0;
    // One CSS pixel stays free before the text, and one for what the grid's line may take.
    return Math.round(Math.max(LEAST_GUTTER * ratio, widest + (LABEL_GAP + 2) * ratio));
  }

  private context(): CanvasRenderingContext2D | null {
    return this.canvas.getContext('2d', { alpha: false });
  }

  /** Empty while the canvas is not in the page. */
  private fontFamily(): string {
    this.font ||= getComputedStyle(this.canvas).fontFamily;
    return this.font;
  }

  private holdFor(point: { x: number; y: number } | undefined): Hold {
    const level = this.levels[this.view.level];
    const { disk, selected } = this.model;
    const { height } = this.box;
    if (!level) return { by: 'row', byte: 0, x: 0, y: 0 };
    const left = scale.gridLeft(level, this.box);
    if (point) {
      const onGrid = this.onGrid(point, level);
      const [x, y] = [onGrid.x + left, onGrid.y];
      const last = this.motion.hold;
      // A pointer at rest keeps its byte, so that zooming in and out again does not drift.
      if (last?.by === 'point' && last.x === x && last.y === y) return last;
      return { by: 'point', byte: scale.byteAt(onGrid.x, y, this.view, disk, level), x, y };
    }
    const place = selected === null
      ? undefined : scale.cellPlace(Math.floor(selected / level.cellBytes), this.view, level);
    if (selected === null || !place || place.y < 0 || place.y > height) {
      const middle = scale.byteAt(0, height / 2, this.view, disk, level);
      return { by: 'row', byte: middle, x: this.box.width / 2, y: height / 2 };
    }
    return { by: 'row', byte: selected, x: left + place.x + level.pitch / 2, y: place.y + level.pitch / 2 };
  }

  /** Where the grid starts, in device pixels: its right edge keeps to that of the canvas, labels fill the left. */
  private origin(level: Level): { x: number; y: number } {
    const edge = Math.round(EDGE * this.box.ratio);
    const gap = Math.max(1, Math.round(this.box.ratio));
    return { x: this.canvas.width - edge - level.columns * level.pitch + gap, y: edge };
  }

  /** A point of the canvas in the grid's own pixels. */
  private onGrid(point: { x: number; y: number }, level: Level): { x: number; y: number } {
    const origin = this.origin(level);
    return { x: point.x * this.box.ratio - origin.x, y: point.y * this.box.ratio - origin.y };
  }

  private wheel(intent: WheelIntent, point: { x: number; y: number }): void {
    if (intent.kind === 'pan') this.scroll(intent.by);
    else if (intent.kind === 'step') this.zoomBy(intent.by, point);
    else this.motion.pinch(intent.by, this.levels.length, this.holdFor(point), performance.now());
    nextFrame(this.job);
  }

  private cell(index: number, level: Level): Cell {
    const start = index * level.cellBytes;
    const end = Math.min(start + level.cellBytes, this.model.disk.size);
    const { pixels, exact } = this.picture ?? {};
    const at = pixels?.cellBytes === level.cellBytes ? index - Math.round(pixels.rangeStart / level.cellBytes) : -1;
    return {
      start, end, exact: exact === true,
      parts: pixels && at >= 0 && at < pixels.cells ? partsOf(pixels, at) : [],
      different: pixels?.different?.[at],
      damaged: pixels?.damaged?.[at],
    };
  }

  private under(point: { x: number; y: number }): { cell: Cell; along: number } | undefined {
    const level = this.levels[this.view.level];
    if (!level) return undefined;
    const { x, y } = this.onGrid(point, level);
    const hit = scale.cellAt(x, y, this.view, this.model.disk, level);
    return hit && { cell: this.cell(hit.cell, level), along: hit.along };
  }

  /** Forgets the pointer: what it rested on is no longer shown, and no event need tell that it left. */
  leave(): void {
    this.hover(undefined);
  }

  private hover(point: { x: number; y: number } | undefined): void {
    this.pointer = point;
    this.tellHover();
    nextFrame(this.job);
  }

  /** Tells what lies under the pointer, which may rest while the map moves. */
  private tellHover(): void {
    const cell = this.pointer && this.under(this.pointer)?.cell;
    this.events.hover(cell, this.pointer ?? { x: 0, y: 0 });
  }

  private click(point: { x: number; y: number }): void {
    const hit = this.under(point);
    if (hit) this.events.choose(hit.cell, partAt(hit.cell.parts, hit.along));
  }

  /** Moves the selection or scrolls; true when the key meant that. */
  key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const level = this.levels[this.view.level];
    if (!level) return false;
    const { disk, selected } = this.model;
    const seen = scale.visibleCells(this.view, disk, level, this.box);
    const from = selected === null ? undefined : Math.floor(selected / level.cellBytes);
    const to = scale.cellAfterKey(event.key, from, seen.first, disk, level, this.box);
    if (to === undefined) return false;
    this.hover(undefined); // the keys have taken over
    if (event.shiftKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      this.scroll(event.key === 'ArrowUp' ? -LINE_PIXELS : LINE_PIXELS);
      return true;
    }
    this.reveal(to * level.cellBytes);
    this.events.choose(this.cell(to, level), undefined);
    return true;
  }

  private paint(now: number): boolean {
    const context = this.context();
    if (!context || this.levels.length === 0 || !this.palette) return false;
    const moving = this.motion.frame(now, this.still.matches);
    this.followZoom();
    const level = this.levels[this.view.level];
    if (!level) return false;
    const { disk, selected } = this.model;
    const zoom = this.enlargement(level);
    const grid = new Grid(this.view, level, zoom);
    const gap = Math.max(1, Math.round(this.box.ratio));
    const seen = this.cellsSeen(level, zoom);
    this.picture = this.source.picture(
      this.rangeOf(this.cellsSeen(level, moving ? { ...zoom, scale: Math.min(zoom.scale, SMALLEST) } : zoom), level),
      Math.ceil(this.box.height / level.pitch / 2) * level.columns,
    );
    this.colors ??= mapColors(this.palette, this.model.colors, this.model.patterns ?? [], this.box.ratio);
    const origin = this.origin(level);
    const raster = this.paintScene(level, {
      pixels: this.picture.pixels, grid, ...seen, gap, picked: this.model.picked, comparing: this.model.comparing,
      pending: this.model.pending, colors: this.colors,
    });

    context.resetTransform();
    this.clearAround(context, origin, raster, this.palette);
    context.putImageData(imageOf(raster), origin.x, origin.y);
    const overlay = { context, palette: this.palette, view: this.view, level, box: this.box };
    paintLabels(overlay, grid, disk, seen, {
      font: this.fontFamily(), right: origin.x - LABEL_GAP * this.box.ratio, top: origin.y,
    });
    const hovered = this.pointer && this.under(this.pointer)?.cell.start;
    const cellAt = (byte: number): number => Math.floor(byte / level.cellBytes);
    context.translate(origin.x, origin.y);
    paintFrames(overlay, grid, gap, hovered === undefined ? undefined : cellAt(hovered),
      selected === null || selected >= disk.size ? undefined : cellAt(selected));
    this.tellBusy(moving || !this.picture.exact || this.model.pending);
    this.tellSight(level);
    if (this.pointer) this.tellHover();
    return moving;
  }

  /** Paints the cells, unless they are painted already: a frame may move where the pointer is and nothing else. */
  private paintScene(level: Level, scene: Scene): Raster {
    const width = level.columns * level.pitch;
    const height = Math.ceil(this.box.height);
    const { raster, scene: last } = this;
    if (raster?.width === width && raster.height === height && last && sameScene(last, scene)) return raster;
    this.scene = scene;
    this.raster = sizeRaster(raster, width, height);
    paintCells(this.raster, scene);
    return this.raster;
  }

  /** Background for all of the canvas that the cells do not cover. */
  private clearAround(
    context: CanvasRenderingContext2D, { x, y }: { x: number; y: number }, cells: Raster, palette: Palette,
  ): void {
    const { width, height } = this.canvas;
    context.fillStyle = cssColor(palette.background);
    context.fillRect(0, 0, x, height);
    context.fillRect(x, 0, width - x, y);
    context.fillRect(x, y + cells.height, width - x, height);
    context.fillRect(x + cells.width, y, width, height);
  }

  /** Cells `[first, last)` that are on screen at this enlargement. */
  private cellsSeen(level: Level, { scale: size, y }: Enlargement): { first: number; last: number } {
    const above = y - y / size;
    const view = { ...this.view, top: this.view.top + above / level.pitch };
    return scale.visibleCells(view, this.model.disk, level, { ...this.box, height: this.box.height / size });
  }

  private rangeOf({ first, last }: { first: number; last: number }, { cellBytes }: Level): CellRange {
    return { start: first * cellBytes, cellBytes, cells: last - first };
  }

  /** Busy while what is drawn is not what was asked for: stretched, or of layers that are still being read. */
  private tellBusy(busy: boolean): void {
    const before = this.canvas.ariaBusy;
    if (before === String(busy)) return;
    this.canvas.ariaBusy = String(busy);
    if (!busy) performance.mark('vmdisk-drawn');
  }

  /** Takes the level that the zoom is nearest to. */
  private followZoom(): void {
    const nearest = Math.round(this.motion.position);
    const { hold } = this.motion;
    if (nearest === this.view.level || !hold) return;
    const { disk } = this.model;
    this.view = hold.by === 'point'
      ? scale.zoomAround(this.view, nearest, hold, disk, this.levels, this.box)
      : scale.zoomToRow(nearest, hold.byte, hold.y, disk, this.levels, this.box);
  }

  /** By how much the level is drawn larger or smaller than it is, while the zoom moves; the point that it holds stays. */
  private enlargement(level: Level): Enlargement {
    const off = this.motion.position - this.view.level;
    const next = this.levels[this.view.level + Math.sign(off)];
    const hold = this.motion.hold ?? { x: 0, y: 0 };
    const [x, y] = [hold.x - scale.gridLeft(level, this.box), hold.y];
    if (off === 0 || this.still.matches || !next) return { scale: 1, x, y };
    return { scale: ((next.pitch / next.cellBytes) / (level.pitch / level.cellBytes)) ** Math.abs(off), x, y };
  }

  private tellSight(level: Level): void {
    const { disk } = this.model;
    const whole = this.view.level === 0;
    const seen = scale.visibleCells(this.view, disk, level, this.box);
    const rows = scale.rowCount(disk, level, this.view.lead) * level.pitch;
    const sight: MapSight = {
      start: whole ? 0 : seen.first * level.cellBytes,
      end: whole ? disk.size : Math.min(disk.size, seen.last * level.cellBytes),
      level: this.view.level,
      levels: this.levels.length,
      cellBytes: level.cellBytes,
      height: Math.min(rows, this.box.height) / this.box.ratio + 2 * EDGE,
    };
    const last = this.sight;
    if (last && (Object.keys(sight) as (keyof MapSight)[]).every((key) => last[key] === sight[key])) return;
    this.sight = sight;
    this.events.sight(sight);
  }
}

/** Whether painting one would give what painting the other gave. */
function sameScene(one: Scene, other: Scene): boolean {
  const { grid: oneGrid, ...oneRest } = one;
  const { grid: otherGrid, ...otherRest } = other;
  return oneGrid.equals(otherGrid)
    && (Object.keys(oneRest) as (keyof typeof oneRest)[]).every((key) => oneRest[key] === otherRest[key]);
}
