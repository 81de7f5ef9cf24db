import type { SparseImage } from '../../fixtures/build/index';
import type { Draw } from '../../support/random';
import { drawName } from '../names';

/** What a number in a text may become. */
const NUMBERS = [
  '0',
  '1',
  '-1',
  '00',
  '0x10',
  '1e9',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '99999999999999999999',
];
const LINES = 6000;
/** Characters that lines said again add at most. */
const MOST_ADDED = 2 ** 18;

/** Whether a file is a descriptor: text, and nothing else. */
export function isText(image: SparseImage): boolean {
  const start = Buffer.from(image.peek(0, 64)).toString('latin1').trimStart();
  return /^(<\?xml|<[A-Za-z]|# Disk Descriptor)/i.test(start);
}

/** Breaks the text in `[start, end)`; the file is as long as it was unless all of it is text. */
export function breakText(
  draw: Draw,
  image: SparseImage,
  [start, end]: readonly [number, number],
  known: readonly string[],
): void {
  const before = Buffer.from(image.peek(start, end - start)).toString('latin1');
  let text = before;
  for (let changes = draw.pick([1, 1, 2, 3, 6]); changes > 0; changes -= 1) text = changed(draw, text, known);
  const bytes = Buffer.from(text, 'latin1');
  if (start === 0 && end === image.size) image.truncate(0).poke(0, bytes);
  else image.poke(start, Buffer.concat([bytes, Buffer.alloc(Math.max(0, end - start - bytes.length))], end - start));
}

function changed(draw: Draw, text: string, known: readonly string[]): string {
  const lines = text.split('\n');
  const index = draw.below(lines.length);
  const line = lines[index] ?? '';
  switch (draw.below(10)) {
    case 0:
    case 1:
    case 2:
      return replaced(draw, text, /\d+/g, () => draw.pick(NUMBERS));
    case 3:
    case 4:
      return replaced(draw, text, /"[^"\n]*"|>[^<\n]+</g, (found) => {
        const name = drawName(draw, known);
        return found.startsWith('"') ? `"${name}"` : `>${name}<`;
      });
    case 5:
      return [...lines.slice(0, index), ...lines.slice(index + 1)].join('\n');
    case 6: {
      const times = Math.min(draw.pick([1, 2, 40, LINES]), Math.ceil(MOST_ADDED / (line.length + 1)));
      return [...lines.slice(0, index), ...Array<string>(times).fill(line), ...lines.slice(index)].join('\n');
    }
    case 7:
      return replaced(draw, text, /[A-Za-z]{3,}/g, () => draw.pick(text.match(/[A-Za-z]{3,}/g) ?? ['x']));
    case 8:
      return text.slice(0, draw.below(text.length + 1));
    default: {
      const at = draw.below(text.length + 1);
      return text.slice(0, at) + draw.pick(['\0', '<', '>', '"', '&', '\xff', '\n', '='.repeat(300)]) + text.slice(at);
    }
  }
}

/** One of the places that fit. */
function replaced(draw: Draw, text: string, pattern: RegExp, by: (found: string) => string): string {
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return text;
  const { 0: found, index } = draw.pick(places);
  return text.slice(0, index) + by(found) + text.slice(index + found.length);
}
