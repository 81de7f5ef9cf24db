// The few names beyond ECMAScript that every host of the core has: Node, its workers, and browsers.

declare class TextDecoder {
  /** @throws RangeError for an encoding that the host does not know */
  constructor(label: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(input: Uint8Array): string;
}

declare class TextEncoder {
  encode(input: string): Uint8Array<ArrayBuffer>;
}
