import type { QemuMapEntry } from './qemuMap';

/** No entry's text is longer: seven numbers and flags with their names. */
const MAX_ENTRY_BYTES = 512;
const FIRST_BYTES = 1 << 16;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const START = ascii('{ "start": ');
const LENGTH = ascii(', "length": ');
const OFFSET = ascii(', "offset": ');
const UNKNOWN = ascii(', "unknown": true');
const END = ascii('}');
const BETWEEN = ascii(',\n');

/** What stands around the entries. */
export const JSON_BEFORE = '[';
export const JSON_BETWEEN = ',\n';
export const JSON_AFTER = ']\n';

/**
 * Entries of a map as the text that `qemu-img map --output=json` prints, an entry a line: written digit by digit, since
 * a fragmented disk has a gigabyte of it.
 */
export class MapText {
  private bytes = new Uint8Array(FIRST_BYTES);
  private length = 0;
  /** By depth and flags, the text between length and offset. */
  private readonly middles = new Map<number, Uint8Array>();

  /** Adds an entry, and what stands between two. */
  add(entry: QemuMapEntry): void {
    if (this.length + MAX_ENTRY_BYTES > this.bytes.length) this.grow();
    if (this.length > 0) this.text(BETWEEN);
    this.text(START);
    this.number(entry.start);
    this.text(LENGTH);
    this.number(entry.length);
    this.text(this.middleOf(entry));
    if (entry.offset !== undefined) {
      this.text(OFFSET);
      this.number(entry.offset);
    }
    if (entry.unknown) this.text(UNKNOWN);
    this.text(END);
  }

  /** All that was added; nothing is left. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private text(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** @param value a safe integer, not negative */
  private number(value: number): void {
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits += 1;
    let at = this.length + digits;
    this.length = at;
    let rest = value;
    // Above 2^31 the arithmetic is that of doubles, and slow: nine digits at a time are not.
    while (rest >= 1e9) {
      const higher = Math.floor(rest / 1e9);
      let low = rest - higher * 1e9;
      for (let i = 0; i < 9; i += 1) {
        const next = (low / 10) | 0;
        this.bytes[--at] = 48 + low - next * 10;
        low = next;
      }
      rest = higher;
    }
    let low = rest | 0;
    do {
      const next = (low / 10) | 0;
      this.bytes[--at] = 48 + low - next * 10;
      low = next;
    } while (low > 0);
  }

  private middleOf({ depth, present, zero, data, compressed }: QemuMapEntry): Uint8Array {
    const key = depth * 16 + (present ? 8 : 0) + (zero ? 4 : 0) + (data ? 2 : 0) + (compressed ? 1 : 0);
    let middle = this.middles.get(key);
    if (!middle) {
      middle = ascii(
        `, "depth": ${depth}, "present": ${present}, "zero": ${zero}, "data": ${data}, "compressed": ${compressed}`,
      );
      this.middles.set(key, middle);
    }
    return middle;
  }

  private grow(): void {
    const grown = new Uint8Array(this.bytes.length * 2);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
