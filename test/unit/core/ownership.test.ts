import assert from 'node:assert/strict';
import type { ChainEndKind, OwnershipMap } from '../../../src/core';
import { account, finish, Kind, NOBODY, resolveOwnership } from '../../../src/core';
import type { ScannedLayer } from '../../../src/core/ownership';
import { UNKNOWN_OWNER } from '../../../src/core/model';
import { Draw } from '../../support/random';
import { kindOf, runsFrom, toldMap } from '../../support/runs';

/** Layers of one letter a unit of 10 bytes, newest first. */
function layersOf(...letters: readonly string[]): ScannedLayer[] {
  return letters.map((text, depth) => ({ depth, guestSize: text.length * 10, runs: runsFrom(text, 10) }));
}

const resolve = (layers: readonly ScannedLayer[], end: ChainEndKind = 'base'): OwnershipMap =>
  finish(resolveOwnership(layers, end));

describe('who answers each byte', () => {
  it('is the newest layer that holds it', () => {
    const map = resolve(layersOf('.d..d', 'd.d.d', 'ddd.d'));
    assert.deepEqual(toldMap(map), [
      [0, 10, 1, 'd'],
      [10, 20, 0, 'd'],
      [20, 30, 1, 'd'],
      [30, 40, NOBODY, '.'],
      [40, 50, 0, 'd'],
    ]);
  });

  it('is the layer with a zero cluster, which hides what is below', () => {
    const map = resolve(layersOf('zac', 'ddd'));
    assert.deepEqual(toldMap(map), [
      [0, 10, 0, 'z'],
      [10, 20, 0, 'a'],
      [20, 30, 0, 'c'],
    ]);
  });

  it('is nobody past the end of a shorter layer in the middle, whatever is deeper', () => {
    const map = resolve(layersOf('......', '.d.', 'dddddd'));
    assert.deepEqual(toldMap(map), [
      [0, 10, 2, 'd'],
      [10, 20, 1, 'd'],
      [20, 30, 2, 'd'],
      [30, 60, NOBODY, '.'],
    ]);
  });

  it('is cut at the end of the newest layer', () => {
    assert.deepEqual(toldMap(resolve(layersOf('..', 'dddd'))), [[0, 20, 1, 'd']]);
  });

  it('is nobody over a base of no bytes', () => {
    assert.deepEqual(toldMap(resolve(layersOf('.d', ''))), [
      [0, 10, NOBODY, '.'],
      [10, 20, 0, 'd'],
    ]);
  });

  it('is unknown below a chain that breaks, but only there', () => {
    for (const end of ['missing', 'refused', 'cycle', 'too-deep'] as const) {
      const map = resolve(layersOf('.d.', '..d'), end);
      assert.deepEqual(toldMap(map), [
        [0, 10, UNKNOWN_OWNER, 'u'],
        [10, 20, 0, 'd'],
        [20, 30, 1, 'd'],
      ]);
    }
  });

  it('is nobody past a shorter layer even where the chain breaks deeper', () => {
    const map = resolve(layersOf('....', '.d'), 'missing');
    assert.deepEqual(toldMap(map), [
      [0, 10, UNKNOWN_OWNER, 'u'],
      [10, 20, 1, 'd'],
      [20, 40, NOBODY, '.'],
    ]);
  });

  it('is unknown where a table could not be read, and what is below does not show through', () => {
    assert.deepEqual(toldMap(resolve(layersOf('u.', 'dd'))), [
      [0, 10, UNKNOWN_OWNER, 'u'],
      [10, 20, 1, 'd'],
    ]);
  });

  it('is a layer with a broken entry', () => {
    assert.deepEqual(toldMap(resolve(layersOf('i.', 'dd'))), [
      [0, 10, 0, 'i'],
      [10, 20, 1, 'd'],
    ]);
  });

  it('is unknown below a layer that is not scanned yet', () => {
    const [leaf, middle, base] = layersOf('.d.', '...', 'ddd');
    assert(leaf && middle && base);
    const map = resolve([leaf, { ...middle, runs: undefined }, base]);
    assert.deepEqual(toldMap(map), [
      [0, 10, UNKNOWN_OWNER, 'u'],
      [10, 20, 0, 'd'],
      [20, 30, UNKNOWN_OWNER, 'u'],
    ]);
  });

  it('keeps the depths of a chain that is looked at from further down', () => {
    const layers = layersOf('..', '.d').map((layer) => ({ ...layer, depth: layer.depth + 3 }));
    assert.deepEqual(toldMap(resolve(layers)), [
      [0, 10, NOBODY, '.'],
      [10, 20, 4, 'd'],
    ]);
  });

  it('of a disk of no bytes is an empty map', () => {
    for (const layers of [[], layersOf(''), layersOf('', 'dd')]) {
      const map = resolve(layers);
      assert.equal(map.count, 0);
      assert.deepEqual(map.start, Float64Array.of(0));
    }
  });

  it("comes with the place in the owner's file, cut as the range is", () => {
    const leaf = { depth: 0, guestSize: 40, runs: runsFrom('.d..', 10, 40, [-1, 500, -1, -1]) };
    const base = { depth: 1, guestSize: 30, runs: runsFrom('ddd', 10, 30, [100, 110, 120]) };
    const map = resolve([leaf, base]);
    assert.deepEqual(toldMap(map), [
      [0, 10, 1, 'd'],
      [10, 20, 0, 'd'],
      [20, 30, 1, 'd'],
      [30, 40, NOBODY, '.'],
    ]);
    assert.deepEqual([...(map.host ?? [])], [100, 500, 120, -1]);
  });

  it('parts neighbours of one owner that do not go on in its file', () => {
    const alone = { depth: 0, guestSize: 40, runs: runsFrom('dddd', 10, 40, [100, 110, 500, 490]) };
    assert.deepEqual([...resolve([alone]).start], [0, 20, 30, 40]);
    assert.deepEqual([...resolve([{ ...alone, runs: runsFrom('dddd', 10) }]).start], [0, 40]);
  });

  it('keeps the place of unused space only where nothing lies below it', () => {
    const leaf = { depth: 0, guestSize: 40, runs: runsFrom('....', 10, 40, [-1, 510, 520, 530]) };
    const base = { depth: 1, guestSize: 20, runs: runsFrom('.d', 10, 20, [-1, 900]) };
    const map = resolve([leaf, base]);
    assert.deepEqual(toldMap(map), [
      [0, 10, NOBODY, '.'],
      [10, 20, 1, 'd'],
      [20, 40, NOBODY, '.'],
    ]);
    assert.deepEqual([...(map.host ?? [])], [-1, 900, 520]);
  });
});

describe('accounting', () => {
  it('adds up a small chain as one does by hand', () => {
    const layers = layersOf('.dzc..', 'ddad', 'c.dddi');
    const accounting = account(resolve(layers), layers);
    assert.deepEqual(accounting, {
      guestSize: 60,
      nobody: 20,
      unknown: 0,
      layers: [
        { owned: 30, ownedData: 10, ownedZero: 10, ownedCompressed: 10, shadowed: 0 },
        { owned: 10, ownedData: 10, ownedZero: 0, ownedCompressed: 0, shadowed: 30 },
        // Its last two units lie past the end of the layer above: hidden as well.
        { owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0, shadowed: 50 },
      ],
    });
  });

  it('leaves out what lies past the end of the newest layer', () => {
    const layers = layersOf('..', 'dddd');
    const [, base] = account(resolve(layers), layers).layers;
    assert.deepEqual(base, { owned: 20, ownedData: 20, ownedZero: 0, ownedCompressed: 0, shadowed: 0 });
  });

  it('counts kept zeros as zero and broken entries as data', () => {
    const layers = layersOf('zai');
    assert.deepEqual(account(resolve(layers), layers).layers, [
      { owned: 30, ownedData: 10, ownedZero: 20, ownedCompressed: 0, shadowed: 0 },
    ]);
  });

  it('tells unknown from nobody', () => {
    const layers = layersOf('.u....', '.d.');
    const { nobody, unknown } = account(resolve(layers, 'missing'), layers);
    assert.deepEqual({ nobody, unknown }, { nobody: 30, unknown: 30 });
  });

  it('is indexed by depth when looked at from further down', () => {
    const layers = layersOf('d.', 'dd').map((layer) => ({ ...layer, depth: layer.depth + 2 }));
    const { layers: accounts } = account(resolve(layers), layers);
    assert.deepEqual(
      accounts.map(({ owned, shadowed }) => [owned, shadowed]),
      [
        [0, 0],
        [0, 0],
        [10, 0],
        [10, 10],
      ],
    );
  });
});

// ---------------------------------------------------------------------------------------------
// Against a model that knows nothing of runs: a letter and a place for each unit of each layer, looked up one by one.

interface ModelLayer {
  readonly letters: string;
  /** Host offset of each unit, or -1. */
  readonly hosts: readonly number[];
}

interface Answer {
  readonly owner: number;
  readonly kind: Kind;
  readonly host: number;
}

function answerAt(layers: readonly ModelLayer[], end: ChainEndKind, at: number): Answer {
  let unused = -1;
  for (const [depth, { letters, hosts }] of layers.entries()) {
    // A layer that ends here hides what is deeper; the one above may keep space that it does not use.
    if (at >= letters.length) return { owner: NOBODY, kind: Kind.Absent, host: unused };
    const letter = letters[at] ?? '';
    const host = hosts[at] ?? -1;
    if (letter === 'u') return { owner: UNKNOWN_OWNER, kind: Kind.Unknown, host: -1 };
    if (letter !== '.') return { owner: depth, kind: kindOf(letter), host };
    unused = host;
  }
  if (end !== 'base') return { owner: UNKNOWN_OWNER, kind: Kind.Unknown, host: -1 };
  return { owner: NOBODY, kind: Kind.Absent, host: unused };
}

/** Stretches of letters, as real images have them, most of them in one piece of the file. */
function randomLayer(draw: Draw, units: number, unit: number): ModelLayer {
  let letters = '';
  while (letters.length < units) letters += draw.pick(Array.from('....ddddzaciu')).repeat(draw.between(1, 12));
  letters = letters.slice(0, units);
  let next = 0;
  const hosts = Array.from(letters, (letter) => {
    if (!'dai'.includes(letter) && !(letter === '.' && draw.chance(0.3))) return -1;
    const host = draw.chance(0.8) ? next : draw.below(1000) * unit;
    next = host + unit;
    return host;
  });
  return { letters, hosts };
}

describe('who answers each byte, of random chains', () => {
  const UNITS = [512, 65536, 3 * 2 ** 20];

  for (let seed = 1; seed <= 80; seed += 1) {
    it(`chain ${seed} is as looking up each unit has it`, () => {
      const draw = Draw.named(seed, 'ownership');
      const unit = draw.pick(UNITS);
      const units = draw.between(1, 220);
      const keepHost = draw.chance(0.5);
      const model = Array.from({ length: draw.between(1, 6) }, (_, depth) => {
        const length = depth === 0 ? units : Math.max(0, units + draw.between(-units, 40) * draw.below(2));
        return randomLayer(draw, length, unit);
      });
      const end = draw.pick(['base', 'base', 'missing', 'cycle'] as const);
      const layers = model.map(({ letters, hosts }, depth) => {
        const guestSize = letters.length * unit;
        return { depth, guestSize, runs: runsFrom(letters, unit, guestSize, keepHost ? hosts : undefined) };
      });
      const map = resolve(layers, end);

      const answers = Array.from({ length: units }, (_, at) => answerAt(model, end, at));
      const expected: [number, number, number, number, number][] = [];
      answers.forEach(({ owner, kind, host }, at) => {
        const last = expected.at(-1);
        const before = answers[at - 1]?.host ?? -1;
        const goesOn = !keepHost || (host < 0 ? before < 0 : before >= 0 && host === before + unit);
        if (last?.[2] === owner && last[3] === kind && goesOn) last[1] = (at + 1) * unit;
        else expected.push([at * unit, (at + 1) * unit, owner, kind, keepHost ? host : -1]);
      });
      const actual = Array.from({ length: map.count }, (_, i) => {
        return [map.start[i], map.start[i + 1], map.owner[i], map.kind[i], map.host?.[i] ?? -1];
      });
      assert.deepEqual(actual, expected);
      assert.equal(map.host !== undefined, keepHost);

      const accounting = account(map, layers);
      const bytes = (matches: (answer: Answer) => boolean): number => answers.filter(matches).length * unit;
      assert.equal(accounting.guestSize, units * unit);
      assert.equal(
        accounting.nobody,
        bytes(({ owner }) => owner === NOBODY),
      );
      assert.equal(
        accounting.unknown,
        bytes(({ owner }) => owner === UNKNOWN_OWNER),
      );
      model.forEach(({ letters }, depth) => {
        const owned = bytes(({ owner }) => owner === depth);
        const allocated = Array.from(letters.slice(0, units)).filter((letter) => letter !== '.' && letter !== 'u');
        assert.deepEqual(accounting.layers[depth], {
          owned,
          ownedData: bytes(({ owner, kind }) => owner === depth && (kind === Kind.Data || kind === Kind.Invalid)),
          ownedZero: bytes(({ owner, kind }) => owner === depth && (kind === Kind.Zero || kind === Kind.ZeroAllocated)),
          ownedCompressed: bytes(({ owner, kind }) => owner === depth && kind === Kind.Compressed),
          shadowed: allocated.length * unit - owned,
        });
      });
    });
  }
});
