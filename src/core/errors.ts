import type { ImageIdentity } from './model';

export type DiskErrorCode =
  | 'short-read' // the file ends before the bytes asked for
  | 'io' // the operating system could not read
  | 'not-this-format' // wrong magic
  | 'unsupported' // a version or feature that is not known
  | 'corrupt' // a value that can't be true
  | 'limit' // a value past a stated limit
  | 'encrypted' // content that can't be read without its key
  | 'not-found' // no such file, snapshot …
  | 'refused' // the gate said no
  | 'out-of-range'; // an offset past the end of the disk

/** Where a DiskError happened. */
export interface ErrorPlace {
  /** The image, as a path for people. */
  readonly file?: string | undefined;
  /** Byte offset in that file. */
  readonly offset?: number | undefined;
}

/** Plain form of a DiskError, for messages between threads. */
export interface WireError {
  readonly code: DiskErrorCode | 'internal';
  readonly message: string;
  readonly advice?: string | undefined;
  readonly file?: string | undefined;
  readonly offset?: number | undefined;
}

/** Work on this image can't go on: what (`message`), where (`file`, `offset`), what to do (`advice`). */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly file: string | undefined;
  readonly offset: number | undefined;

  constructor(
    readonly code: DiskErrorCode,
    message: string,
    place: ErrorPlace = {},
    readonly advice?: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.file = place.file;
    this.offset = place.offset;
  }

  /** The same error, told of the file it happened in. */
  in(identity: ImageIdentity): DiskError {
    if (this.file !== undefined) return this;
    const place = { file: identity.path, offset: this.offset };
    return new DiskError(this.code, this.message, place, this.advice, { cause: this.cause ?? this });
  }
}

export function toWire(error: unknown): WireError {
  if (error instanceof DiskError) {
    const { code, message, advice, file, offset } = error;
    return { code, message, advice, file, offset };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export function fromWire(wire: WireError): Error {
  if (wire.code === 'internal') return new Error(wire.message);
  return new DiskError(wire.code, wire.message, { file: wire.file, offset: wire.offset }, wire.advice);
}

/** One plain line: what, where, what to do. */
export function oneLine(error: unknown): string {
  const { message, advice, file, offset } = toWire(error);
  const place = offset === undefined ? '' : ` (at byte ${offset} of the file)`;
  const text = `${file === undefined ? '' : `${file}: `}${message}${place}${advice === undefined ? '' : `. ${advice}`}`;
  return text.replace(/\s+/g, ' ').trim();
}
