/**
 * Keeps the place of the keyboard. VS Code takes the focus out of a page when the palette or an input box opens, and
 * gives it back to the page as a whole; here it goes on to the element that had it.
 */
export function keepFocus(): void {
  let held: HTMLElement | undefined;
  let pressed = false;
  document.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement) held = target;
  });
  // A press decides by itself what has the focus from now on.
  addEventListener('pointerdown', () => {
    pressed = true;
    held = undefined;
  }, { capture: true });
  addEventListener('pointerup', () => {
    pressed = false;
  }, { capture: true });
  addEventListener('focus', () => {
    if (!pressed && document.activeElement === document.body) held?.focus({ preventScroll: true });
  });
}
