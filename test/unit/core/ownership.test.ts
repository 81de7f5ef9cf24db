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
// Against a model that knows nothing of runs: a letter for each unit of each layer, looked up one at a time.

interface Model {
  readonly letters: readonly string[];
  readonly unit: number;
  readonly end: ChainEndKind;
}

function modelOwner({ letters, end }: Model, at: number): { readonly owner: number; readonly kind: Kind } {
  for (let depth = 0; depth < letters.length; depth += 1) {
    const layer = letters[depth] ?? '';
    if (at >= layer.length) return { owner: NOBODY, kind: Kind.Absent };
    const letter = layer[at] ?? '';
    if (letter === 'u') return { owner: UNKNOWN_OWNER, kind: Kind.Unknown };
    if (letter !== '.') return { owner: depth, kind: kindOf(letter) };
  }
  return end === 'base' ? { owner: NOBODY, kind: Kind.Absent } : { owner: UNKNOWN_OWNER, kind: Kind.Unknown };
}

/** Stretches of letters, as real images have them, of a length of their own for each layer. */
function randomLayer(draw: Draw, units: number): string {
  let text = '';
  while (text.length < units) text += draw.pick(Array.from('....ddddzaciu')).repeat(draw.between(1, 12));
  return text.slice(0, units);
}

describe('who answers each byte, of random chains', () => {
  const UNITS = [512, 65536, 3 * 2 ** 20];

  for (let seed = 1; seed <= 60; seed += 1) {
    it(`chain ${seed} is as looking up each unit has it`, () => {
      const draw = Draw.named(seed, 'ownership');
      const unit = draw.pick(UNITS);
      const units = draw.between(1, 220);
      const letters = Array.from({ length: draw.between(1, 6) }, (_, depth) => {
        const length = depth === 0 ? units : Math.max(0, units + draw.between(-units, 40) * draw.below(2));
        return randomLayer(draw, length);
      });
      const model: Model = { letters, unit, end: draw.pick(['base', 'base', 'missing', 'cycle'] as const) };
      const layers = letters.map((text, depth) => ({
        depth,
        guestSize: text.length * unit,
        runs: runsFrom(text, unit),
      }));
      const map = resolve(layers, model.end);

      const answers = Array.from({ length: units }, (_, at) => modelOwner(model, at));
      const expected: [number, number, number, number][] = [];
      answers.forEach(({ owner, kind }, at) => {
        const last = expected.at(-1);
        if (last?.[2] === owner && last[3] === kind) last[1] = (at + 1) * unit;
        else expected.push([at * unit, (at + 1) * unit, owner, kind]);
      });
      const actual = Array.from({ length: map.count }, (_, i) => [
        map.start[i],
        map.start[i + 1],
        map.owner[i],
        map.kind[i],
      ]);
      assert.deepEqual(actual, expected);

      const accounting = account(map, layers);
      const bytes = (matches: (unitOwner: { owner: number; kind: Kind }) => boolean): number =>
        answers.filter(matches).length * unit;
      assert.equal(accounting.guestSize, units * unit);
      assert.equal(
        accounting.nobody,
        bytes(({ owner }) => owner === NOBODY),
      );
      assert.equal(
        accounting.unknown,
        bytes(({ owner }) => owner === UNKNOWN_OWNER),
      );
      letters.forEach((text, depth) => {
        const owned = bytes(({ owner }) => owner === depth);
        const allocated =
          Array.from(text.slice(0, units)).filter((letter) => letter !== '.' && letter !== 'u').length * unit;
        assert.deepEqual(accounting.layers[depth], {
          owned,
          ownedData: bytes(({ owner, kind }) => owner === depth && (kind === Kind.Data || kind === Kind.Invalid)),
          ownedZero: bytes(({ owner, kind }) => owner === depth && (kind === Kind.Zero || kind === Kind.ZeroAllocated)),
          ownedCompressed: bytes(({ owner, kind }) => owner === depth && kind === Kind.Compressed),
          shadowed: allocated - owned,
        });
      });
    });
  }
});
