import type { Anchor } from './scale';

/** What stays in place while zooming: a point, or with the keyboard the row of a byte. */
export interface Hold extends Anchor {
  readonly by: 'point' | 'row';
}

/** Time in which the zoom covers most of what is left of its way. */
const EASE_MS = 55;
/** A pinch that rests this long has ended, and the zoom settles on the nearest level. */
const REST_MS = 140;

/**
 * The zoom as a number that moves: whole at each level, in between while it goes from one to the next. The map draws
 * the nearest level, enlarged or shrunk by what is missing.
 */
export class ZoomMotion {
  position = 0;
  hold: Hold | undefined;
  private target = 0;
  private pinched: number | undefined;
  private last = 0;

  /** The level that it goes to, or stands at. */
  get heading(): number {
    return this.target;
  }

  /** Stands at a level at once. */
  jump(level: number): void {
    this.position = level;
    this.target = level;
    this.pinched = undefined;
    this.hold = undefined;
  }

  /** One level in (1) or out (-1), of `levels`. */
  step(by: number, levels: number, hold: Hold): void {
    this.target = Math.min(Math.max(Math.round(this.target) + by, 0), levels - 1);
    this.pinched = undefined;
    this.hold = hold;
  }

  /** Part of a level, as a pinch gives it. */
  pinch(by: number, levels: number, hold: Hold, now: number): void {
    this.position = Math.min(Math.max(this.position + by, 0), levels - 1);
    this.target = Math.round(this.position);
    this.pinched = now;
    this.hold = hold;
  }

  /** Moves on; true while there is further to go. `still` goes there at once, for people who want no motion. */
  frame(now: number, still: boolean): boolean {
    const passed = Math.min(Math.max(now - this.last, 1), 50);
    this.last = now;
    if (this.pinched !== undefined && now - this.pinched < REST_MS) return true;
    this.pinched = undefined;
    const left = this.target - this.position;
    if (still || Math.abs(left) < 0.004) {
      this.position = this.target;
      return false;
    }
    this.position += left * (1 - Math.exp(-passed / EASE_MS));
    return true;
  }
}

export type WheelIntent =
  | { readonly kind: 'step'; readonly by: 1 | -1 }
  | { readonly kind: 'pinch'; readonly by: number }
  | { readonly kind: 'pan'; readonly by: number };

/** The parts of a WheelEvent that tell a mouse from a touchpad. */
export interface WheelLike {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  /** Milliseconds, from any start. */
  readonly timeStamp: number;
  /** Not in the standard, but in every browser that VS Code runs in. */
  readonly wheelDeltaY?: number;
}

const LINE_PIXELS = 20;
const PINCH_PIXELS = 90;
/** A mouse's notch moves at least so far at once; fingers start slowly. */
const NOTCH_PIXELS = 40;
/** Events closer than this belong to one turn or one swipe. */
const GESTURE_MS = 150;

/**
 * Makes out what a turn of the wheel means. A mouse's notch zooms; with Shift it scrolls. Two fingers on a touchpad
 * scroll, and pinching, which arrives as Ctrl and small steps, zooms.
 */
export class WheelSense {
  private last = -Infinity;
  private notched = false;

  read(event: WheelLike): WheelIntent {
    const pixels = (delta: number): number => (event.deltaMode === 0 ? delta : delta * LINE_PIXELS);
    const vertical = pixels(event.deltaY);
    const starts = event.timeStamp - this.last > GESTURE_MS;
    this.last = event.timeStamp;
    if (starts) {
      // On a Mac a touchpad's wheelDelta is three times its pixels, and a mouse's is not.
      const fingers = event.deltaX !== 0 || event.wheelDeltaY === -3 * event.deltaY;
      this.notched = event.deltaMode !== 0 || (!fingers && Math.abs(vertical) >= NOTCH_PIXELS);
    }
    if (event.shiftKey) return { kind: 'pan', by: vertical === 0 ? pixels(event.deltaX) : vertical };
    if (this.notched && vertical !== 0) return { kind: 'step', by: vertical < 0 ? 1 : -1 };
    return event.ctrlKey ? { kind: 'pinch', by: -vertical / PINCH_PIXELS } : { kind: 'pan', by: vertical };
  }
}
