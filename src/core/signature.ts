import { ascii } from './bytes';

/** Bytes that tell what a file is. */
export interface Signature {
  /** What it then is, with its article: "a PNG picture". */
  readonly found: string;
  readonly at: number;
  /** The bytes, as Latin-1 text. */
  readonly bytes: string;
}

export function matchSignature(head: Uint8Array, signatures: readonly Signature[]): string | undefined {
  return signatures.find(({ at, bytes }) => head.length >= at + bytes.length && ascii(head, at, bytes.length) === bytes)
    ?.found;
}
