import assert from 'node:assert/strict';
import type { ChainLayer, LayerTrace } from '../../../../../src/core';
import { guestOffset, Kind } from '../../../../../src/core';
import { noise } from '../../../../fixtures/build/index';
import type { VhdxBlock, VhdxSpec } from '../../../../fixtures/build/vhdx';
import { buildVhdx, vhdxDisk } from '../../../../fixtures/build/vhdx';
import { codesOf, le, mapOf, MIB, openImages, openOne, PARENT_GUID, read, runsOf } from './open';

type Run = readonly [start: number, end: number, kind: string, host: number];
type Owned = readonly [start: number, end: number, owner: number, kind: string];

const present = (seed: number, length = MIB): VhdxBlock => ({ is: 'present', bytes: noise(seed, length) });
const state = (value: number, offset = 0): VhdxBlock => ({ is: 'state', state: value, offset });
const sectors = (of: Readonly<Record<number, number>>, size = 512): VhdxBlock => ({
  is: 'partial',
  sectors: new Map(Object.entries(of).map(([sector, seed]) => [Number(sector), noise(seed, size)])),
});

const DYNAMIC: VhdxSpec = {
  size: 9 * MIB + 4096,
  blocks: new Map([
    [8, present(8)],
    [0, present(1)],
    [1, state(1)],
    [2, state(2, 9)],
    [3, state(3)],
    [4, state(3, 20)],
    [5, state(5)],
    [6, state(1, 21)],
    [9, present(9)],
  ]),
};

function traceOf({ layer }: ChainLayer, offset: number): LayerTrace {
  const [view] = layer.views;
  assert(view);
  return layer.trace(view, guestOffset(offset));
}

describe('a VHDX', () => {
  it('has data where blocks are present; undefined and unmapped ones are zeros, and so may have space', () => {
    const { image, dataAt } = buildVhdx(DYNAMIC);
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, MIB, 'd', dataAt(0)],
      [MIB, 4 * MIB, 'z', -1],
      [4 * MIB, 5 * MIB, 'a', 20 * MIB],
      [5 * MIB, 6 * MIB, 'z', -1],
      [6 * MIB, 7 * MIB, 'a', 21 * MIB],
      [7 * MIB, 8 * MIB, '.', -1],
      [8 * MIB, 9 * MIB, 'd', dataAt(8)],
      [9 * MIB, 9 * MIB + 4096, 'd', dataAt(9)],
    ]);
    assert.equal(dataAt(8), 4 * MIB);
    assert.deepEqual(read(layer, 0, layer.layer.guestSize), vhdxDisk([DYNAMIC]).toBytes());
    assert.deepEqual(codesOf(layer), []);
  });

  it('has entries that can not be true: reserved states, data nowhere, in part without a parent, past 2^53', () => {
    const built = buildVhdx({
      size: 6 * MIB,
      blocks: new Map([
        [0, state(4, 5)],
        [1, state(6)],
        [2, state(7, 5)],
        [3, state(6, 4)],
      ]),
    });
    built.image
      .poke(built.entryAt(4), le((2n ** 53n) | 6n, 8))
      .poke(built.entryAt(5), le((2n ** 53n - 2n ** 20n) | 6n, 8));
    built.image.truncate(5 * MIB);
    const layer = openOne(built.image);
    assert.deepEqual(runsOf(layer), [
      [0, 3 * MIB, 'i', -1],
      [3 * MIB, 4 * MIB, 'd', 4 * MIB],
      [4 * MIB, 5 * MIB, 'i', -1],
      [5 * MIB, 6 * MIB, 'd', 2 ** 53 - 2 ** 20],
    ]);
    assert.throws(() => read(layer, 0, 3 * MIB), /BAT entry for guest byte 0x0 can't be true/);
  });

  it('counts what can not be true and what is past the end of the file', () => {
    const { image } = buildVhdx({
      size: 4 * MIB,
      blocks: new Map([
        [0, state(4)],
        [1, state(6, 100)],
        [3, state(6, 101)],
      ]),
    });
    const { layer } = openOne(image);
    const [view] = layer.views;
    assert(view);
    layer.scanned(
      view,
      new Map([
        ['entry', { count: 1, first: 0 }],
        ['data-past-end', { count: 2, first: MIB }],
      ]),
    );
    assert.deepEqual(
      layer.findings.map(({ code }) => code),
      ['entry', 'data-past-end'],
    );
    assert.equal(layer.firstPastEnd?.(view, { start: MIB, end: 2 * MIB, kind: Kind.Data, host: 100 * MIB }), MIB);
  });

  it('knows a block that the file ends inside of for cut short, as QEMU does', () => {
    const spec: VhdxSpec = { size: 2 * MIB, blocks: new Map([[1, present(1)]]) };
    const whole = buildVhdx(spec);
    const cut = openOne(buildVhdx(spec).image.truncate(whole.image.size - MIB / 2));
    const [view] = cut.layer.views;
    assert(view);
    const run = { start: MIB, end: 2 * MIB, kind: Kind.Data, host: whole.image.size - MIB };
    assert.equal(openOne(whole.image).layer.firstPastEnd?.(view, run), undefined);
    assert.equal(cut.layer.firstPastEnd?.(view, run), 1.5 * MIB);
  });

  it('has an entry for a sector bitmap after the blocks of each chunk', () => {
    // 2^23 sectors of 512 bytes are 16 blocks of 256 MiB; of 4096 bytes, 128.
    for (const [logicalSector, ratio] of [
      [512, 16],
      [4096, 128],
    ] as const) {
      const blockSize = 256 * MIB;
      // The last ones first: none that are next to each other on the disk are so in the file.
      const numbers = [2 * ratio + 3, 2 * ratio, ratio + 1, ratio, ratio - 1, 0];
      const spec = {
        size: (2 * ratio + 4) * blockSize,
        blockSize,
        logicalSector,
        blocks: new Map(numbers.map((block) => [block, present(block + 1, 4096)])),
      };
      const built = buildVhdx(spec);
      assert.equal(built.entryAt(2 * ratio + 3) - built.entryAt(0), (2 * ratio + 3 + 2) * 8);
      const layer = openOne(built.image);
      const data = (runsOf(layer) as Run[]).filter(([, , kind]) => kind === 'd');
      assert.deepEqual(
        data,
        numbers.toReversed().map((block) => [block * blockSize, (block + 1) * blockSize, 'd', built.dataAt(block)]),
      );
      const disk = vhdxDisk([spec]);
      for (const start of numbers.map((block) => block * blockSize)) {
        assert.deepEqual(read(layer, start, 8192), disk.peek(start, 8192));
      }
    }
  });

  it('knows nothing of blocks whose entries were cut off, and says so', () => {
    const blockSize = 256 * MIB;
    const spec = {
      size: 5000 * blockSize,
      blockSize,
      blocks: new Map([
        [0, present(1, 512)],
        [4000, present(2, 512)],
      ]),
    };
    const built = buildVhdx(spec);
    const layer = openOne(built.image.truncate(built.entryAt(1024)));
    const finding = layer.layer.findings.find(({ code }) => code === 'table-past-end');
    assert.deepEqual([finding?.severity, finding?.offset], ['error', built.entryAt(1024)]);
    assert.match(finding?.message ?? '', /the file ends before its block allocation table does/);
    const map = mapOf(openImages(built.image)) as Owned[];
    assert.deepEqual(map[0], [0, blockSize, 0, 'd']);
    assert.deepEqual(map[1]?.slice(2), [-1, '.']);
    assert.deepEqual(map.at(-1)?.slice(1), [spec.size, -2, 'u']);
    // 1024 entries are 963 blocks and 60 bitmaps, and one more block; what is read at a time may take some others along.
    const known = (map.at(-1)?.[0] ?? 0) / blockSize;
    assert.ok(known <= 964 && known > 964 - 512, String(known));
  });
});

const BASE: VhdxSpec = {
  size: 6 * MIB,
  blocks: new Map([0, 1, 2, 3, 4, 5].map((block) => [block, present(100 + block)])),
};
const CHILD: VhdxSpec = {
  size: 6 * MIB,
  parent: { parent_linkage: PARENT_GUID, relative_path: '.\\1.vhdx' },
  blocks: new Map([
    [0, sectors({ 0: 1, 7: 2, 8: 3, 9: 4, 2047: 5 })],
    [1, state(1)],
    [2, state(2)],
    [3, state(3, 50)],
    [4, present(6)],
  ]),
};

describe('a differencing VHDX', () => {
  it('holds the sectors that its bitmap says, the lowest bit first; its zeros hide the parent', () => {
    const built = buildVhdx(CHILD);
    const [child] = openImages(built.image, buildVhdx(BASE).image).layers;
    assert(child);
    const at = built.dataAt(0);
    assert.deepEqual(runsOf(child), [
      [0, 512, 'd', at],
      [512, 7 * 512, '.', at + 512],
      [7 * 512, 10 * 512, 'd', at + 7 * 512],
      [10 * 512, 2047 * 512, '.', at + 10 * 512],
      [2047 * 512, MIB, 'd', at + 2047 * 512],
      [MIB, 3 * MIB, 'z', -1],
      [3 * MIB, 4 * MIB, 'a', 50 * MIB],
      [4 * MIB, 5 * MIB, 'd', built.dataAt(4)],
      [5 * MIB, 6 * MIB, '.', -1],
    ]);
    assert.deepEqual(read(child, 7 * 512, 3 * 512), vhdxDisk([CHILD]).peek(7 * 512, 3 * 512));
    assert.deepEqual(built.image.peek(built.bitsAt(0), 2), Uint8Array.of(0x81, 0x03));
  });

  it('has sectors of 4096 bytes where the disk has', () => {
    const spec = { ...CHILD, logicalSector: 4096, blocks: new Map([[0, sectors({ 0: 1, 255: 2 }, 4096)]]) };
    const built = buildVhdx(spec);
    const layer = openOne(built.image);
    const at = built.dataAt(0);
    assert.deepEqual(runsOf(layer), [
      [0, 4096, 'd', at],
      [4096, 255 * 4096, '.', at + 4096],
      [255 * 4096, MIB, 'd', at + 255 * 4096],
      [MIB, 6 * MIB, '.', -1],
    ]);
  });

  it('finds the bits of each block of a chunk, and of each chunk', () => {
    const blockSize = 256 * MIB;
    const blocks = new Map([0, 1, 15, 16, 31].map((block) => [block, sectors({ [block]: block + 1 })]));
    const built = buildVhdx({ ...CHILD, size: 32 * blockSize, blockSize, blocks });
    const layer = openOne(built.image);
    const data = (runsOf(layer) as Run[]).filter(([, , kind]) => kind === 'd');
    assert.deepEqual(
      data,
      [...blocks.keys()].map((block) => {
        const start = block * blockSize + block * 512;
        return [start, start + 512, 'd', built.dataAt(block) + block * 512];
      }),
    );
    for (const block of blocks.keys()) {
      assert.deepEqual(read(layer, block * blockSize + block * 512, 512), noise(block + 1, 512));
      assert.equal(traceOf(layer, block * blockSize + block * 512).kind, Kind.Data);
    }
  });

  it('can not have blocks in part without a bitmap', () => {
    const built = buildVhdx(CHILD);
    const layer = openOne(built.image.poke(built.bitmapEntryAt(0), le(0, 8)));
    assert.deepEqual((runsOf(layer) as unknown[])[0], [0, MIB, 'i', -1]);
    assert.equal(traceOf(layer, 0).kind, Kind.Invalid);
  });

  it('knows nothing of a block whose bitmap can not be read', () => {
    const built = buildVhdx({
      ...CHILD,
      blocks: new Map([
        [1, state(1)],
        [0, sectors({ 0: 1 })],
      ]),
    });
    const chain = openImages(built.image.truncate(built.bitsAt(0)), buildVhdx(BASE).image);
    const map = mapOf(chain) as Owned[];
    assert.deepEqual(map[0], [0, MIB, -2, 'u']);
    assert.deepEqual(map.at(-1), [2 * MIB, 6 * MIB, 1, 'd']);
  });

  it('says which entries it looked at, and what a write would do', () => {
    const built = buildVhdx(CHILD);
    const layer = openOne(built.image);
    const [own, bitmap] = traceOf(layer, 512).lookups;
    assert.deepEqual(
      [own?.table, own?.index, own?.entryOffset, own?.flags, bitmap?.table, bitmap?.entryOffset, bitmap?.flags],
      ['BAT', 0, built.entryAt(0), ['partially present'], 'BAT, sector bitmap', built.bitmapEntryAt(0), ['present']],
    );
    assert.equal(own?.entry, '0x0000000000400007');
    assert.deepEqual(traceOf(layer, 3 * MIB).lookups[0]?.flags, ['unmapped']);
    const effects = [0, 512, 5 * MIB, 2 * MIB, 3 * MIB].map((at) => {
      const { effect, bytes } = traceOf(layer, at).write;
      return [effect, bytes];
    });
    assert.deepEqual(effects, [
      ['in-place', 0],
      ['in-place', 0],
      ['allocate', MIB],
      ['allocate', MIB],
      ['in-place', 0],
    ]);
    assert.deepEqual(traceOf(openOne(buildVhdx(DYNAMIC).image), 7 * MIB).write, { effect: 'allocate', bytes: MIB });
  });

  it('of 64 TiB is told without holding its table', () => {
    const size = 64 * 2 ** 40;
    const layer = openOne(buildVhdx({ ...CHILD, size, blockSize: 256 * MIB, blocks: new Map() }).image);
    assert.deepEqual(runsOf(layer), [[0, size, '.', -1]]);
  });
});
