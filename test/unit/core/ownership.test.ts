import assert from 'node:assert/strict';
import type { Accounting, Chain, ChainEndKind, OwnershipMap } from '../../../src/core';
import { NOBODY, UNKNOWN_OWNER } from '../../../src/core';
import { walk } from '../../../src/core/walk';
import type { Letters } from '../../support/letters';
import { fromDepth, lettersChain, pictureOf } from '../../support/letters';
import { joined, toldMap } from '../../support/runs';

const UNIT = 16;

/** Layers of one letter a unit, newest first. */
const layersOf = (...letters: readonly string[]): Letters[] => letters.map((text) => ({ letters: text, unit: UNIT }));

/** The map with places, which the picture has without them. */
function resolve(layers: readonly (Letters | undefined)[], end: ChainEndKind = 'base', depth = 0): OwnershipMap {
  const chain = lettersChain(layers, end);
  const maps = [...walk(chain, fromDepth(chain, depth))];
  assert.deepEqual(toldMap(pictureOf(chain, { depth }).map), toldMap(joined(maps, false)));
  return joined(maps);
}

/** Bytes in units. */
const inUnits = (map: OwnershipMap): unknown =>
  toldMap(map).map(([start, end, owner, letter]) => [start / UNIT, end / UNIT, owner, letter]);

const account = (layers: readonly Letters[], end: ChainEndKind = 'base'): Accounting =>
  accountOf(lettersChain(layers, end));

/** In units. */
function accountOf(chain: Chain, depth = 0): Accounting {
  const { guestSize, nobody, unknown, layers } = pictureOf(chain, { depth }).accounting;
  return {
    guestSize: guestSize / UNIT,
    nobody: nobody / UNIT,
    unknown: unknown / UNIT,
    layers: layers.map(({ owned, ownedData, ownedZero, ownedCompressed, shadowed }) => ({
      owned: owned / UNIT,
      ownedData: ownedData / UNIT,
      ownedZero: ownedZero / UNIT,
      ownedCompressed: ownedCompressed / UNIT,
      shadowed: shadowed / UNIT,
    })),
  };
}

describe('who answers each byte', () => {
  it('is the newest layer that holds it', () => {
    const map = resolve(layersOf('.d..d', 'd.d.d', 'ddd.d'));
    assert.deepEqual(inUnits(map), [
      [0, 1, 1, 'd'],
      [1, 2, 0, 'd'],
      [2, 3, 1, 'd'],
      [3, 4, NOBODY, '.'],
      [4, 5, 0, 'd'],
    ]);
  });

  it('is the layer with a zero cluster, which hides what is below', () => {
    const map = resolve(layersOf('zac', 'ddd'));
    assert.deepEqual(inUnits(map), [
      [0, 1, 0, 'z'],
      [1, 2, 0, 'a'],
      [2, 3, 0, 'c'],
    ]);
  });

  it('is nobody past the end of a shorter layer in the middle, whatever is deeper', () => {
    const map = resolve(layersOf('......', '.d.', 'dddddd'));
    assert.deepEqual(inUnits(map), [
      [0, 1, 2, 'd'],
      [1, 2, 1, 'd'],
      [2, 3, 2, 'd'],
      [3, 6, NOBODY, '.'],
    ]);
  });

  it('is cut at the end of the newest layer', () => {
    assert.deepEqual(inUnits(resolve(layersOf('..', 'dddd'))), [[0, 2, 1, 'd']]);
  });

  it('is nobody over a base of no bytes', () => {
    assert.deepEqual(inUnits(resolve(layersOf('.d', ''))), [
      [0, 1, NOBODY, '.'],
      [1, 2, 0, 'd'],
    ]);
  });

  it('is unknown below a chain that breaks, but only there', () => {
    for (const end of ['missing', 'refused', 'cycle', 'too-deep'] as const) {
      const map = resolve(layersOf('.d.', '..d'), end);
      assert.deepEqual(inUnits(map), [
        [0, 1, UNKNOWN_OWNER, 'u'],
        [1, 2, 0, 'd'],
        [2, 3, 1, 'd'],
      ]);
    }
  });

  it('is nobody past a shorter layer even where the chain breaks deeper', () => {
    const map = resolve(layersOf('....', '.d'), 'missing');
    assert.deepEqual(inUnits(map), [
      [0, 1, UNKNOWN_OWNER, 'u'],
      [1, 2, 1, 'd'],
      [2, 4, NOBODY, '.'],
    ]);
  });

  it('is unknown where a table could not be read, and what is below does not show through', () => {
    assert.deepEqual(inUnits(resolve(layersOf('u.', 'dd'))), [
      [0, 1, UNKNOWN_OWNER, 'u'],
      [1, 2, 1, 'd'],
    ]);
  });

  it('is a layer with a broken entry', () => {
    assert.deepEqual(inUnits(resolve(layersOf('i.', 'dd'))), [
      [0, 1, 0, 'i'],
      [1, 2, 1, 'd'],
    ]);
  });

  it('is unknown below a layer that can not be scanned', () => {
    const [leaf, base] = layersOf('.d.', 'ddd');
    const map = resolve([leaf, undefined, base]);
    assert.deepEqual(inUnits(map), [
      [0, 1, UNKNOWN_OWNER, 'u'],
      [1, 2, 0, 'd'],
      [2, 3, UNKNOWN_OWNER, 'u'],
    ]);
  });

  it('keeps the depths of a chain that is looked at from further down', () => {
    const layers = layersOf('dd', 'dd', 'dd', '..', '.d');
    assert.deepEqual(inUnits(resolve(layers, 'base', 3)), [
      [0, 1, NOBODY, '.'],
      [1, 2, 4, 'd'],
    ]);
  });

  it('of a disk of no bytes is an empty map', () => {
    for (const layers of [layersOf(''), layersOf('', 'dd')]) {
      const map = resolve(layers);
      assert.equal(map.count, 0);
      assert.deepEqual(map.start, Float64Array.of(0));
    }
  });

  it("comes with the place in the owner's file, cut as the range is", () => {
    const leaf = { letters: '.d..', unit: UNIT, hosts: [-1, 512, -1, -1] };
    const base = { letters: 'ddd', unit: UNIT, hosts: [160, 176, 192] };
    const map = resolve([leaf, base]);
    assert.deepEqual(inUnits(map), [
      [0, 1, 1, 'd'],
      [1, 2, 0, 'd'],
      [2, 3, 1, 'd'],
      [3, 4, NOBODY, '.'],
    ]);
    assert.deepEqual([...(map.host ?? [])], [160, 512, 192, -1]);
  });

  it('parts neighbours of one owner that do not go on in its file', () => {
    const alone = { letters: 'dddd', unit: UNIT, hosts: [160, 176, 512, 496] };
    assert.deepEqual([...resolve([alone]).start], [0, 2 * UNIT, 3 * UNIT, 4 * UNIT]);
    assert.deepEqual([...pictureOf(lettersChain([alone])).map.start], [0, 4 * UNIT]);
  });

  it('keeps the place of unused space only where nothing lies below it', () => {
    const leaf = { letters: '....', unit: UNIT, hosts: [-1, 512, 528, 544] };
    const base = { letters: '.d', unit: UNIT, hosts: [-1, 960] };
    const map = resolve([leaf, base]);
    assert.deepEqual(inUnits(map), [
      [0, 1, NOBODY, '.'],
      [1, 2, 1, 'd'],
      [2, 4, NOBODY, '.'],
    ]);
    assert.deepEqual([...(map.host ?? [])], [-1, 960, 528]);
  });
});

describe('accounting', () => {
  it('adds up a small chain as one does by hand', () => {
    const layers = layersOf('.dzc..', 'ddad', 'c.dddi');
    const accounting = account(layers);
    assert.deepEqual(accounting, {
      guestSize: 6,
      nobody: 2,
      unknown: 0,
      layers: [
        { owned: 3, ownedData: 1, ownedZero: 1, ownedCompressed: 1, shadowed: 0 },
        { owned: 1, ownedData: 1, ownedZero: 0, ownedCompressed: 0, shadowed: 3 },
        // Its last two units lie past the end of the layer above: hidden as well.
        { owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0, shadowed: 5 },
      ],
    });
  });

  it('leaves out what lies past the end of the newest layer', () => {
    const layers = layersOf('..', 'dddd');
    const [, base] = account(layers).layers;
    assert.deepEqual(base, { owned: 2, ownedData: 2, ownedZero: 0, ownedCompressed: 0, shadowed: 0 });
  });

  it('counts kept zeros as zero and broken entries as data', () => {
    const layers = layersOf('zai');
    assert.deepEqual(account(layers).layers, [
      { owned: 3, ownedData: 1, ownedZero: 2, ownedCompressed: 0, shadowed: 0 },
    ]);
  });

  it('tells unknown from nobody', () => {
    const layers = layersOf('.u....', '.d.');
    const { nobody, unknown } = account(layers, 'missing');
    assert.deepEqual({ nobody, unknown }, { nobody: 3, unknown: 3 });
  });

  it('is indexed by depth when looked at from further down', () => {
    const { layers: accounts } = accountOf(lettersChain(layersOf('dd', 'dd', 'd.', 'dd')), 2);
    assert.deepEqual(
      accounts.map(({ owned, shadowed }) => [owned, shadowed]),
      [
        [0, 0],
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    );
  });
});
