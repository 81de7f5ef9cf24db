import assert from 'node:assert/strict';
import type { Layer, LayerTrace, QemuMapEntry } from '../../../../../src/core';
import { DiskError, finish, guestOffset, Kind, openChain, Session } from '../../../../../src/core';
import type { SparseImage } from '../../../../fixtures/build/index';
import type { BuiltVhd, VhdBlock, VhdSpec } from '../../../../fixtures/build/vhd';
import { buildVhd, mendChecksum, uuidBytes } from '../../../../fixtures/build/vhd';
import { mapEntries } from '../../../../support/map';
import { MemoryDisk } from '../../../../support/memory';

const MIB = 2 ** 20;
const KIB = 1024;
const SECTOR = 512;

const full = (value: number, length: number): VhdBlock => ({ bytes: new Uint8Array(length).fill(value) });
const held = (holds: (sector: number) => boolean): VhdBlock => ({ bytes: new Uint8Array(512 * KIB).fill(7), holds });

function layerOf(image: SparseImage): Layer {
  const disk = new MemoryDisk().put('/disk', image);
  const [leaf] = openChain(disk.environment, disk.leaf('/disk'), { format: 'vpc' }).layers;
  assert(leaf);
  return leaf.layer;
}

function mapOf(image: SparseImage, failsFrom = Infinity): readonly QemuMapEntry[] {
  const disk = new MemoryDisk().put('/disk', { bytes: image, failsFrom });
  return mapEntries(new Session(disk.environment, disk.leaf('/disk')));
}

const kindsOf = (entries: readonly QemuMapEntry[]): readonly string[] =>
  entries.map(({ length, data, zero, unknown = false, offset }) => {
    const what = unknown ? 'unknown' : data ? 'data' : zero ? 'zero' : 'nothing';
    return `${length / SECTOR} ${what}${offset === undefined ? '' : ` at ${offset}`}`;
  });

function trace(image: SparseImage, offset: number): LayerTrace {
  const layer = layerOf(image);
  const [view] = layer.views;
  assert(view);
  return layer.trace(view, guestOffset(offset));
}

/** Changes a field of the dynamic header, and its checksum with it. */
function header(built: BuiltVhd, at: number, value: number): SparseImage {
  built.image.pokeU32(built.header + at, value);
  mendChecksum(built.image, built.header, 1024);
  return built.image;
}

const SPEC: VhdSpec = {
  size: 2 * MIB,
  blockSize: 512 * KIB,
  blocks: new Map([
    [2, full(1, 512 * KIB)],
    [0, held((sector) => sector < 3)],
  ]),
};

describe('a dynamic VHD', () => {
  it('refuses blocks of no size (CVE-2014-0142, afl5.img of the iotests), or of none that there is', () => {
    for (const size of [0, 1, 256, 513, 1000, 0x300000, 0xffffffff]) {
      assert.throws(
        () => layerOf(header(buildVhd(SPEC), 32, size)),
        (error) =>
          error instanceof DiskError && error.code === 'corrupt' && error.message.includes(`blocks of ${size} `),
      );
    }
  });

  it('refuses more entries than QEMU has room for', () => {
    assert.throws(() => layerOf(header(buildVhd(SPEC), 28, 0x20000000)), /536870912 entries/);
    assert.equal(layerOf(header(buildVhd(SPEC), 28, 0x1fffffff)).guestSize, 2 * MIB);
  });

  it('refuses a header that is not where the footer says it is, or of another version', () => {
    const gone = buildVhd(SPEC);
    gone.image.poke(gone.header, [0x43]);
    assert.throws(() => layerOf(gone.image), /no dynamic disk header/);
    for (const offset of [1n << 40n, (1n << 64n) - 1n]) {
      const { image, footer } = buildVhd(SPEC);
      for (const at of [0, footer]) {
        image.pokeU64(at + 16, offset);
        mendChecksum(image, at, 512);
      }
      assert.throws(() => layerOf(image), /past the end of the file/);
    }
    assert.throws(() => layerOf(header(buildVhd(SPEC), 24, 0x20000)), /version 2 of the dynamic disk header/);
  });

  it('knows nothing of what its table has no entries for', () => {
    const image = header(buildVhd(SPEC), 28, 3);
    assert.deepEqual(
      layerOf(image).findings.map(({ code }) => code),
      ['table-too-small'],
    );
    assert.match(kindsOf(mapOf(image)).at(-1) ?? '', /^1024 unknown$/);
  });

  it('knows nothing of what its table had behind the end of the file', () => {
    const built = buildVhd(SPEC);
    built.image.pokeU64(built.header + 16, BigInt(built.image.size - 8));
    mendChecksum(built.image, built.header, 1024);
    // The last eight bytes of a footer are zero: entries of two blocks in the first sector.
    assert.deepEqual(
      layerOf(built.image).findings.map(({ code }) => code),
      ['table-past-end'],
    );
    assert.match(kindsOf(mapOf(built.image)).at(-1) ?? '', /^2048 unknown$/);
    built.image.pokeU64(built.header + 16, 1n << 50n);
    mendChecksum(built.image, built.header, 1024);
    assert.deepEqual(kindsOf(mapOf(built.image)), ['4096 unknown']);
  });

  it('is unknown where its table can not be read', () => {
    const built = buildVhd(SPEC);
    const table = Math.ceil(built.image.size / MIB) * MIB;
    built.image.poke(table, built.image.peek(built.table, 16)).pokeU64(built.header + 16, BigInt(table));
    mendChecksum(built.image, built.header, 1024);
    assert.equal(mapOf(built.image).length, 5);
    assert.deepEqual(kindsOf(mapOf(built.image, table)), ['4096 unknown']);
  });

  it('reads zeros of blocks past its end, and counts them', () => {
    const built = buildVhd(SPEC);
    built.image.pokeU32(built.table, 0xfffffffe);
    const disk = new MemoryDisk().put('/disk', built.image);
    const session = new Session(disk.environment, disk.leaf('/disk'));
    const host = 0xfffffffe * SECTOR + SECTOR;
    assert.deepEqual(kindsOf(mapEntries(session))[0], `1024 data at ${host}`);
    const target = new Uint8Array(10).fill(9);
    const [layer] = session.chain.layers;
    assert(layer);
    layer.layer.read(session.view, guestOffset(0), target);
    assert.deepEqual(target, new Uint8Array(10));
    finish(session.scan());
    assert.match(
      session.findings(0).find(({ code }) => code === 'data-past-end')?.message ?? '',
      /ends before 1 block of data, or inside \(the first for guest byte 0x0\)/,
    );
  });

  it('is sectors that are zero, though space is kept for them, where a bit is not set', () => {
    const built = buildVhd(SPEC);
    const { data } = built.place(0);
    assert.deepEqual(kindsOf(mapOf(built.image)), [
      `3 data at ${data}`,
      `1021 zero at ${data + 3 * SECTOR}`,
      '1024 zero',
      `1024 data at ${built.place(2).data}`,
      '1024 zero',
    ]);
  });

  it('traces by the table and the byte of the bitmap, and tells what a write does', () => {
    const built = buildVhd(SPEC);
    const { bitmap, data } = built.place(0);
    const set = trace(built.image, 2 * SECTOR + 5);
    assert.deepEqual(set.lookups, [
      {
        table: 'BAT',
        index: 0,
        entryOffset: built.table,
        entry: `0x${(bitmap / SECTOR).toString(16).padStart(8, '0')}`,
        flags: [],
      },
      { table: 'sector bitmap', index: 2, entryOffset: bitmap, entry: '0xe0', flags: ['set'] },
    ]);
    assert.deepEqual(
      [set.kind, set.hostOffset, set.unitStart, set.unitEnd],
      [Kind.Data, data + 2 * SECTOR + 5, 2 * SECTOR, 3 * SECTOR],
    );
    assert.deepEqual(set.write, { effect: 'in-place', bytes: 0 });
    const clear = trace(built.image, 9 * SECTOR);
    assert.deepEqual(clear.lookups[1]?.flags, ['not set']);
    assert.deepEqual([clear.kind, clear.write.effect], [Kind.ZeroAllocated, 'in-place']);
    const unused = trace(built.image, 512 * KIB);
    assert.deepEqual(
      unused.lookups.map(({ entry, flags }) => [entry, flags]),
      [['0xffffffff', ['unused']]],
    );
    assert.deepEqual(unused.write, { effect: 'allocate', bytes: 512 * KIB + SECTOR });
    const unknown = trace(header(buildVhd(SPEC), 28, 3), 3 * 512 * KIB);
    assert.deepEqual([unknown.kind, unknown.lookups, unknown.write.effect], [Kind.Unknown, [], 'impossible']);
  });
});

describe('the bitmaps of a VHD', () => {
  it('leave a block unknown where one can not be read, and no other', () => {
    const blocks = new Map([0, 1, 4, 3].map((number) => [number, full(1, 512 * KIB)]));
    const built = buildVhd({ size: 5 * 512 * KIB, blockSize: 512 * KIB, blocks });
    const kinds = kindsOf(mapOf(built.image, built.place(3).bitmap));
    assert.deepEqual(
      kinds.map((kind) => kind.replace(/ at .*/, '')),
      ['1024 data', '1024 data', '1024 zero', '1024 unknown', '1024 data'],
    );
  });

  it('are read some at a time: thousands of strewn blocks, each as it is', () => {
    const blockSize = 4 * KIB;
    const count = 5000;
    const order = Array.from({ length: count }, (_, i) => (i * 1237) % count);
    const kindOf = (number: number): number => number % 7;
    const blocks = new Map(
      order
        .filter((number) => kindOf(number) !== 3)
        .map((number) => {
          const holds = (sector: number): boolean => kindOf(number) !== 5 && (kindOf(number) !== 6 || sector % 2 === 0);
          return [number, { bytes: Uint8Array.of(1), holds }];
        }),
    );
    const built = buildVhd({ size: count * blockSize, blockSize, blocks });
    const expected: string[] = [];
    const add = (length: number, what: string, at: number): void => {
      expected.push(`${length} ${what}${at < 0 ? '' : ` at ${at}`}`);
    };
    for (let number = 0; number < count; number += 1) {
      const kind = kindOf(number);
      if (kind === 3) {
        add(8, 'zero', -1);
        continue;
      }
      const { data } = built.place(number);
      if (kind === 5) add(8, 'zero', data);
      else if (kind !== 6) add(8, 'data', data);
      else for (let i = 0; i < 8; i += 1) add(1, i % 2 === 0 ? 'data' : 'zero', data + i * SECTOR);
    }
    assert.deepEqual(kindsOf(mapOf(built.image)), expected);
  });
});

describe('a differencing VHD', () => {
  const child: VhdSpec = { ...SPEC, type: 'differencing', parent: { uuid: uuidBytes(1), name: 'gone.vhd' } };

  it('leaves to its parent what it does not hold', () => {
    const built = buildVhd(child);
    assert.equal(trace(built.image, 9 * SECTOR).kind, Kind.Absent);
    assert.equal(trace(built.image, 512 * KIB).kind, Kind.Absent);
    assert.match(
      kindsOf(mapOf(built.image)).join(', '),
      /^3 data at \d+, 2045 unknown, 1024 data at \d+, 1024 unknown$/,
    );
  });

  it('does not show its parent where a file that was cut short had its bitmap', () => {
    const built = buildVhd(child);
    const { bitmap, data } = built.place(0);
    built.image.truncate(bitmap);
    assert.match(kindsOf(mapOf(built.image))[0] ?? '', new RegExp(`^1024 data at ${data}$`));
    assert.deepEqual(trace(built.image, 5).lookups[1]?.flags, ['past end of file']);
  });
});
