// How often each place of a source file ran, from what V8 counted in the bundles that hold it and their source maps.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIGITS = new Map([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((c, i) => [c, i]));

/** Counts by source file: for each place that a source map knows, as `line * COLUMNS + column`, both from 0. */
export class Counts {
  /** @type {Map<string, Map<number, number>>} */
  files = new Map();
  /** @type {Map<string, readonly (readonly [offset: number, file: string, place: number])[]>} */
  #mappings = new Map();

  /** @param {(file: string) => boolean} wants whether a source file matters */
  constructor(wants) {
    this.wants = wants;
  }

  /** @param {string} folder what NODE_V8_COVERAGE named */
  async addFolder(folder) {
    for (const name of await readdir(folder)) {
      const { result } = JSON.parse(await readFile(join(folder, name), 'utf8'));
      for (const script of result) await this.#addScript(script);
    }
  }

  async #addScript({ url, functions }) {
    if (!url.startsWith('file:')) return;
    const bundle = fileURLToPath(url);
    if (!existsSync(`${bundle}.map`)) return;
    if (!this.#mappings.has(bundle)) this.#mappings.set(bundle, await this.#mappingsOf(bundle));
    const mappings = this.#mappings.get(bundle);
    const last = mappings.at(-1)?.[0] ?? -1;
    const counts = new Uint32Array(last + 1);
    // Functions come before those inside them, ranges before those that they hold.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
    }
    for (const [offset, file, place] of mappings) {
      const places = this.files.get(file) ?? new Map();
      this.files.set(file, places);
      places.set(place, (places.get(place) ?? 0) + counts[offset]);
    }
  }

  async #mappingsOf(bundle) {
    const [code, text] = await Promise.all([readFile(bundle, 'utf8'), readFile(`${bundle}.map`, 'utf8')]);
    const { sources, mappings } = JSON.parse(text);
    const files = sources.map((source) => resolve(dirname(bundle), source));
    const wanted = files.map((file) => this.wants(file));
    const found = [];
    let [lineStart, source, line, column] = [0, 0, 0, 0];
    for (const row of mappings.split(';')) {
      let generated = 0;
      for (const segment of row === '' ? [] : row.split(',')) {
        const numbers = decode(segment);
        generated += numbers[0];
        if (numbers.length < 4) continue;
        // A line that would have no place is given that of the line before it, which is not what runs there.
        const isRepeated = numbers[1] === 0 && numbers[2] === 0 && numbers[3] === 0;
        if (isRepeated && found.length > 0) continue;
        source += numbers[1];
        line += numbers[2];
        column += numbers[3];
        if (wanted[source])
          found.push([pastSpace(code, lineStart + generated), files[source], line * COLUMNS + column]);
      }
      lineStart = code.indexOf('\n', lineStart) + 1;
    }
    return found.sort((a, b) => a[0] - b[0]);
  }
}

/** More than a line has. */
export const COLUMNS = 2 ** 16;

/** A statement's place may be that of the space before it, which may be counted with what comes first. */
function pastSpace(code, offset) {
  let at = offset;
  while (/\s/.test(code.charAt(at))) at += 1;
  return at;
}

/** Numbers of a segment of a source map: base 64, five bits at a time, the lowest bit of all being the sign. */
function decode(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const character of segment) {
    const digit = DIGITS.get(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >>> 1) : value >>> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}
