import assert from 'node:assert/strict';
import type { Accounting, ChainEndKind, OwnershipMap, Pixels } from '../../../../src/core';
import { Kind, NOBODY, UNKNOWN_OWNER } from '../../../../src/core';
import { MAX_FAILURES } from '../../../../src/core/scan/resolver';
import { mapOf, walk, walkRange } from '../../../../src/core/walk';
import type { Letters } from '../../../support/letters';
import { fromDepth, lettersChain, pictureOf, sizeOf } from '../../../support/letters';
import { Draw } from '../../../support/random';
import { joined, kindOf } from '../../../support/runs';

/** The model looks at each piece of this many bytes by itself; no size, unit or place is finer. */
const GRAIN = 128;

interface Answer {
  readonly owner: number;
  readonly kind: Kind;
  readonly host: number;
}

const UNKNOWN: Answer = { owner: UNKNOWN_OWNER, kind: Kind.Unknown, host: -1 };

function answerAt(layers: readonly Letters[], end: ChainEndKind, at: number): Answer {
  let unused = -1;
  for (const [depth, layer] of layers.entries()) {
    // A layer that ends here hides what is deeper; the one above may keep space that it does not use.
    if (at >= sizeOf(layer)) return { owner: NOBODY, kind: Kind.Absent, host: unused };
    const index = Math.floor(at / layer.unit);
    const letter = layer.letters[index] ?? '.';
    const first = layer.hosts?.[index] ?? -1;
    const host = first < 0 ? -1 : first + (at % layer.unit);
    if (letter === 'u') return UNKNOWN;
    if (letter !== '.') return { owner: depth, kind: kindOf(letter), host };
    unused = host;
  }
  return end === 'base' ? { owner: NOBODY, kind: Kind.Absent, host: unused } : UNKNOWN;
}

/** What lies above `depth` owns nothing; depths go on counting from the leaf. */
function modelOf(layers: readonly Letters[], end: ChainEndKind, depth: number): Answer[] {
  const seen = layers.slice(depth);
  const size = seen[0] ? sizeOf(seen[0]) : 0;
  return Array.from({ length: Math.ceil(size / GRAIN) }, (_, i) => {
    const answer = answerAt(seen, end, i * GRAIN);
    return answer.owner < 0 ? answer : { ...answer, owner: answer.owner + depth };
  });
}

type Run = readonly [start: number, end: number, owner: number, kind: number, host: number];

/** The runs of `[from, to)`. */
function runsOf(model: readonly Answer[], from: number, to: number, keepHosts: boolean): Run[] {
  const runs: [number, number, number, number, number][] = [];
  for (let at = from; at < to; at = (Math.floor(at / GRAIN) + 1) * GRAIN) {
    const { owner, kind, host: first } = model[Math.floor(at / GRAIN)] ?? UNKNOWN;
    const end = Math.min(to, (Math.floor(at / GRAIN) + 1) * GRAIN);
    const host = !keepHosts || first < 0 ? -1 : first + (at % GRAIN);
    const last = runs.at(-1);
    const next = last === undefined || last[4] < 0 ? -1 : last[4] + (at - last[0]);
    if (last?.[2] === owner && last[3] === kind && next === host) last[1] = end;
    else runs.push([at, end, owner, kind, host]);
  }
  return runs;
}

const toldRuns = ({ count, start, owner, kind, host }: OwnershipMap): Run[] =>
  Array.from({ length: count }, (_, i) => [
    start[i] ?? NaN,
    start[i + 1] ?? NaN,
    owner[i] ?? NaN,
    kind[i] ?? NaN,
    host?.[i] ?? -1,
  ]);

function accountOf(model: readonly Answer[], layers: readonly Letters[], depth: number): Accounting {
  const guestSize = model.length * GRAIN;
  const bytes = (matches: (answer: Answer) => boolean): number => model.filter(matches).length * GRAIN;
  return {
    guestSize,
    nobody: bytes(({ owner }) => owner === NOBODY),
    unknown: bytes(({ owner }) => owner === UNKNOWN_OWNER),
    layers: layers.map((layer, index) => {
      const mine = (...kinds: readonly Kind[]): number =>
        bytes(({ owner, kind }) => owner === index && kinds.includes(kind));
      const ownedData = mine(Kind.Data, Kind.Invalid);
      const ownedZero = mine(Kind.Zero, Kind.ZeroAllocated);
      const ownedCompressed = mine(Kind.Compressed);
      const owned = ownedData + ownedZero + ownedCompressed;
      let held = 0;
      for (let at = 0; index >= depth && at < Math.min(guestSize, sizeOf(layer)); at += GRAIN) {
        const letter = layer.letters[Math.floor(at / layer.unit)] ?? '.';
        if (letter !== '.' && letter !== 'u') held += GRAIN;
      }
      return { owned, ownedData, ownedZero, ownedCompressed, shadowed: held - owned };
    }),
  };
}

/** Each cell's parts: owner, kind, and bytes. */
function cellsOf({ cells, first, owner, kind, bytes }: Pixels): number[][][] {
  return Array.from({ length: cells }, (_, cell) => {
    const parts: number[][] = [];
    for (let i = first[cell] ?? 0; i < (first[cell + 1] ?? 0); i += 1) {
      parts.push([owner[i] ?? NaN, kind[i] ?? NaN, bytes[i] ?? NaN]);
    }
    return parts;
  });
}

function drawnBy(model: readonly Answer[], start: number, cellBytes: number, cells: number): number[][][] {
  const size = model.length * GRAIN;
  return Array.from({ length: cells }, (_, cell) => {
    const parts = new Map<string, [number, number, number]>();
    const end = Math.min(size, start + cells * cellBytes, start + (cell + 1) * cellBytes);
    for (let at = start + cell * cellBytes; at < end;) {
      const stop = Math.min(end, (Math.floor(at / GRAIN) + 1) * GRAIN);
      const { owner, kind } = model[Math.floor(at / GRAIN)] ?? UNKNOWN;
      const part = parts.get(`${owner} ${kind}`) ?? [owner, kind, 0];
      part[2] += stop - at;
      parts.set(`${owner} ${kind}`, part);
      at = stop;
    }
    return [...parts.values()];
  });
}

/** Stretches of letters, as real images have them, most of them in one piece of the file. */
function randomLayer(draw: Draw, leafSize: number | undefined): Letters {
  const unit = draw.pick([128, 256, 512, 512, 1024, 4096, 65536]);
  const wanted =
    leafSize === undefined || draw.chance(0.5) ? (leafSize ?? 0) : draw.below(Math.ceil(leafSize * 1.3) + GRAIN);
  const size = leafSize === undefined ? draw.below(400) * GRAIN * draw.pick([1, 1, 7]) : wanted - (wanted % GRAIN);
  const units = Math.ceil(size / unit);
  let letters = '';
  const kinds = Array.from(draw.pick(['....ddddzaciu', '.......d', '.ddddddd', '.d', '.z.a.c.i']));
  while (letters.length < units) letters += draw.pick(kinds).repeat(draw.between(1, draw.pick([2, 12, 90])));
  letters = letters.slice(0, units);
  // Where a layer tells of a place at all, the largest unit before it is in the file, too.
  let next = 65536;
  const hosts = Array.from(letters, (letter) => {
    if (!'dai'.includes(letter) && !(letter === '.' && draw.chance(0.3))) return -1;
    const host = draw.chance(0.8) ? next : 65536 + draw.below(1000) * unit;
    next = host + unit;
    return host;
  });
  const block = draw.pick([1, 1, 4, 32]);
  return { letters, unit, size, hosts, block, long: draw.pick([1, 3, 20, Infinity]) };
}

interface RandomChain {
  readonly layers: readonly Letters[];
  readonly end: ChainEndKind;
  readonly depth: number;
}

function randomChain(draw: Draw): RandomChain {
  const leaf = randomLayer(draw, undefined);
  const below = Array.from({ length: draw.below(6) }, () => randomLayer(draw, sizeOf(leaf)));
  const layers = [leaf, ...below];
  const depth = draw.chance(0.25) ? draw.below(layers.length) : 0;
  return { layers, end: draw.pick(['base', 'base', 'missing', 'cycle'] as const), depth };
}

describe('the map and the picture of random chains', () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    it(`chain ${seed} is as looking up each piece of ${GRAIN} bytes has it`, () => {
      const draw = Draw.named(seed, 'picture');
      const { layers, end, depth } = randomChain(draw);
      const chain = lettersChain(layers, end);
      const model = modelOf(layers, end, depth);
      const size = model.length * GRAIN;
      const from = fromDepth(chain, depth);

      const maps = [...walk(chain, from)];
      assert.deepEqual(toldRuns(joined(maps)), runsOf(model, 0, size, true), 'the walk');

      const chunkBytes = draw.pick([GRAIN, 512, 4096, 2 ** 30]);
      const count = Math.ceil(size / chunkBytes);
      const inAnyOrder = draw.shuffle(Array.from({ length: count }, (_, i) => i));
      const picture = pictureOf(chain, { depth, chunkBytes, ...(draw.chance(0.5) ? { chunks: inAnyOrder } : {}) });
      assert.equal(picture.complete, true);
      assert.deepEqual(toldRuns(picture.map), runsOf(model, 0, size, false), 'the picture');
      assert.deepEqual(toldRuns(picture.map), toldRuns(joined(maps, false)), 'both');
      assert.deepEqual(picture.accounting, accountOf(model, layers, depth));

      for (let round = 0; round < 6 && size > 0; round += 1) {
        const a = draw.below(size + 1);
        const b = draw.between(a, size);
        assert.deepEqual(toldRuns(picture.part(a, b)), runsOf(model, a, b, false), `part ${a} to ${b}`);
        const part = joined(walkRange(chain, from, { start: a, end: b }));
        assert.deepEqual(toldRuns(part), runsOf(model, a, b, true), `walk ${a} to ${b}`);
        const start = draw.below(size);
        const cellBytes = draw.pick([1, 3, 128, 1000, draw.between(1, size), draw.between(1, 40) / 8]);
        const cells = draw.between(1, 50);
        assert.deepEqual(
          cellsOf(picture.pixels(start, cellBytes, cells)),
          drawnBy(model, start, cellBytes, cells),
          `${cells} cells of ${cellBytes} from ${start}`,
        );
      }
    });
  }
});

describe('a picture of many tiles', () => {
  const UNIT = 512;
  const TILE = 256 * UNIT;
  const GROUP = 16 * TILE;
  const draw = Draw.named(1, 'many tiles');
  /** A chunk has 3 groups, the last one of half as many tiles. */
  const chunkBytes = 2.5 * GROUP;
  const letters = (kinds: string, longest: number): string => {
    let all = '';
    while (all.length * UNIT < 9.3 * GROUP) all += draw.pick(Array.from(kinds)).repeat(draw.between(1, longest));
    return all;
  };
  const layers = [
    { letters: letters('.dz', 40), unit: UNIT },
    { letters: letters('.dac', 7000), unit: UNIT },
  ];
  const model = modelOf(layers, 'missing', 0);
  const size = model.length * GRAIN;
  const picture = pictureOf(lettersChain(layers, 'missing'), { chunkBytes });

  for (const [what, cellBytes] of [
    ['a group', GROUP],
    ['two tiles', 2 * TILE],
    ['a tile', TILE],
    ['a quarter of a tile', TILE / 4],
    ['one and a third of a group', Math.floor((4 * GROUP) / 3)],
    ['two thirds of a tile', Math.floor((2 * TILE) / 3)],
    ['a chunk and a bit', chunkBytes + GRAIN],
  ] as const) {
    it(`holds in cells of ${what} what its pieces hold`, () => {
      const cells = Math.min(200, Math.ceil(size / cellBytes) + 1);
      for (const start of [0, 3 * cellBytes, GROUP - TILE, Math.floor(size / 2) + 77]) {
        const drawn = cellsOf(picture.pixels(start, cellBytes, cells));
        assert.deepEqual(drawn, drawnBy(model, start, cellBytes, cells), `from ${start}`);
      }
    });
  }

  it('has as many parts in its cells as there are', () => {
    const cells = 270_000;
    const pairs = lettersChain([{ letters: 'd.z.'.repeat(cells / 2), unit: UNIT }]);
    const pixels = pictureOf(pairs, { chunkBytes: 3 * 2 ** 20 }).pixels(0, 2 * UNIT, cells);
    assert.deepEqual(
      pixels.first,
      Uint32Array.from({ length: cells + 1 }, (_, cell) => 2 * cell),
    );
    const inTurn = (...held: readonly number[]): number[] => Array.from({ length: 2 * cells }, (_, i) => held[i % 4]!);
    assert.deepEqual(pixels.owner, Int16Array.from(inTurn(0, NOBODY, 0, NOBODY)));
    assert.deepEqual(pixels.kind, Uint8Array.from(inTurn(Kind.Data, Kind.Absent, Kind.Zero, Kind.Absent)));
    assert.deepEqual(pixels.bytes, Float64Array.from(inTurn(UNIT, UNIT, UNIT, UNIT)));
  });
});

describe('a picture of which a part is there', () => {
  it('is unknown elsewhere, and adds up', () => {
    const draw = Draw.named(1, 'incomplete');
    for (let round = 0; round < 40; round += 1) {
      const { layers, end, depth } = randomChain(draw);
      const chain = lettersChain(layers, end);
      const chunkBytes = 1024;
      const whole = modelOf(layers, end, depth);
      const size = whole.length * GRAIN;
      const chunks = Array.from({ length: Math.ceil(size / chunkBytes) }, (_, i) => i).filter(() => draw.chance(0.5));
      const picture = pictureOf(chain, { depth, chunkBytes, chunks });
      const model = whole.map((answer, i) =>
        chunks.includes(Math.floor((i * GRAIN) / chunkBytes)) ? answer : UNKNOWN,
      );
      assert.equal(picture.known, chunks.length);
      assert.equal(picture.complete, chunks.length === picture.chunkCount);
      assert.deepEqual(toldRuns(picture.map), runsOf(model, 0, size, false));
      assert.deepEqual(cellsOf(picture.pixels(100, 700, 20)), drawnBy(model, 100, 700, 20));
      const { guestSize, nobody, unknown, layers: accounts } = picture.accounting;
      const expected = accountOf(model, layers, depth);
      assert.deepEqual([guestSize, nobody, unknown], [expected.guestSize, expected.nobody, expected.unknown]);
      assert.deepEqual(
        accounts.map(({ owned }) => owned),
        expected.layers.map(({ owned }) => owned),
      );
      for (let i = 0; i < picture.chunkCount; i += 1) {
        const last = Math.min(size, (i + 1) * chunkBytes);
        assert.equal(picture.isExact(i * chunkBytes, last), chunks.includes(i));
      }
    }
  });
});

describe('tables that can not be read', () => {
  it('make unknown what they tell, and nothing is told wrong; the rest of a layer is tried again', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const draw = Draw.named(seed, 'failures');
      const { layers, end } = randomChain(draw);
      const broken = draw.below(layers.length);
      const failing = layers.map((layer, depth) => {
        if (depth !== broken) return layer;
        return { ...layer, fails: new Set(Array.from({ length: 3 }, () => draw.below(layer.letters.length + 1))) };
      });
      const chain = lettersChain(failing, end);
      const model = modelOf(layers, end, 0);
      const size = model.length * GRAIN;
      const failures: number[] = [];
      const map = joined(walk(chain, fromDepth(chain), (depth) => failures.push(depth)));
      assert(failures.every((depth) => depth === broken));
      toldRuns(map).forEach(([from, to, owner, kind, host]) => {
        for (let at = from; at < to; at += GRAIN) {
          const expected = model[at / GRAIN];
          if (owner !== UNKNOWN_OWNER) {
            assert.deepEqual({ owner, kind, host: host < 0 ? -1 : host + at - from }, expected);
          } else if (expected?.owner !== UNKNOWN_OWNER) {
            const hides = expected !== undefined && expected.owner >= 0 && expected.owner < broken;
            assert(failures.length > 0 && !hides, 'what a newer layer holds is known');
          }
        }
      });
      assert.equal(map.start[map.count], size);
    }
  });

  it('are tried one by one: all others are known', () => {
    const part = 16384;
    const bad = Array.from({ length: 9 }, (_, i) => i * part + 5);
    const chain = lettersChain([{ letters: 'd'.repeat(12 * part), unit: 512, fails: new Set(bad) }]);
    const map = joined(walk(chain, fromDepth(chain)), false);
    const unknown = toldRuns(map).filter(([, , owner]) => owner === UNKNOWN_OWNER);
    assert.deepEqual(
      unknown.map(([from, to]) => [from / 512, to / 512]),
      bad.map((unit) => [unit, unit + 1]),
    );
  });

  it('are given up where there are too many', () => {
    // Every second unit can't be read. The first failure is that of all of them; then each is read by itself.
    const letters = 'd'.repeat(1000);
    const fails = new Set(Array.from({ length: 500 }, (_, i) => 2 * i));
    const chain = lettersChain([{ letters, unit: 512, fails }]);
    let failed = 0;
    const map = joined(
      walk(chain, fromDepth(chain), () => (failed += 1)),
      false,
    );
    assert.equal(failed, MAX_FAILURES);
    const last = 2 * (MAX_FAILURES - 2);
    const known = Array.from({ length: last / 2 }, (_, i) => [2 * i + 1, 2 * i + 2]);
    const data = toldRuns(map).filter(([, , owner]) => owner === 0);
    assert.deepEqual(
      data.map(([from, to]) => [from / 512, to / 512]),
      known,
    );
  });
});

describe('a chunk in very many pieces', () => {
  /** 256 MiB in one chunk: a slice is 1 MiB. The leaf is in pieces of 512 bytes for 160 MiB, the base in 64 KiB. */
  const SLICE = 2 ** 20;
  const size = 256 * SLICE;
  const chain = lettersChain([
    { letters: 'd.'.repeat((160 * SLICE) / 1024), unit: 512, size },
    { letters: 'zz..'.repeat(size / 65536 / 4), unit: 65536 },
  ]);
  const from = fromDepth(chain);
  const picture = pictureOf(chain, { chunkBytes: size });

  it('is known in slices, which hold what they say to the byte', () => {
    assert(!picture.isExact(0, size));
    const { first, owner, kind, bytes } = picture.pixels(0, SLICE, 256);
    for (let slice = 0; slice < 256; slice += 1) {
      const parts = Array.from({ length: (first[slice + 1] ?? 0) - (first[slice] ?? 0) }, (_, i) => {
        const part = (first[slice] ?? 0) + i;
        return [owner[part], kind[part], bytes[part]] as const;
      }).sort(([a = 0], [b = 0]) => b - a);
      // Of each 256 KiB the base has zeros in the first half; the leaf, where it holds any, every second piece.
      const expected =
        slice < 160
          ? [
              [1, Kind.Zero, SLICE / 4],
              [0, Kind.Data, SLICE / 2],
              [NOBODY, Kind.Absent, SLICE / 4],
            ]
          : [
              [1, Kind.Zero, SLICE / 2],
              [NOBODY, Kind.Absent, SLICE / 2],
            ];
      assert.deepEqual(parts, expected, `slice ${slice}`);
    }
    const [leaf, base] = picture.accounting.layers;
    assert.deepEqual([leaf?.owned, base?.owned, base?.shadowed], [80 * SLICE, 88 * SLICE, 40 * SLICE]);
  });

  it('is read from its tables where runs are asked for', () => {
    assert.throws(() => picture.part(0, 4096), /only where it has them/);
    const runs = toldRuns(mapOf(chain, from, picture, { start: 1024, end: 3072 }));
    assert.deepEqual(
      runs.map(([start, end, owner]) => [start, end, owner]),
      [
        [1024, 1536, 0],
        [1536, 2048, 1],
        [2048, 2560, 0],
        [2560, 3072, 1],
      ],
    );
  });
});
