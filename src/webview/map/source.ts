import { UNKNOWN_OWNER } from '../../core/model';
import type { Pixels } from '../../core/model';
import type { PixelReply, PixelRequest } from '../../protocol/image';
import type { MarkedPixels } from './cells';
import type { Disk } from './scale';
import type { CellRange } from './resample';
import { resample } from './resample';

/** One answer of the host, with the generation of the map that it was made from. */
interface Shot {
  readonly generation: number;
  readonly pixels: MarkedPixels;
}

/** A picture made from others, kept while they are the same. */
interface Stretched {
  readonly range: CellRange;
  readonly from: readonly MarkedPixels[];
  readonly pixels: MarkedPixels;
}

export interface Picture {
  readonly pixels: MarkedPixels;
  /** False while this is stretched from what was there before. */
  readonly exact: boolean;
}

const SHOTS_KEPT = 6;
const OVERVIEW_CELLS = 4096;
/** Nothing is allocated in smaller pieces. */
const SECTOR = 512;
/** A cell that holds more than one part is looked into in so many pieces. */
const FINER = 32;

/**
 * The pictures of one disk. It always has something to draw: the exact cells where the host has sent them, otherwise
 * older or coarser ones stretched, while one request at a time is under way and only the latest wish waits.
 */
export class PixelSource {
  private disk: Disk = { size: 0, unit: 1 };
  /** The newest generation known, and the one that `show` last told; answers may run ahead of what is told. */
  private generation = -1;
  private told = -1;
  private epoch = 0;
  private shots: Shot[] = [];
  private whole: Shot | undefined;
  private wish: CellRange | undefined;
  private fetchingCells = false;
  private fetchingWhole = false;
  /** True when there is no use in asking again before the next generation. */
  private idle = false;
  private stretched: Stretched | undefined;

  constructor(
    private readonly fetch: (request: PixelRequest) => Promise<PixelReply>,
    private readonly onChange: () => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Tells which disk, in which state. Pictures of an earlier state serve until newer ones arrive. */
  show(disk: Disk, generation: number): void {
    const other = disk.size !== this.disk.size || disk.file !== this.disk.file || generation < this.told;
    if (other) {
      this.shots = [];
      this.whole = undefined;
      this.generation = -1;
      this.epoch += 1;
    }
    if (!other && disk.unit === this.disk.unit && generation === this.told) return;
    this.disk = disk;
    this.told = generation;
    if (this.generation > generation) return;
    this.generation = generation;
    this.idle = false;
    this.fetchWhole();
  }

  /** The whole disk in a few thousand cells. */
  overview(): MarkedPixels | undefined {
    return this.whole?.pixels;
  }

  /** The best picture of these cells there is now; asks for a better one where it is not exact. */
  picture(range: CellRange, around: number): Picture {
    const shot = this.shots.find((each) => each.generation === this.generation && covers(each.pixels, range));
    if (shot) {
      this.wish = undefined;
      return { pixels: shot.pixels, exact: true };
    }
    this.wish = this.widen(range, around);
    this.fetchCells();
    return { pixels: this.stretch(range), exact: false };
  }

  private stretch(range: CellRange): MarkedPixels {
    const from = [...this.shots, ...(this.whole ? [this.whole] : [])]
      .sort((one, other) => this.distance(one, range) - this.distance(other, range))
      .map((shot) => shot.pixels);
    const last = this.stretched;
    if (last && sameRange(last.range, range) && from.length === last.from.length
      && from.every((pixels, index) => pixels === last.from[index])) return last.pixels;
    const pixels = resample(range, this.disk.size, from);
    this.stretched = { range, from, pixels };
    return pixels;
  }

  /** How far a picture is from what is wished: finer ones tell all, coarser ones less, stale ones last of equals. */
  private distance(shot: Shot, range: CellRange): number {
    const doublings = Math.log2(shot.pixels.cellBytes / range.cellBytes);
    return (doublings > 0 ? 100 + doublings : -doublings) + (shot.generation === this.generation ? 0 : 0.5);
  }

  /** The range with `around` more cells on either side, so that scrolling finds them there already. */
  private widen({ start, cellBytes, cells }: CellRange, around: number): CellRange {
    const total = Math.ceil(this.disk.size / cellBytes);
    const first = Math.max(0, start / cellBytes - around);
    const last = Math.min(total, start / cellBytes + cells + around);
    return { start: first * cellBytes, cellBytes, cells: last - first };
  }

  private fetchCells(): void {
    const wish = this.wish;
    if (!wish || this.fetchingCells || this.idle || wish.cells === 0) return;
    this.fetchingCells = true;
    this.wish = undefined;
    void this.ask(wish, (shot) => {
      this.shots = [shot, ...this.shots].slice(0, SHOTS_KEPT);
    }).finally(() => {
      this.fetchingCells = false;
      this.fetchCells();
    });
  }

  private fetchWhole(): void {
    if (this.fetchingWhole || this.idle || this.disk.size === 0) return;
    if (this.whole?.generation === this.generation) return;
    let cellBytes = this.disk.unit;
    while (this.disk.size / cellBytes > OVERVIEW_CELLS) cellBytes *= 2;
    this.fetchingWhole = true;
    void this.ask({ start: 0, cellBytes, cells: Math.ceil(this.disk.size / cellBytes) }, (shot) => {
      this.whole = shot;
    }).finally(() => {
      this.fetchingWhole = false;
      this.fetchWhole();
    });
  }

  private async ask(range: CellRange, keep: (shot: Shot) => void): Promise<void> {
    const epoch = this.epoch;
    try {
      const { generation, complete, pixels, different, damaged } = await this.fetch(range);
      if (epoch !== this.epoch || generation < this.generation) return;
      this.generation = generation;
      // Nothing is known yet: what was seen before is better than a blank.
      if (!complete && pixels.owner.every((owner) => owner === UNKNOWN_OWNER)) this.idle = true;
      else keep({ generation, pixels: { ...pixels, different, damaged } });
    } catch (error) {
      if (epoch !== this.epoch) return;
      this.idle = true;
      this.onError(error);
    } finally {
      this.onChange();
    }
  }
}

function covers(pixels: Pixels, { start, cellBytes, cells }: CellRange): boolean {
  return pixels.cellBytes === cellBytes && pixels.rangeStart <= start
    && pixels.rangeStart + pixels.cells * cellBytes >= start + cells * cellBytes;
}

const sameRange = (one: CellRange, other: CellRange): boolean =>
  one.start === other.start && one.cellBytes === other.cellBytes && one.cells === other.cells;

/**
 * The first block within `[start, end)` that `owner` holds as `kind`, found by asking for ever finer cells: down to
 * `unit`, and below where even that is mixed, as clusters of subclusters are.
 * @returns its offset; undefined when there is none
 */
export async function findBlock(
  fetch: (request: PixelRequest) => Promise<PixelReply>,
  where: { readonly start: number; readonly end: number; readonly unit: number },
  what: { readonly owner: number; readonly kind: number },
): Promise<number | undefined> {
  let { start, end, unit } = where;
  for (;;) {
    let cellBytes = unit;
    while ((end - start) / cellBytes > OVERVIEW_CELLS) cellBytes *= 2;
    const { pixels } = await fetch({ start, cellBytes, cells: Math.ceil((end - start) / cellBytes) });
    const cell = firstCellWith(pixels, what);
    if (cell === undefined) return undefined;
    start += cell * cellBytes;
    end = Math.min(end, start + cellBytes);
    if (cellBytes > unit) continue;
    if (cellBytes <= SECTOR || partCount(pixels, cell) === 1) return start;
    unit = Math.max(SECTOR, unit / FINER);
  }
}

const partCount = (pixels: Pixels, cell: number): number =>
  (pixels.first[cell + 1] ?? 0) - (pixels.first[cell] ?? 0);

function firstCellWith(pixels: Pixels, what: { readonly owner: number; readonly kind: number }): number | undefined {
  for (let cell = 0; cell < pixels.cells; cell += 1) {
    for (let part = pixels.first[cell] ?? 0; part < (pixels.first[cell + 1] ?? 0); part += 1) {
      if (pixels.owner[part] === what.owner && pixels.kind[part] === what.kind) return cell;
    }
  }
  return undefined;
}
