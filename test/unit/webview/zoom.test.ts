import assert from 'node:assert/strict';
import { WheelSense, ZoomMotion } from '../../../src/webview/map/zoom';
import type { Hold, WheelIntent, WheelLike } from '../../../src/webview/map/zoom';

const HOLD: Hold = { by: 'point', byte: 0, x: 0, y: 0 };

/** Frames of 16 ms until nothing moves; the positions passed. */
function run(motion: ZoomMotion, from: number, still = false): number[] {
  const passed: number[] = [];
  for (let now = from; now < from + 3000; now += 16) {
    const moving = motion.frame(now, still);
    passed.push(motion.position);
    if (!moving) return passed;
  }
  return assert.fail('it never comes to rest');
}

describe('the motion of the zoom', () => {
  it('goes steadily to the next level and ends exactly there', () => {
    const motion = new ZoomMotion();
    motion.step(1, 10, HOLD);
    const passed = run(motion, 1000);
    assert.equal(passed.at(-1), 1);
    assert.deepEqual(passed, [...passed].sort((one, other) => one - other));
    assert.ok(passed.length > 5);
  });

  it('adds up steps that come while it moves, within the levels there are', () => {
    const motion = new ZoomMotion();
    for (let step = 0; step < 5; step += 1) motion.step(1, 4, HOLD);
    assert.equal(motion.heading, 3);
    assert.equal(run(motion, 1000).at(-1), 3);
    motion.step(-100, 4, HOLD);
    assert.equal(run(motion, 5000).at(-1), 0);
  });

  it('is over at once for people who want no motion', () => {
    const motion = new ZoomMotion();
    motion.step(2, 10, HOLD);
    assert.deepEqual(run(motion, 1000, true), [2]);
  });

  it('follows a pinch, and settles on the nearest level when it ends', () => {
    const motion = new ZoomMotion();
    motion.pinch(0.3, 10, HOLD, 1000);
    assert.equal(motion.position, 0.3);
    assert.equal(motion.frame(1010, false), true);
    assert.equal(motion.position, 0.3);
    assert.equal(run(motion, 1200).at(-1), 0);
    motion.pinch(0.7, 10, HOLD, 5000);
    assert.equal(run(motion, 5200).at(-1), 1);
  });
});

describe('what a turn of the wheel means', () => {
  const wheel = (sense: WheelSense, change: Partial<WheelLike>, timeStamp: number): WheelIntent =>
    sense.read({ deltaX: 0, deltaY: 0, deltaMode: 0, ctrlKey: false, shiftKey: false, ...change, timeStamp });

  it('a mouse’s notch zooms by one level', () => {
    const sense = new WheelSense();
    assert.deepEqual(wheel(sense, { deltaY: -100, wheelDeltaY: 120 }, 0), { kind: 'step', by: 1 });
    assert.deepEqual(wheel(sense, { deltaY: 100, wheelDeltaY: -120 }, 40), { kind: 'step', by: -1 });
    assert.deepEqual(wheel(sense, { deltaY: 3, deltaMode: 1 }, 900), { kind: 'step', by: -1 });
  });

  it('a notch with Shift scrolls, in whichever direction the system turns it', () => {
    const sense = new WheelSense();
    assert.deepEqual(wheel(sense, { deltaY: 100, shiftKey: true }, 0), { kind: 'pan', by: 100 });
    assert.deepEqual(wheel(sense, { deltaX: -100, shiftKey: true }, 900), { kind: 'pan', by: -100 });
  });

  it('fingers scroll, even when they get fast', () => {
    const sense = new WheelSense();
    assert.deepEqual(wheel(sense, { deltaY: 4, wheelDeltaY: -12 }, 0), { kind: 'pan', by: 4 });
    assert.deepEqual(wheel(sense, { deltaY: 90, wheelDeltaY: -270 }, 16), { kind: 'pan', by: 90 });
    assert.deepEqual(wheel(sense, { deltaY: 60, wheelDeltaY: -180 }, 900), { kind: 'pan', by: 60 });
  });

  it('a pinch zooms by parts of a level, and Ctrl with a mouse by whole ones', () => {
    const sense = new WheelSense();
    assert.deepEqual(wheel(sense, { deltaY: -9, ctrlKey: true }, 0), { kind: 'pinch', by: 0.1 });
    assert.deepEqual(wheel(sense, { deltaY: -100, wheelDeltaY: 120, ctrlKey: true }, 900), { kind: 'step', by: 1 });
  });
});
