import { fill, h, textButton } from './dom';
import type { Actions, State } from './state';
import { fileLayer } from './summary';

/** In the place of a file's map as long as there is none: why, and what makes it. */
export class FileGate {
  private readonly check: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private readonly words = h('p');
  private readonly bar = h('div', {
    class: 'progress running',
    attributes: { 'role': 'progressbar', 'aria-label': 'Checking the image', 'aria-valuemin': '0', 'aria-valuemax': '100' },
  }, h('span', 'progress-done'));
  private readonly tools = h('p');
  readonly element = h('div', 'file-gate', this.words, this.bar, this.tools);

  constructor(actions: Actions) {
    this.check = h('button', { class: 'primary', onClick: () => actions.check() }, 'Check Image');
    this.stop = textButton('cancel', 'Stop checking', () => actions.cancelCheck());
  }

  update(state: State): void {
    const layer = fileLayer(state);
    this.element.hidden = state.face !== 'file' || !layer || layer.check !== undefined;
    if (this.element.hidden || !layer) return;
    const running = state.checking?.depth === layer.depth ? state.checking : undefined;
    this.bar.hidden = !running;
    if (running) {
      const percent = Math.round(running.share * 100);
      this.words.textContent = `Checking ${layer.fileName}… ${percent}%`;
      this.bar.setAttribute('aria-valuenow', String(percent));
      this.bar.style.setProperty('--done', String(running.share));
      this.offer(this.stop);
    } else if (layer.checkable) {
      this.words.textContent = `What lies where in ${layer.fileName} is known once the image has been checked. `
        + 'The check reads its tables and changes nothing.';
      this.offer(this.check);
    } else {
      this.words.textContent = layer.format === 'raw'
        ? `${layer.fileName} is a raw image: the file is the disk, byte for byte, without tables or headers to map.`
        : `What lies where in images of the format ${layer.format} is not told.`;
      this.offer(undefined);
    }
  }

  focus(): void {
    this.check.focus();
  }

  /** Shows one button; it is left where it is if it is there already, as it may have the focus. */
  private offer(button: HTMLButtonElement | undefined): void {
    if (this.tools.firstChild === (button ?? null)) return;
    const focused = this.tools.contains(document.activeElement);
    fill(this.tools, button);
    if (focused) button?.focus();
  }
}
