import type { SparseImage } from '../fixtures/build/index';
import type { Draw } from '../support/random';

/** What a field of an image holds, which decides what is worth writing into it. */
export type Meaning = 'offset' | 'entry' | 'count' | 'size' | 'flags' | 'small' | 'text';

/** A number of the format: where it stands in the file, and what it is. */
export interface Field {
  readonly at: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4 | 8;
  readonly meaning: Meaning;
  /** Big-endian when left out. */
  readonly littleEndian?: boolean;
  /** Bytes that one more of it stands for, of an entry; 1 when left out. */
  readonly scale?: number;
}

/** Writes as many bits of a value as the field has, unless the file ends before it. */
export function writeField(image: SparseImage, { at, width, littleEndian = false }: Field, value: bigint): void {
  if (at + width > image.size) return;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), littleEndian);
  image.poke(at, littleEndian ? bytes.subarray(0, width) : bytes.subarray(8 - width));
}

/** What is known of an image when a value is drawn for one of its fields. */
export interface Surroundings {
  readonly fileSize: number;
  readonly clusterSize: number;
  /** Where the image's structures begin. */
  readonly places: readonly number[];
  /** Values that mean something of their own in an entry; left out for qcow2, whose entries have flags. */
  readonly specials?: readonly bigint[] | undefined;
}

const KIB = 1024;
const MIB = KIB * KIB;
/** Limits of QEMU and ours, and of the numbers themselves: what lies on either side of each is worth a try. */
const EDGES: readonly number[] = [
  8,
  16,
  20,
  24,
  32,
  40,
  48,
  64,
  72,
  104,
  112,
  127,
  255,
  256,
  512,
  592,
  1000,
  1023,
  1024,
  4095,
  4096,
  16 * KIB,
  65_535,
  65_536,
  2 ** 22,
  8 * MIB,
  32 * MIB,
  64 * MIB,
  1024 * 65_535,
  0x800_0000,
  512 * MIB,
  2 ** 31,
  2 ** 32,
];
const WIDE_EDGES: readonly bigint[] = [40n, 48n, 52n, 53n, 55n, 56n, 61n, 62n, 63n, 64n].map((bits) => 1n << bits);
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;

/** A value for a field, most often one at an edge; whatever it is, as many bits of it count as the field has. */
export function drawValue(draw: Draw, { at, meaning, width, scale }: Field, around: Surroundings): bigint {
  switch (meaning) {
    case 'offset':
      return drawOffset(draw, at, around);
    case 'entry':
      return around.specials ? drawPlain(draw, at, around, scale) : drawEntry(draw, at, around);
    case 'size':
      return draw.chance(0.5) ? drawOffset(draw, at, around) : drawEdge(draw, width);
    case 'flags':
      return draw.chance(0.8) ? 1n << BigInt(draw.below(64)) : drawBits(draw);
    case 'small':
      return BigInt(draw.below(draw.pick([4, 24, 256])));
    case 'count':
    case 'text':
      return draw.chance(0.3) ? BigInt(draw.below(70)) : drawEdge(draw, width);
  }
}

function drawEdge(draw: Draw, width: Field['width']): bigint {
  const edge = width === 8 && draw.chance(0.5) ? draw.pick(WIDE_EDGES) : BigInt(draw.pick(EDGES));
  return draw.chance(0.1) ? drawBits(draw) : edge + BigInt(draw.between(-1, 1));
}

function drawOffset(draw: Draw, at: number, { fileSize, clusterSize, places }: Surroundings): bigint {
  const self = at - (at % clusterSize);
  const whole = fileSize - (fileSize % clusterSize);
  const base = draw.chance(0.5)
    ? draw.pick([0, self, at, ...places])
    : draw.pick([fileSize, whole, whole - clusterSize, whole + clusterSize, clusterSize, draw.below(64) * clusterSize]);
  if (draw.chance(0.15)) return drawEdge(draw, 8);
  const shifted = BigInt(Math.max(0, base)) + BigInt(draw.pick([0, 0, 0, 0, 1, 8, 512, -512]));
  return draw.chance(0.1) ? shifted | draw.pick(WIDE_EDGES) : shifted;
}

function drawEntry(draw: Draw, at: number, around: Surroundings): bigint {
  const offset = drawOffset(draw, at, around);
  if (draw.chance(0.15)) return COMPRESSED | (BigInt(draw.below(2 ** 16)) << 46n) | offset;
  return (draw.chance(0.5) ? COPIED : 0n) | (draw.chance(0.2) ? 1n : 0n) | offset;
}

/** An entry that is a number: what has a meaning of its own, a place in the file by the format's measure, or an index. */
function drawPlain(draw: Draw, at: number, around: Surroundings, scale = 1): bigint {
  const { specials = [] } = around;
  const special = specials.length > 0 && draw.chance(0.35) ? draw.pick(specials) : undefined;
  if (special !== undefined && draw.chance(0.7)) return special;
  const value = draw.chance(0.4) ? BigInt(draw.below(40)) : drawOffset(draw, at, around) / BigInt(Math.max(1, scale));
  return special === undefined ? value : value | special;
}

const drawBits = (draw: Draw): bigint => (BigInt(draw.next()) << 32n) | BigInt(draw.next());
