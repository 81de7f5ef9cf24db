import type { SparseImage } from '../../fixtures/build/index';
import type { Draw } from '../../support/random';
import { drawName } from '../names';
import { drawValue, writeField } from '../values';
import type { FormatAnatomy, Grammar } from './anatomy';
import { breakText, isText } from './text';

/** How often what a checksum is of is changed and the checksum with it: else a reader sees no further than that. */
const MENDED = 0.7;

/** Breaks an image of any format in a few drawn ways. @param known names of files that stand beside it */
export function mutateFormat(draw: Draw, image: SparseImage, grammar: Grammar, known: readonly string[]): void {
  if (isText(image)) {
    breakText(draw, image, [0, image.size], known);
    return;
  }
  const anatomy = grammar.dissect(image);
  for (let changes = draw.pick([1, 1, 1, 2, 2, 3, 5, 8]); changes > 0; changes -= 1) {
    const roll = draw.below(100);
    if (roll < 62) setField(draw, image, anatomy);
    else if (roll < 68) flipBits(draw, image, anatomy);
    else if (roll < 72) addNoise(draw, image, anatomy);
    else if (roll < 77) fillTable(draw, image, anatomy);
    else if (roll < 82) copyStructure(draw, image, anatomy);
    else if (roll < 88) resize(draw, image, anatomy);
    else changeText(draw, image, anatomy, known);
  }
  if (draw.chance(MENDED)) grammar.mend?.(image);
}

/** The first fields are those of the header: everything else depends on them. */
const HEADER_FIELDS = 20;

function setField(draw: Draw, image: SparseImage, anatomy: FormatAnatomy): void {
  const { fields } = anatomy;
  const field = draw.chance(0.4) ? fields[draw.below(Math.min(HEADER_FIELDS, fields.length))] : draw.pick(fields);
  if (field) writeField(image, field, drawValue(draw, field, { ...anatomy, fileSize: image.size }));
}

function flipBits(draw: Draw, image: SparseImage, { fields }: FormatAnatomy): void {
  const { at, width } = draw.pick(fields);
  const bytes = image.peek(at, width);
  const byte = draw.below(width);
  bytes[byte] = (bytes[byte] ?? 0) ^ (1 << draw.below(8));
  if (at + width <= image.size) image.poke(at, bytes);
}

function addNoise(draw: Draw, image: SparseImage, { places, clusterSize }: FormatAnatomy): void {
  const at = draw.pick([0, ...places]) + draw.below(Math.min(4096, clusterSize));
  const bytes = draw.chance(0.5) ? draw.bytes(draw.between(1, 64)) : new Uint8Array(draw.between(1, 64)).fill(255);
  image.poke(at, bytes.subarray(0, Math.max(0, image.size - at)));
}

/** One value in every entry, or rising ones. */
function fillTable(draw: Draw, image: SparseImage, anatomy: FormatAnatomy): void {
  const entries = anatomy.fields.filter(({ meaning }) => meaning === 'entry');
  if (entries.length === 0) return;
  const first = draw.pick(entries);
  const value = drawValue(draw, first, { ...anatomy, fileSize: image.size });
  const step = BigInt(draw.pick([0, 0, 1, 8, 128]));
  for (let index = 0; index < 512; index += 1) {
    const at = first.at + index * first.width;
    writeField(image, { ...first, at }, value + step * BigInt(index));
  }
}

function copyStructure(draw: Draw, image: SparseImage, { places }: FormatAnatomy): void {
  const [from, to] = [draw.pick([0, ...places]), draw.pick([0, ...places])];
  image.poke(to, image.peek(from, draw.pick([512, 4096])).subarray(0, Math.max(0, image.size - to)));
}

function resize(draw: Draw, image: SparseImage, { fields, places, clusterSize }: FormatAnatomy): void {
  const cuts = [draw.below(image.size + 1), draw.pick(fields).at, draw.pick([0, ...places]), image.size - 1];
  const growths = [image.size + 1, image.size + clusterSize, 2 ** 40, 2 ** 50 + 511, 2 ** 53 - 512];
  image.truncate(Math.max(0, draw.pick(draw.chance(0.7) ? cuts : growths) + draw.pick([0, 0, 0, 1, 511])));
}

function changeText(draw: Draw, image: SparseImage, anatomy: FormatAnatomy, known: readonly string[]): void {
  const { texts } = anatomy;
  if (texts.length === 0) {
    setField(draw, image, anatomy);
    return;
  }
  const [start, end] = draw.pick(texts);
  const isName = end - start <= 1023 && draw.chance(0.5);
  if (!isName) {
    breakText(draw, image, [start, end], known);
    return;
  }
  const utf16 = image.peek(start, 2)[1] === 0 || image.peek(start, 2)[0] === 0;
  const name = drawName(draw, known);
  const bytes = utf16 ? Buffer.from(name, 'utf16le') : Buffer.from(name);
  image.poke(start, bytes.subarray(0, end - start));
}
