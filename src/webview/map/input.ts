import { WheelSense } from './zoom';
import type { WheelIntent } from './zoom';

/** Points are CSS pixels from the upper left corner of the canvas. */
export interface MapInput {
  hover(point: { x: number; y: number } | undefined): void;
  click(point: { x: number; y: number }): void;
  doubleClick(point: { x: number; y: number }): void;
  /** The pointer, held down, moved by so many pixels. */
  drag(by: { x: number; y: number }): void;
  wheel(intent: WheelIntent, point: { x: number; y: number }): void;
  /** True when the key meant something. */
  key(event: KeyboardEvent): boolean;
}

/** Farther than this a press is no click any more. */
const CLICK_PIXELS = 4;

export function bindInput(canvas: HTMLCanvasElement, input: MapInput): void {
  const wheels = new WheelSense();
  let pressed: { x: number; y: number; dragged: boolean } | undefined;
  const pointOf = (event: MouseEvent): { x: number; y: number } => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    pressed = { x: event.clientX, y: event.clientY, dragged: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!pressed) {
      input.hover(pointOf(event));
      return;
    }
    const by = { x: event.clientX - pressed.x, y: event.clientY - pressed.y };
    if (!pressed.dragged && Math.hypot(by.x, by.y) < CLICK_PIXELS) return;
    pressed = { x: event.clientX, y: event.clientY, dragged: true };
    canvas.classList.add('dragging');
    input.hover(undefined);
    input.drag(by);
  });
  const release = (event: PointerEvent, click: boolean): void => {
    if (pressed && !pressed.dragged && click) input.click(pointOf(event));
    pressed = undefined;
    canvas.classList.remove('dragging');
  };
  canvas.addEventListener('pointerup', (event) => release(event, true));
  canvas.addEventListener('pointercancel', (event) => release(event, false));
  canvas.addEventListener('pointerleave', () => input.hover(undefined));
  canvas.addEventListener('dblclick', (event) => input.doubleClick(pointOf(event)));
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    input.wheel(wheels.read(event), pointOf(event));
  }, { passive: false });
  canvas.addEventListener('keydown', (event) => {
    if (input.key(event)) event.preventDefault();
  });
}
