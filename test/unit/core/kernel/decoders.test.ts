import assert from 'node:assert/strict';
import { Kind } from '../../../../src/core';
import type { Qcow2Header } from '../../../../src/core/formats/qcow2/header';
import { readHeader } from '../../../../src/core/formats/qcow2/header';
import { EntryDecoder, Geometry } from '../../../../src/core/formats/qcow2/mapping';
import { Kernel } from '../../../../src/core/kernel/kernel';
import { buildQcow2 } from '../../../fixtures/build/index';
import { memorySource } from '../../../support/memory';
import { Draw } from '../../../support/random';

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
/** What is in the kernel's memory past the end of what it was asked to write. */
const UNTOUCHED = 0xee;
const header = readHeader(memorySource(buildQcow2({ size: 2 ** 20 }).image));

interface Decoded {
  readonly kinds: readonly number[];
  readonly hosts: readonly number[];
  readonly odd: number;
  readonly firstOdd: number | undefined;
  readonly pastEnds: number;
  readonly firstPastEnd: number | undefined;
}

interface Entries {
  readonly geometry: Geometry;
  /** Big-endian words, one for each entry, or two. */
  readonly words: readonly bigint[];
  readonly fileEnd: number;
  readonly guest: number;
}

/**
 * Whether the file ends before a compressed cluster's bytes ("Compressed Clusters Descriptor"). Its last sector need not be
 * there whole: a file may end where its data does.
 */
function endsPast(entry: bigint, clusterBits: number, fileEnd: number): boolean {
  const x = BigInt(62 - (clusterBits - 8));
  const descriptor = BigInt.asUintN(62, entry);
  const offset = BigInt.asUintN(Number(x), descriptor);
  const lastSector = offset / 512n + (descriptor >> x);
  return offset >= fileEnd || lastSector * 512n >= fileEnd;
}

/** One entry after the other, as `EntryDecoder` reads each. */
function oneByOne({ geometry, words, fileEnd, guest }: Entries): Decoded {
  const { clusterSize, subclusterSize } = geometry;
  const { extendedL2 } = geometry.header;
  const decoder = new EntryDecoder(geometry, fileEnd);
  const kinds: number[] = [];
  const hosts: number[] = [];
  const odd: number[] = [];
  const past: number[] = [];
  const high = (word: bigint): number => Number(word >> 32n) | 0;
  const low = (word: bigint): number => Number(word & 0xffff_ffffn) | 0;
  const count = extendedL2 ? words.length / 2 : words.length;
  for (let i = 0; i < count; i += 1) {
    const entry = words[extendedL2 ? 2 * i : i] ?? 0n;
    const bitmap = words[2 * i + 1] ?? 0n;
    const first = kinds.length;
    decoder.cluster(high(entry), low(entry), guest + i * clusterSize);
    if (decoder.kind === Kind.Compressed && endsPast(entry, geometry.header.clusterBits, fileEnd)) past.push(first);
    for (let sub = 0; sub < (extendedL2 ? 32 : 1); sub += 1) {
      if (extendedL2) decoder.subcluster(high(bitmap), low(bitmap), sub);
      const place =
        decoder.kind === Kind.Compressed
          ? geometry.compressedOffset(high(entry), low(entry)) + sub * subclusterSize
          : decoder.host;
      kinds.push(decoder.kind);
      hosts.push(place);
      // Past the end of an external data file it is data still, as QEMU maps it.
      if (decoder.kind === Kind.Data && geometry.header.externalData && place >= fileEnd) past.push(first + sub);
      if (decoder.kind !== Kind.Invalid) continue;
      // What can't be true has no place, and is one entry however many subclusters it has.
      if (place >= 0) past.push(first + sub);
      else if (odd.at(-1) !== first) odd.push(first);
    }
  }
  return {
    kinds,
    hosts,
    odd: odd.length,
    firstOdd: odd[0],
    pastEnds: past.length,
    firstPastEnd: past[0],
  };
}

function byKernel({ geometry, words, fileEnd, guest }: Entries, keepHosts: boolean): Decoded {
  const kernel = Kernel.take();
  const { header: of } = geometry;
  const count = of.extendedL2 ? words.length / 2 : words.length;
  const units = of.extendedL2 ? count * 32 : count;
  const entries = kernel.reserve(words.length * 8 + 256);
  const kinds = kernel.reserve(units + 64);
  const hosts = kernel.reserve(units * 8 + 256);
  kernel.u8.fill(UNTOUCHED, entries, hosts + units * 8 + 256);
  const view = new DataView(kernel.u8.buffer);
  words.forEach((word, i) => {
    view.setBigUint64(entries + i * 8, word);
  });
  const flags = (of.version >= 3 ? 1 : 0) | (of.externalData ? 2 : 0);
  const decode = of.extendedL2 ? kernel.run.extended : kernel.run.standard;
  const any = decode(entries, count, kinds, keepHosts ? hosts : 0, flags, of.clusterBits, fileEnd, guest);
  const { oddEntries, firstOddEntry, pastEnds, firstPastEnd } = kernel.run;
  assert.equal(any !== 0, oddEntries.value + pastEnds.value > 0);
  assert(kernel.u8.subarray(kinds + units, kinds + units + 48).every((byte) => byte === UNTOUCHED));
  const kept = Array.from(kernel.i64.subarray(hosts / 8, hosts / 8 + units), Number);
  assert(kernel.u8.subarray(hosts + units * 8, hosts + units * 8 + 256).every((byte) => byte === UNTOUCHED));
  kernel.release();
  return {
    kinds: [...kernel.u8.subarray(kinds, kinds + units)],
    hosts: keepHosts ? kept : [],
    odd: oddEntries.value,
    firstOdd: oddEntries.value > 0 ? firstOddEntry.value : undefined,
    pastEnds: pastEnds.value,
    firstPastEnd: pastEnds.value > 0 ? firstPastEnd.value : undefined,
  };
}

/** An entry of some kind, with all flags that there are and some that are not. */
function randomEntry(draw: Draw, clusterBits: number, fileEnd: number, guest: number): bigint {
  const cluster = 1n << BigInt(clusterBits);
  const word = (): bigint => (BigInt(draw.next()) << 32n) | BigInt(draw.next());
  const place = (word() % (BigInt(fileEnd) / cluster + 4n)) * cluster;
  const sectors = BigInt(draw.below(4)) << BigInt(62 - (clusterBits - 8));
  return draw.pick([
    () => 0n,
    () => place,
    () => COPIED | place,
    () => COPIED | BigInt(guest),
    () => BigInt(guest),
    () => COPIED,
    () => 1n,
    () => place | 1n,
    () => COPIED | place | 1n,
    () => place | (word() & 0x1ffn),
    () => place | (word() & 0x3f00_0000_0000_0000n),
    () => COPIED | (place + 512n),
    () => COPIED | (1n << 53n),
    () => COPIED | ((1n << 53n) - cluster),
    () => COPIED | (BigInt(fileEnd) - (BigInt(fileEnd) % cluster)),
    () => COMPRESSED | sectors | (word() % BigInt(fileEnd + 2000)),
    () => COPIED | COMPRESSED | sectors | BigInt(fileEnd - draw.below(Math.min(fileEnd, 2048))),
    () => COMPRESSED | (word() & 0x3fff_ffff_ffff_ffffn),
    word,
  ])();
}

/** Bits of subclusters: which read as zero, which are allocated. */
function randomBitmap(draw: Draw): bigint {
  const zeros = draw.pick([0, 0xffff_ffff, draw.next(), draw.next() & draw.next()]);
  const allocated = draw.pick([0, 0xffff_ffff, ~zeros & draw.next(), ~zeros >>> 0, draw.next()]);
  return (BigInt(zeros >>> 0) << 32n) | BigInt(allocated >>> 0);
}

describe("the kernel's decoders of table entries", () => {
  const formats: readonly (readonly [string, Partial<Qcow2Header>])[] = [
    ['standard entries', {}],
    ['standard entries of version 2', { version: 2 }],
    ['standard entries of an external data file', { externalData: true }],
    ['extended entries', { extendedL2: true }],
    ['extended entries of an external data file', { extendedL2: true, externalData: true }],
  ];
  for (const [name, more] of formats) {
    for (const clusterBits of more.extendedL2 ? [14, 16, 21] : [9, 12, 16, 21]) {
      it(`read ${name} in clusters of 2^${clusterBits} as they are read one by one`, () => {
        const draw = Draw.named(clusterBits, name);
        const geometry = new Geometry({ ...header, ...more, clusterBits });
        for (let round = 0; round < 150; round += 1) {
          const count = draw.between(1, 70);
          const fileEnd = draw.pick([1, 511, 2 ** 20, 2 ** 26 + 12345, 2 ** 42, 2 ** 52 + 777]);
          const guest = draw.below(50) * 2 ** clusterBits;
          // Rounds with nothing odd among many, and rounds with everything.
          const plain = draw.chance(0.4);
          const words = Array.from({ length: count }, (_, i) => {
            const at = guest + i * geometry.clusterSize;
            const entry = plain
              ? draw.pick([0n, COPIED | BigInt(draw.below(20) * geometry.clusterSize), 1n])
              : randomEntry(draw, clusterBits, fileEnd, at);
            return more.extendedL2 ? [entry, draw.chance(0.2) ? 0n : randomBitmap(draw)] : [entry];
          }).flat();
          const entries = { geometry, words, fileEnd, guest };
          const expected = oneByOne(entries);
          assert.deepEqual(byKernel(entries, true), expected, `round ${round}`);
          assert.deepEqual(byKernel(entries, false), { ...expected, hosts: [] }, `round ${round}, without places`);
        }
      });
    }
  }
});
