import type { Use } from '../../model';
import { USE_COUNT } from '../../model';

/** Slots for what a bound is of, beside its place: `2 * use`, and 1 for a start. */
const SLOTS = 64;
/** Bytes that a window is long at most, so that a place in it and a slot are one safe integer. */
const MAX_WINDOW = 2 ** 46;

/** A stretch of a file in which the same claims stand. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  /** How many claims; 0 where nothing refers to it. */
  readonly claims: number;
  /** Only of one claim. */
  readonly use: Use;
}

/**
 * The claims that begin in a window of a file, as their bounds, which are numbers that sort by themselves. A window begins
 * where it is told to and ends where the room does, so memory does not follow the file. Claims that meet and are of one use
 * are kept as one: what was written in order takes next to nothing.
 */
export class ClaimWindow {
  private readonly bounds: Float64Array;
  private used = 0;
  private from = 0;
  private to: number;
  /** Where claims end that began before the window. */
  private open = new Float64Array();
  private readonly openOf = new Int32Array(USE_COUNT);
  private lastEnd = -1;
  private lastUse = -1;
  private full = false;

  /** @param size of the file, bytes, @param room how many claims are kept at most */
  constructor(
    private readonly size: number,
    room: number,
  ) {
    this.bounds = new Float64Array(room * 2);
    this.to = Math.min(size, MAX_WINDOW);
  }

  get start(): number {
    return this.from;
  }

  /** End of the window; comes nearer when there is no more room. */
  get end(): number {
    return this.to;
  }

  /** Whether more claims begin at one place, or reach into one window, than are kept: the window can't be told then. */
  isOverfull(): boolean {
    return this.full;
  }

  /** @param start, end a part of the file, not empty */
  add(start: number, end: number, use: Use): void {
    if (start < this.from || start >= this.to || this.full) return;
    if (start === this.lastEnd && use === this.lastUse) {
      this.bounds[this.used - 1] = this.bound(end, use, 0);
      this.lastEnd = end;
      return;
    }
    if (this.used === this.bounds.length) {
      if (!this.shorten() || start >= this.to) return;
    }
    this.bounds[this.used] = this.bound(start, use, 1);
    this.bounds[this.used + 1] = this.bound(end, use, 0);
    this.used += 2;
    this.lastEnd = end;
    this.lastUse = use;
  }

  /** What is claimed from the window's start to its end, in order; the next window begins there, with no claims yet. */
  *stretches(): Generator<Stretch, void, void> {
    const bounds = new Float64Array(this.used + this.open.length);
    bounds.set(this.bounds.subarray(0, this.used));
    bounds.set(this.open, this.used);
    bounds.sort();
    const { from, to, openOf } = this;
    let claims = openOf.reduce((sum, count) => sum + count, 0);
    // Of one claim, its use.
    let uses = openOf.reduce((sum, count, use) => sum + count * use, 0);
    let at = from;
    let next = 0;
    for (; next < bounds.length; next += 1) {
      const bound = bounds[next] ?? 0;
      const slot = bound % SLOTS;
      const place = from + (bound - slot) / SLOTS;
      if (place >= to) break;
      if (place > at) {
        yield { start: at, end: place, claims, use: uses as Use };
        at = place;
      }
      const use = slot >>> 1;
      const by = (slot & 1) === 1 ? 1 : -1;
      claims += by;
      uses += by * use;
      openOf[use] = (openOf[use] ?? 0) + by;
    }
    if (at < to) yield { start: at, end: to, claims, use: uses as Use };
    // What is left are ends: all starts are before the end of the window.
    this.open = bounds.slice(next).map((bound) => bound - (to - from) * SLOTS);
    this.begin(to);
  }

  private begin(from: number): void {
    this.from = from;
    this.to = Math.min(this.size, from + MAX_WINDOW);
    this.forget(0);
    if (this.open.length > this.bounds.length) this.full = true;
  }

  private bound(place: number, use: Use, isStart: 0 | 1): number {
    // What reaches past the end of the longest window, and of the next, ends there for all that is told.
    return Math.min(place - this.from, 2 * MAX_WINDOW - 1) * SLOTS + use * 2 + isStart;
  }

  /** Lets the window end where half of the claims begin, and takes back those that begin behind. @returns false where all begin at one place */
  private shorten(): boolean {
    const starts = new Float64Array(this.used / 2);
    for (let i = 0; i < starts.length; i += 1) starts[i] = Math.floor((this.bounds[i * 2] ?? 0) / SLOTS);
    starts.sort();
    const least = starts[0] ?? 0;
    const middle = starts[starts.length >>> 1] ?? 0;
    const cut = middle > least ? middle : starts.find((start) => start > least);
    if (cut === undefined) {
      this.full = true;
      return false;
    }
    let kept = 0;
    for (let i = 0; i < this.used; i += 2) {
      const start = this.bounds[i] ?? 0;
      if (Math.floor(start / SLOTS) >= cut) continue;
      this.bounds[kept] = start;
      this.bounds[kept + 1] = this.bounds[i + 1] ?? 0;
      kept += 2;
    }
    this.to = this.from + cut;
    this.forget(kept);
    return true;
  }

  private forget(kept: number): void {
    this.used = kept;
    this.lastEnd = -1;
    this.lastUse = -1;
  }
}
