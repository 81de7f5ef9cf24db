import type { SparseImage } from '../fixtures/build/index';
import type { Draw } from '../support/random';
import type { Anatomy } from './fields';
import { anatomyOf } from './fields';
import { drawName } from './names';
import { drawValue, writeField } from './values';

/** Breaks a qcow2 image in a few drawn ways. @param known names of files that stand beside it */
export function mutate(draw: Draw, image: SparseImage, known: readonly string[]): void {
  const anatomy = anatomyOf(image);
  for (let changes = draw.pick([1, 1, 1, 2, 2, 3, 5, 8]); changes > 0; changes -= 1) {
    const roll = draw.below(100);
    if (roll < 60) setField(draw, image, anatomy);
    else if (roll < 66) flipBits(draw, image, anatomy);
    else if (roll < 70) addNoise(draw, image, anatomy);
    else if (roll < 75) fillTable(draw, image, anatomy);
    else if (roll < 79) copyStructure(draw, image, anatomy);
    else if (roll < 84) resize(draw, image, anatomy);
    else if (roll < 92) rename(draw, image, anatomy, known);
    else extend(draw, image, anatomy);
  }
}

const NAMES_COME_FIRST = 0.3;
const HEADER_FIELDS = 18;

function setField(draw: Draw, image: SparseImage, anatomy: Anatomy): void {
  const { fields } = anatomy;
  const field = draw.chance(NAMES_COME_FIRST) ? fields[draw.below(HEADER_FIELDS)] : draw.pick(fields);
  if (field) writeField(image, field, drawValue(draw, field, { ...anatomy, fileSize: image.size }));
}

function flipBits(draw: Draw, image: SparseImage, { fields }: Anatomy): void {
  const { at, width } = draw.pick(fields);
  const bytes = image.peek(at, width);
  const byte = draw.below(width);
  bytes[byte] = (bytes[byte] ?? 0) ^ (1 << draw.below(8));
  if (at + width <= image.size) image.poke(at, bytes);
}

function addNoise(draw: Draw, image: SparseImage, { places, clusterSize }: Anatomy): void {
  const at = draw.pick([0, ...places]) + draw.below(clusterSize);
  const bytes = draw.chance(0.5) ? draw.bytes(draw.between(1, 64)) : new Uint8Array(draw.between(1, 64)).fill(255);
  image.poke(at, bytes.subarray(0, Math.max(0, image.size - at)));
}

/** One value in every entry: all tables are one, or all clusters. */
function fillTable(draw: Draw, image: SparseImage, anatomy: Anatomy): void {
  const at = draw.pick([...anatomy.places, 0]);
  const field = { at, width: 8, meaning: 'entry' } as const;
  const value = BigInt.asUintN(64, drawValue(draw, field, { ...anatomy, fileSize: image.size }));
  const view = new DataView(new ArrayBuffer(Math.min(anatomy.clusterSize, 4096)));
  const step = draw.chance(0.3) ? BigInt(anatomy.clusterSize) : 0n;
  for (let i = 0; i < view.byteLength; i += 8) view.setBigUint64(i, BigInt.asUintN(64, value + step * BigInt(i / 8)));
  image.poke(at, new Uint8Array(view.buffer).subarray(0, Math.max(0, image.size - at)));
}

function copyStructure(draw: Draw, image: SparseImage, { places, clusterSize }: Anatomy): void {
  const [from, to] = [draw.pick([0, ...places]), draw.pick([0, ...places])];
  image.poke(to, image.peek(from, Math.min(clusterSize, 4096)).subarray(0, Math.max(0, image.size - to)));
}

function resize(draw: Draw, image: SparseImage, { fields, places, clusterSize }: Anatomy): void {
  const cuts = [draw.below(image.size + 1), draw.pick(fields).at, draw.pick([0, ...places]), image.size - 1];
  const growths = [image.size + 1, image.size + clusterSize, 2 ** 40, 2 ** 50 + 511, 2 ** 53 - 512];
  image.truncate(Math.max(0, draw.pick(draw.chance(0.7) ? cuts : growths) + draw.pick([0, 0, 0, 1, 511])));
}

/** Gives the image another parent, wherever in the first cluster the name then stands. */
function rename(
  draw: Draw,
  image: SparseImage,
  { clusterSize, headerLength }: Anatomy,
  known: readonly string[],
): void {
  const name = new TextEncoder().encode(drawName(draw, known));
  const at = draw.chance(0.8) ? Math.max(headerLength + 16, clusterSize - name.length) : draw.below(clusterSize);
  if (at + name.length > image.size) return;
  image.poke(at, name).pokeU64(8, BigInt(at)).pokeU32(16, name.length);
}

const TYPES = [0xe2792aca, 0x6803f857, 0x23852875, 0x0537be77, 0x44415441, 0x12345678];
const LENGTHS = [0, 1, 3, 5, 15, 16, 17, 24, 47, 48, 96, 200];

/** Writes the header's extensions anew: many or few, of any type and length, with an end or without. */
function extend(draw: Draw, image: SparseImage, { clusterSize, headerLength }: Anatomy): void {
  let at = headerLength;
  for (let count = draw.pick([1, 2, 5, 40, 400]); count > 0; count -= 1) {
    const length = draw.pick(LENGTHS);
    if (at + 8 + length > Math.min(clusterSize, image.size) - 16) break;
    const content = draw.chance(0.3) ? new TextEncoder().encode('raw') : draw.bytes(length);
    const said = draw.chance(0.05) ? draw.next() : length;
    image
      .pokeU32(at, draw.pick(TYPES))
      .pokeU32(at + 4, said)
      .poke(at + 8, content.subarray(0, length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  if (draw.chance(0.8) && at + 8 <= image.size) image.pokeU64(at, 0n);
}
