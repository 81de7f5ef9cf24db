import { stderrIsTerminal, writeStderr } from './output';

const SHOWN_AFTER_MS = 400;
const EVERY_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** A line on stderr that says how far a long job is; nothing where stderr is no terminal. */
export class ProgressLine {
  private readonly shown = stderrIsTerminal();
  private readonly start = Date.now();
  private last = this.start + SHOWN_AFTER_MS - EVERY_MS;
  private visible = false;

  update(text: string): void {
    if (!this.shown || Date.now() - this.last < EVERY_MS) return;
    this.last = Date.now();
    this.visible = true;
    writeStderr(CLEAR_LINE + text);
  }

  clear(): void {
    if (this.visible) writeStderr(CLEAR_LINE);
    this.visible = false;
  }
}
