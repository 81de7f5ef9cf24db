import * as fs from 'node:fs';
import * as tty from 'node:tty';

/**
 * The two streams, written synchronously: a map of millions of entries goes out in large pieces while it is made, and
 * what reads it sets the pace. `process.stdout` is not touched, since looking at it makes a pipe non-blocking.
 */

const STDOUT = 1;
const STDERR = 2;
const PIECE_CHARACTERS = 1 << 18;
const RETRY_MS = 5;

/** Whoever read our output has had enough (`vmdisk map … | head`). */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

export const stdoutIsTerminal = (): boolean => tty.isatty(STDOUT);
export const stderrIsTerminal = (): boolean => tty.isatty(STDERR);

/** Collects text and writes it to stdout a large piece at a time. */
export class Output {
  private piece = '';

  /** @throws OutputClosed */
  write(text: string): void {
    this.piece += text;
    if (this.piece.length >= PIECE_CHARACTERS) this.flush();
  }

  line(text = ''): void {
    this.write(`${text}\n`);
  }

  /** C1 controls and direction characters are legal in JSON; to a terminal they are commands, or turn lines around. */
  json(value: unknown): void {
    const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    this.line(
      JSON.stringify(value, undefined, 4).replace(
        /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
        escape,
      ),
    );
  }

  flush(): void {
    const text = this.piece;
    this.piece = '';
    writeFully(STDOUT, text);
  }
}

/** A line for people on stderr. */
export function tell(text: string): void {
  writeStderr(`vmdisk: ${text}\n`);
}

/** Nobody may be listening on stderr: that is no reason to stop. */
export function writeStderr(text: string): void {
  try {
    writeFully(STDERR, text);
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

/** Writes to stdout. @throws OutputClosed */
export function writeBytes(bytes: Uint8Array): void {
  writeFully(STDOUT, bytes);
}

function writeFully(descriptor: number, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  for (let done = 0; done < bytes.length;) {
    try {
      done += fs.writeSync(descriptor, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // EOF is what Windows says of a closed pipe.
      if (code === 'EPIPE' || code === 'EOF') throw new OutputClosed();
      if (code !== 'EAGAIN') throw error;
      // The pipe is full, and another process has made it non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
