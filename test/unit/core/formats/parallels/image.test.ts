import assert from 'node:assert/strict';
import type { Layer } from '../../../../../src/core';
import { closeChain, DiskError, guestOffset, openChain, probeInput, sniff } from '../../../../../src/core';
import { walkLayer } from '../../../../../src/core/walk';
import { noise } from '../../../../fixtures/build/index';
import type { ParallelsSpec } from '../../../../fixtures/build/parallels';
import { buildParallels, OPENED } from '../../../../fixtures/build/parallels';
import type { SparseImage } from '../../../../fixtures/build/sparse';
import { MemoryDisk } from '../../../../support/memory';
import { joined, told } from '../../../../support/runs';

const SECTOR = 512;
const MIB = 2 ** 20;

/** Little-endian. */
const word = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

interface Opened {
  readonly layer: Layer;
  readonly runs: () => unknown;
  readonly codes: () => readonly string[];
  readonly read: (offset: number, length: number) => Uint8Array;
}

function open(image: SparseImage | Uint8Array, use: (opened: Opened) => void): void {
  const disk = new MemoryDisk().put('/disk.hds', image);
  const chain = openChain(disk.environment, disk.leaf('/disk.hds'));
  const [leaf] = chain.layers;
  assert(leaf);
  const { layer } = leaf;
  const [view] = layer.views;
  assert(view);
  use({
    layer,
    runs: () => told(joined(walkLayer(leaf, view))),
    codes: () => layer.findings.map(({ code, severity }) => `${code} ${severity}`),
    read: (offset, length) => {
      const target = new Uint8Array(length).fill(0xee);
      layer.read(view, guestOffset(offset), target);
      return target;
    },
  });
  closeChain(chain);
  assert.deepEqual(disk.openFiles, [], 'nothing stays open');
}

function refused(image: SparseImage | Uint8Array): DiskError {
  let error: unknown;
  try {
    open(image, () => undefined);
  } catch (caught) {
    error = caught;
  }
  assert(error instanceof DiskError, 'it is refused');
  return error;
}

const built = (spec: ParallelsSpec): SparseImage => buildParallels(spec).image;
const SMALL: ParallelsSpec = {
  sectors: 8 * 5 - 3,
  clusterSectors: 8,
  clusters: new Map([
    [3, noise(3, 4096)],
    [1, noise(1, 4096)],
    [2, noise(2, 4096)],
  ]),
};

describe('an expanding image of Parallels', () => {
  it('is mapped by a table that counts in clusters, or in sectors', () => {
    // Clusters of 8 sectors, table of 5 entries behind 64 bytes: data from byte 4096 on, or from the next sector.
    for (const [counts, start] of [
      ['clusters', 4096],
      ['sectors', 512],
    ] as const) {
      open(built({ ...SMALL, counts }), ({ layer, runs, codes }) => {
        assert.equal(layer.guestSize, 37 * SECTOR);
        assert.deepEqual(runs(), [
          [0, 4096, '.', -1],
          [4096, 12288, 'd', start + 4096],
          [12288, 16384, 'd', start],
          [16384, 18944, '.', -1],
        ]);
        assert.deepEqual(codes(), []);
      });
    }
  });

  it('reads as its clusters do, and as zeros between them', () => {
    open(built(SMALL), ({ read }) => {
      const expected = new Uint8Array(18944);
      expected.set(noise(1, 4096), 4096);
      expected.set(noise(2, 4096), 8192);
      expected.set(noise(3, 4096), 12288);
      assert.deepEqual(read(0, 18944), expected);
      assert.deepEqual(read(4000, 200), expected.slice(4000, 4200));
    });
  });

  it('may have clusters whose size is no power of two', () => {
    // 63 sectors, as old versions had; a table of two entries ends in the first sector.
    const bytes = noise(5, 63 * SECTOR);
    const image = built({
      counts: 'sectors',
      sectors: 126,
      clusterSectors: 63,
      dataOffset: 0,
      clusters: new Map([[1, bytes]]),
    });
    open(image, ({ layer, runs, codes, read }) => {
      assert.equal(layer.grain, 63 * SECTOR);
      assert.deepEqual(runs(), [
        [0, 32256, '.', -1],
        [32256, 64512, 'd', 512],
      ]);
      assert.deepEqual(read(32256, 32256), bytes);
      assert.deepEqual(codes(), []);
    });
  });

  it('counts the sectors of the disk in 32 bits where its table counts sectors, and in 64 elsewhere', () => {
    const old = built({ counts: 'sectors', sectors: 2048 }).poke(40, word(7));
    open(old, ({ layer }) => {
      assert.equal(layer.guestSize, MIB);
    });
    const large = built({ sectors: 2048 }).poke(40, word(7));
    open(large, ({ layer, codes }) => {
      assert.equal(layer.guestSize, 7 * 2 ** 32 * SECTOR + MIB);
      assert.deepEqual(codes(), ['table-too-small error']);
    });
  });

  it('tells the entry that a byte is found by', () => {
    open(built(SMALL), ({ layer }) => {
      const [view] = layer.views;
      assert(view);
      const { kind, lookups, hostOffset, unitStart, unitEnd, write } = layer.trace(view, guestOffset(8200));
      assert.deepEqual(lookups, [{ table: 'BAT', index: 2, entryOffset: 72, entry: '0x00000003', flags: [] }]);
      assert.deepEqual([kind, hostOffset, unitStart, unitEnd], [1, 3 * 4096 + 8, 8192, 12288]);
      assert.deepEqual(write, { effect: 'in-place', bytes: 0 });
      assert.deepEqual(layer.trace(view, guestOffset(0)).write, { effect: 'copy', bytes: 4096 });
    });
  });

  it('tells of no entry behind its table', () => {
    open(built({ ...SMALL, batEntries: 4 }), ({ layer, codes }) => {
      const [view] = layer.views;
      assert(view);
      const { kind, lookups } = layer.trace(view, guestOffset(4 * 4096));
      assert.deepEqual([kind, lookups, codes()], [0, [], ['table-too-small error']]);
    });
  });

  it('says what its header tells of how it was closed', () => {
    open(built({ ...SMALL, inUse: OPENED }), ({ layer, codes }) => {
      assert.deepEqual(codes(), ['dirty warning']);
      assert(layer.facts.some(({ label, value }) => label === 'In use' && value === true));
    });
    open(built({ ...SMALL, inUse: 0 }), ({ codes }) => {
      assert.deepEqual(codes(), []);
    });
    // What it says of being empty QEMU does not go by.
    open(built({ ...SMALL, flags: 1 }), ({ codes, read }) => {
      assert.deepEqual(codes(), ['marked-empty info']);
      assert.deepEqual(read(4096, 4096), noise(1, 4096));
    });
  });

  it('says where its data can not begin, and reads all the same', () => {
    for (const dataOffset of [0, 1, 7, 1 << 20]) {
      open(built({ ...SMALL, dataOffset }), ({ codes, read }) => {
        assert.deepEqual(codes(), ['data-offset error'], `${dataOffset}`);
        assert.deepEqual(read(4096, 4096), noise(1, 4096));
      });
    }
  });
});

describe('an expanding image of Parallels that was cut short', () => {
  it('reads as zeros where its file ends, and counts the clusters', () => {
    const { image, layout } = buildParallels(SMALL);
    // The clusters lie in the order 3, 1, 2: the last is half there.
    image.truncate((layout.cluster(2) ?? 0) + 1000);
    open(image, ({ runs, codes, read }) => {
      assert.deepEqual(read(8192, 4096), Uint8Array.of(...noise(2, 4096).subarray(0, 1000), ...new Uint8Array(3096)));
      runs();
      assert.deepEqual(codes(), []);
    });
    image.truncate(layout.cluster(2) ?? 0);
    open(image, ({ layer, read, runs }) => {
      assert.deepEqual(read(8192, 4096), new Uint8Array(4096));
      assert.deepEqual(runs(), [
        [0, 4096, '.', -1],
        [4096, 12288, 'd', 8192],
        [12288, 16384, 'd', 4096],
        [16384, 18944, '.', -1],
      ]);
      const [view] = layer.views;
      assert(view);
      assert.equal(layer.firstPastEnd?.(view, { start: 4096, end: 12288, kind: 1, host: 8192 }), 8192);
    });
  });

  it('is told where its table ends early: what is mapped there reads as empty', () => {
    const image = built(SMALL).truncate(64 + 2 * 4 + 1);
    open(image, ({ layer, codes, runs, read }) => {
      assert.deepEqual(runs(), [
        [0, 4096, '.', -1],
        // Of the third entry, 3, the file has the lowest byte.
        [4096, 12288, 'd', 8192],
        [12288, 18944, '.', -1],
      ]);
      assert.deepEqual(codes().slice(0, 2), ['data-offset error', 'table-past-end error']);
      assert.equal(layer.findings.find(({ code }) => code === 'table-past-end')?.lost, 18944 - 12288);
      const [view] = layer.views;
      assert(view);
      assert.deepEqual([...(layer.lostTables?.(view) ?? [])], [{ start: 12288, end: 18944 }]);
      assert.deepEqual(layer.trace(view, guestOffset(12288)).lookups[0]?.flags, ['past end of file']);
      assert.deepEqual(read(0, 18944), new Uint8Array(18944));
    });
  });

  it('with a table of two gigabytes that is not there takes no time and no room', () => {
    const image = built({ sectors: 2048 })
      .poke(32, word(0x1fffffff))
      .poke(36, [...word(0), ...word(1 << 10)]);
    open(image, ({ layer, codes, runs }) => {
      // The one entry that there is, and zeros up to the end of the file, which is one cluster long.
      assert.deepEqual(runs(), [[0, 2 ** 42 * SECTOR, '.', -1]]);
      assert.deepEqual(codes(), ['data-offset error', 'table-too-small error', 'table-past-end error']);
      assert.equal(layer.grain, MIB);
    });
  });

  it('can not be read where no file could be so large', () => {
    const image = built({ sectors: 4_000_000, clusterSectors: 4_000_000 }).poke(64, word(0xffffffff));
    open(image, ({ runs, read }) => {
      assert.deepEqual(runs(), [[0, 4_000_000 * SECTOR, 'i', -1]]);
      assert.throws(() => read(512, 512), /BAT entry for guest byte 0x0 can't be true/);
    });
  });
});

describe('a header of Parallels that can not be', () => {
  // Places and values of iotest 076; CVE-2014-0142 and CVE-2014-0143.
  const cases: readonly (readonly [what: string, at: number, value: number, code: string])[] = [
    ['a cluster of no sectors', 28, 0, 'corrupt'],
    ['a cluster of more than 2 GiB', 28, 4_186_128, 'corrupt'],
    ['a table whose size overflows', 32, 0x40000001, 'limit'],
    ['a table of a negative size', 32, 0xffffffff, 'limit'],
    ['a table of 2 GiB and an entry', 32, 0x20000000, 'limit'],
    ['another version', 16, 3, 'unsupported'],
    ['more sectors than can be counted', 40, 0x00200000, 'limit'],
    ['more bytes than can be counted', 40, 0x00001000, 'limit'],
  ];
  for (const [what, at, value, code] of cases) {
    it(`is refused: ${what}`, () => {
      for (const counts of ['clusters', 'sectors'] as const) {
        if (counts === 'sectors' && at === 40) continue;
        const error = refused(built({ ...SMALL, counts }).poke(at, word(value)));
        assert.equal(error.code, code);
        assert.equal(error.offset, at === 40 ? 36 : at);
        assert.equal(error.file, '/disk.hds');
      }
    });
  }

  it('is refused where the disk is of more pieces than are gone through', () => {
    // 2^37 pieces: sectors where a cluster has an odd number of them, 64 KiB where it has 128.
    const sized = (clusterSectors: number, sectors: number): SparseImage =>
      built({ sectors: 2048, clusterSectors }).poke(36, [
        ...word(sectors % 2 ** 32),
        ...word(Math.floor(sectors / 2 ** 32)),
      ]);
    for (const [clusterSectors, most] of [
      [63, 2 ** 37],
      [126, 2 ** 38],
      [128, 2 ** 44 - 1],
    ] as const) {
      open(sized(clusterSectors, most), ({ layer }) => {
        assert.equal(layer.guestSize, most * SECTOR);
      });
      const { code, offset } = refused(sized(clusterSectors, most + 1));
      assert.deepEqual([code, offset], ['limit', 36]);
    }
  });

  it('is refused where the file ends inside it', () => {
    const error = refused(built(SMALL).truncate(63));
    assert.deepEqual([error.code, error.offset], ['short-read', 63]);
  });

  it('makes no Parallels image of what begins with less than the whole signature', () => {
    const disk = new MemoryDisk().put('/x.hdd', new TextEncoder().encode('WithoutFreeSpac'));
    assert.equal(sniff(probeInput(disk.leaf('/x.hdd').source), 'x.hdd').kind, 'other');
    assert.throws(() => openChain(disk.environment, disk.leaf('/x.hdd'), { format: 'parallels' }), {
      code: 'not-this-format',
    });
  });
});
