import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import {
  buildQcow2, cellsOf, compressed, data, deflateFixed, EXTENSION, guestBytes, noise, prose, Random, SparseImage,
  subclusters, writeImage, zero, zeroAllocated,
} from '../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../support/temp';
import { isAtLeast, QemuError, qemuImg, qemuInfo, qemuIo, qemuMap, qemuVersion } from '../support/qemu';
import type { BuiltQcow2, Cell, Cluster, Qcow2Spec } from '../fixtures/build/index';
import type { MapEntry } from '../support/qemu';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Every kind of cluster the spec's version and features allow, some of them at both ends of the L2 tables. */
function mixedClusters(spec: Omit<Qcow2Spec, 'size'>, count: number, seed: number): Map<number, Cluster> {
  const bits = spec.clusterBits ?? 16;
  const size = 2 ** bits;
  const random = new Random(seed);
  const makers: ((i: number) => Cluster | undefined)[] = [
    () => undefined,
    (i) => data(noise(i, size)),
    (i) => data(noise(i, Math.floor(size / 3))),
  ];
  if (spec.version !== 2) {
    makers.push(zero, () => zeroAllocated(), (i) => zeroAllocated(noise(i, size)));
  }
  if (!spec.dataFile) {
    makers.push(
      (i) => compressed(prose(i, size)),
      (i) => compressed(noise(i, size)),
      () => compressed(new Uint8Array()),
    );
  }
  if (spec.extendedL2) {
    makers.push((i) => {
      const states = Array.from({ length: 32 }, () => random.pick(['d', 'z', '.'])).join('');
      return { ...subclusters(states, noise(i, size), random.below(2) === 1), hole: random.below(2) === 1 };
    });
  }
  const clusters = new Map<number, Cluster>();
  for (let i = 0; i < count; i++) {
    const cluster = random.pick(makers)(i);
    if (cluster) {
      clusters.set(i, cluster);
    }
  }
  return clusters;
}

function padTo(length: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(length);
  out.set(bytes);
  return out;
}

/** What `qemu-img map` must say of a cell of an image that has no backing file. */
function expectedEntry(cell: Cell): Partial<MapEntry> {
  const stored = cell.kind === 'data' || cell.kind === 'compressed';
  return {
    depth: 0,
    present: cell.kind !== 'absent',
    zero: !stored,
    data: stored,
    compressed: cell.kind === 'compressed',
    ...(cell.kind !== 'compressed' && cell.hostOffset !== undefined && { offset: cell.hostOffset }),
  };
}

function entryAt(map: readonly MapEntry[], cell: Cell): Partial<MapEntry> {
  const entry = map.find((e) => e.start <= cell.start && cell.start + cell.length <= e.start + e.length);
  assert.ok(entry, `no single map entry covers ${JSON.stringify(cell)}`);
  const { depth, present, zero: isZero, data: isData, offset } = entry;
  // Before QEMU 8.2 a map did not say what is compressed.
  const isCompressed = entry.compressed ?? cell.kind === 'compressed';
  const moved = offset === undefined ? {} : { offset: offset + cell.start - entry.start };
  return { depth, present, zero: isZero, data: isData, compressed: isCompressed, ...moved };
}

describe('the qcow2 fixture builder', function () {
  this.timeout(120_000);
  const version = qemuVersion();
  let folder = '';
  before(function () {
    if (!version) {
      assert.ok(!process.env['VMDISK_REQUIRE_QEMU'], 'qemu-img is required here and missing');
      this.skip();
    }
    folder = makeTempFolder('builder');
  });
  after(() => {
    if (folder) {
      removeFolder(folder);
    }
  });

  const write = (built: BuiltQcow2, name = 'image.qcow2'): string => {
    writeImage(join(folder, name), built.image);
    if (built.dataFile && built.spec.dataFile?.name) {
      writeImage(join(folder, built.spec.dataFile.name), built.dataFile);
    }
    return name;
  };

  const readBack = (name: string, ...args: string[]): Uint8Array => {
    qemuImg(folder, 'convert', '-O', 'raw', ...args, name, 'flat.raw');
    return readFileSync(join(folder, 'flat.raw'));
  };

  const assertSameBytes = (actual: Uint8Array, expected: Uint8Array): void => {
    assert.equal(actual.length, expected.length);
    const at = actual.findIndex((byte, i) => byte !== expected[i]);
    assert.equal(at, -1, `bytes differ from offset ${at} on`);
  };

  const verify = (spec: Qcow2Spec, below?: Uint8Array): BuiltQcow2 => {
    const built = buildQcow2(spec);
    const name = write(built);
    qemuImg(folder, 'check', '-f', 'qcow2', name);
    assertSameBytes(readBack(name), guestBytes(spec, below));
    if (spec.backing === undefined) {
      const map = qemuMap(folder, '-f', 'qcow2', name);
      for (const cell of cellsOf(built)) {
        assert.deepEqual(entryAt(map, cell), expectedEntry(cell), JSON.stringify(cell));
      }
    }
    return built;
  };

  for (const clusterBits of [9, 10, 12, 14, 16, 18, 21]) {
    const count = clusterBits > 16 ? 12 : 90;
    for (const qcowVersion of [2, 3] as const) {
      it(`v${qcowVersion}, clusters of ${2 ** clusterBits} bytes`, () => {
        const common = { version: qcowVersion, clusterBits, placement: 'scattered', seed: clusterBits } as const;
        // An odd end: the last cluster is cut to a multiple of 512 only.
        const size = count * 2 ** clusterBits - (clusterBits > 9 ? 512 : 0);
        verify({ ...common, size, clusters: mixedClusters(common, count, clusterBits) });
      });
    }
    if (clusterBits >= 14) {
      it(`extended L2 entries, clusters of ${2 ** clusterBits} bytes`, () => {
        const common = { clusterBits, extendedL2: true, packing: 'sector' } as const;
        const size = count * 2 ** clusterBits - 512;
        verify({ ...common, size, clusters: mixedClusters(common, count, clusterBits + 1) });
      });
    }
  }

  for (const refcountOrder of [0, 1, 2, 3, 4, 5, 6]) {
    it(`refcounts of ${2 ** refcountOrder} bits`, () => {
      const common = { clusterBits: 9, refcountOrder } as const;
      verify({ ...common, size: 300 * 512, clusters: mixedClusters(common, 300, refcountOrder) });
    });
  }

  it('refcount blocks and a refcount table of several clusters', () => {
    const clusters = new Map(Array.from({ length: 5000 }, (_, i) => i).map((i) => [i, data(noise(i, 512))]));
    const built = verify({ clusterBits: 9, refcountOrder: 6, size: 5000 * 512, clusters });
    assert.ok(built.layout.refcountTable.clusters > 1);
  });

  for (const packing of ['tight', 'sector', 'cluster'] as const) {
    it(`zstd frames of raw and RLE blocks, packed by ${packing}`, () => {
      const common = { compression: 'zstd', clusterBits: 18, packing } as const;
      verify({ ...common, size: 20 * 256 * KIB, clusters: mixedClusters(common, 20, 7) });
    });
  }

  it('compressed clusters that share a sector, in tables shared with a snapshot', () => {
    const clusters = new Map<number, Cluster>([0, 1, 2, 3].map((i) => [i, compressed(prose(i, 64 * KIB))]));
    const built = verify({ size: MIB, clusters, snapshots: [{ id: '1', name: 'one', clusters }] });
    const places = [...built.layout.places.values()];
    assert.equal(new Set(places.map((p) => Math.floor(p.offset / 512))).size < places.length, true);
    assert.equal(built.layout.refcount(places[0]?.offset ?? 0), 8);
  });

  it('fixed Huffman deflate that zlib and qemu-img read', () => {
    const samples = [0, 1, 2, 3, 300, 70_000].flatMap((n) => [noise(n, n), prose(n, n), new Uint8Array(n)]);
    for (const sample of samples) {
      assertSameBytes(inflateRawSync(deflateFixed(sample), { windowBits: 12 }), sample);
    }
    const common = { compress: deflateFixed } as const;
    verify({ ...common, size: 60 * 64 * KIB, clusters: mixedClusters(common, 60, 11) });
  });

  for (const raw of [false, true]) {
    it(`an external data file${raw ? ', raw' : ''}`, () => {
      const common = { dataFile: { name: 'disk.data', raw } } as const;
      const clusters = new Map<number, Cluster>([
        [0, data(noise(1, 64 * KIB))],
        [3, data(noise(2, 64 * KIB))],
        ...(raw ? [] : ([[4, zero()], [5, zeroAllocated(noise(3, 64 * KIB))]] as const)),
        [7, data(noise(4, 64 * KIB))],
      ]);
      const built = verify({ ...common, size: 8 * 64 * KIB - 512, clusters });
      if (raw) {
        assertSameBytes(readFileSync(join(folder, 'disk.data')), guestBytes(built.spec));
      }
    });
  }

  it('a backing file of another size, with its format and a long header', () => {
    const below = noise(99, 3 * MIB);
    writeImage(join(folder, 'base.raw'), new SparseImage(below.length, [{ offset: 0, bytes: below }]));
    const common = {
      backing: 'base.raw', backingFormat: 'raw', headerLength: 1024, headerTail: Uint8Array.of(9, 8, 7),
      featureNames: true, compatible: 1n, extensions: [{ type: 0x12345678, data: prose(1, 13) }],
    } as const;
    verify({ ...common, size: 4 * MIB, clusters: mixedClusters(common, 64, 5) }, below);
    const info = qemuInfo(folder, 'image.qcow2');
    assert.equal(info['backing-filename'], 'base.raw');
    assert.equal(info['backing-filename-format'], 'raw');
  });

  it('internal snapshots with disks, dates, clocks and VM states of their own', () => {
    const first = mixedClusters({ clusterBits: 12 }, 40, 21);
    const second = new Map<number, Cluster>([...first, [3, data(noise(500, 4 * KIB))], [39, zero()]]);
    const active = new Map<number, Cluster>([
      ...second, [0, compressed(prose(501, 4 * KIB))], [63, data(noise(502, 4 * KIB))],
    ]);
    // Large enough for two L2 tables, of which the second is the same everywhere.
    const far: readonly [number, Cluster] = [512 + 5, data(noise(503, 4 * KIB))];
    const vmState = noise(504, 200_000);
    const spec: Qcow2Spec = {
      size: 4 * MIB,
      clusterBits: 12,
      clusters: new Map([...active, far]),
      snapshots: [
        { id: '1', name: 'first', clusters: first, diskSize: 40 * 4 * KIB, date: 1_000_000_000, copiedSet: true },
        {
          id: '2', name: 'größer', clusters: new Map([...second, far]), date: 1_700_000_000, dateNanoseconds: 5,
          vmClock: 3_600_000_000_001n, vmState, icount: 12_345n,
        },
      ],
    };
    const built = buildQcow2(spec);
    assert.equal(built.layout.l2Table(1), built.layout.l2Table(1, 1));
    const name = write(built);
    qemuImg(folder, 'check', name);
    // QEMU gives every snapshot the active disk's length and zeros behind its own.
    assertSameBytes(readBack(name, '-l', 'snapshot.id=1'), padTo(4 * MIB, guestBytes(spec, undefined, 0)));
    assertSameBytes(readBack(name, '-l', 'größer'), guestBytes(spec, undefined, 1));
    const [one, two] = qemuInfo(folder, name)['snapshots'] as (Record<string, unknown> | undefined)[];
    assert.deepEqual([one?.['name'], one?.['date-sec'], one?.['vm-state-size']], ['first', 1_000_000_000, 0]);
    assert.deepEqual(
      [two?.['id'], two?.['name'], two?.['date-nsec'], two?.['vm-clock-sec'], two?.['vm-clock-nsec'], two?.['icount']],
      ['2', 'größer', 5, 3600, 1, 12_345],
    );
    assert.equal(two?.['vm-state-size'], vmState.length);
    // QEMU reads the VM state of the active table only: apply the snapshot and let it look.
    qemuImg(folder, 'snapshot', '-a', 'größer', name);
    qemuImg(folder, 'check', name);
    const stateFill = buildQcow2({
      ...spec,
      snapshots: [{ id: '1', name: 'fill', clusters: first, vmState: new Uint8Array(200_192).fill(0xab) }],
    });
    write(stateFill);
    qemuImg(folder, 'snapshot', '-a', 'fill', name);
    qemuIo(folder, [name], ['read -b -P 0xab 0 200192']);
  });

  it('snapshot tables that nobody shares', () => {
    const clusters = mixedClusters({}, 20, 31);
    const snapshots = [{ id: '1', name: 'same', clusters }, { id: '2', name: 'again', clusters }];
    const built = verify({ size: 2 * MIB, clusters, snapshots, unsharedTables: true, emptyTables: [0] });
    assert.notEqual(built.layout.l2Table(0, 0), built.layout.l2Table(0, 1));
  });

  it('bitmaps: partly set, all set, empty, in use', () => {
    const spec: Qcow2Spec = {
      size: 4 * MIB,
      clusterBits: 9,
      bitmaps: [
        { name: 'partly', granularityBits: 9, dirty: [[512, 512], [3 * MIB, MIB]], auto: true },
        { name: 'all', granularityBits: 9, dirty: [[0, 4 * MIB]] },
        { name: 'none', granularityBits: 20, dirty: [] },
        { name: 'broken', granularityBits: 16, dirty: [[0, 1]], inUse: true },
      ],
    };
    const built = verify(spec);
    const specific = qemuInfo(folder, 'image.qcow2')['format-specific'] as { data: { bitmaps: unknown } };
    assert.deepEqual(specific.data.bitmaps, [
      { name: 'partly', granularity: 512, flags: ['auto'] },
      { name: 'all', granularity: 512, flags: [] },
      { name: 'none', granularity: 1 << 20, flags: [] },
      { name: 'broken', granularity: 65536, flags: ['in-use'] },
    ]);
    const [partly, all] = built.layout.bitmaps;
    assert.equal(built.image.peekU64(all?.table ?? 0), 1n);
    const [first, second] = [0, 8].map((at) => Number(built.image.peekU64((partly?.table ?? 0) + at)));
    assert.deepEqual([...built.image.peek(first ?? 0, 3)], [2, 0, 0]);
    assert.deepEqual([...built.image.peek((second ?? 0) + 255, 3)], [0, 0xff, 0xff]);
  });

  it('host offsets beyond 4 GiB, in a file that stays small', () => {
    const clusters = new Map<number, Cluster>([[0, data(noise(1, 64 * KIB))], [1, compressed(prose(2, 64 * KIB))]]);
    const built = verify({ size: MIB, clusters, dataStart: 5 * GIB });
    assert.ok((cellsOf(built)[0]?.hostOffset ?? 0) > 5 * GIB);
    const { blocks } = statSync(join(folder, 'image.qcow2'));
    assert.ok(blocks * 512 < 16 * MIB, 'the hole was written out');
  });

  it('an unknown feature is refused by its name in the table', () => {
    const spec: Qcow2Spec = {
      size: MIB,
      incompatible: 1n << 40n,
      featureNames: [{ kind: 'incompatible', bit: 40, name: 'warp drive' }],
    };
    const name = write(buildQcow2(spec));
    const refused = (e: unknown): boolean => e instanceof QemuError && e.message.includes('warp drive');
    assert.throws(() => qemuImg(folder, 'info', name), refused);
  });

  it('a poke breaks what it means to break', () => {
    const clusters = new Map([[0, data(noise(1, 64 * KIB))]]);
    const built = buildQcow2({ size: MIB, clusters });
    const entry = built.layout.l2Entry(0) ?? 0;
    built.image.pokeU64(entry, built.image.peekU64(entry) + 512n);
    const result = spawnSync('qemu-img', ['check', write(built)], { cwd: folder, encoding: 'utf8' });
    assert.equal(result.status, 2, result.stdout);
    assert.equal(built.layout.extensions.get(EXTENSION.end), built.layout.headerLength);
  });

  it('asks for nothing that the format does not have', () => {
    const size = MIB;
    const zeroes = new Map([[0, zero()]]);
    const packed = new Map([[0, compressed(new Uint8Array())]]);
    const shared = data(new Uint8Array(1));
    const refused: Qcow2Spec[] = [
      { size, clusterBits: 8 },
      { size, refcountOrder: 7 },
      { size, version: 2, clusters: zeroes },
      { size, version: 2, refcountOrder: 3 },
      { size, clusterBits: 12, extendedL2: true },
      { size, dataFile: { name: 'x' }, clusters: packed },
      { size, dataFile: { raw: true }, backing: 'x' },
      { size, refcountOrder: 0, clusters: new Map([[0, shared], [1, shared]]) },
      { size, clusterBits: 9, backing: 'x'.repeat(500) },
      { size, clusters: new Map([[8192, shared]]) },
    ];
    for (const spec of refused) {
      assert.throws(() => buildQcow2(spec), RangeError, JSON.stringify(spec, (_, v: unknown) => String(v)));
    }
  });

  it('a chain mapped to its depths', function () {
    if (version && !isAtLeast(version, 6, 1)) {
      this.skip();
    }
    const clusters = new Map<number, Cluster>([[0, data(noise(1, 64 * KIB))], [20, zero()]]);
    write(buildQcow2({ size: 2 * MIB, clusters }), 'base.qcow2');
    const leaf = buildQcow2({
      size: 4 * MIB, backing: 'base.qcow2', backingFormat: 'qcow2', clusterBits: 12, clusters: new Map([[1, zero()]]),
    });
    const map = qemuMap(folder, write(leaf));
    assert.deepEqual(
      map.map((e) => [e.start, e.length, e.depth, e.present]),
      [
        [0, 4096, 1, true], [4096, 4096, 0, true], [8192, 56 * KIB, 1, true],
        [64 * KIB, 20 * 64 * KIB - 64 * KIB, 1, false], [20 * 64 * KIB, 64 * KIB, 1, true],
        [21 * 64 * KIB, 2 * MIB - 21 * 64 * KIB, 1, false], [2 * MIB, 2 * MIB, 0, false],
      ],
    );
  });
});

describe('a sparse image', () => {
  it('is poked, peeked and cut like the file it stands for', () => {
    const reference = new Uint8Array(5000);
    const image = new SparseImage(5000, [{ offset: 100, bytes: noise(1, 50) }, { offset: 200, bytes: noise(2, 50) }]);
    reference.set(noise(1, 50), 100);
    reference.set(noise(2, 50), 200);
    const random = new Random(3);
    for (let i = 0; i < 200; i++) {
      const bytes = noise(i, 1 + random.below(300));
      const offset = random.below(5000 - bytes.length);
      image.poke(offset, bytes);
      reference.set(bytes, offset);
      const from = random.below(5000);
      assert.deepEqual(image.peek(from, 400), reference.slice(from, from + 400));
    }
    image.truncate(3000);
    assert.deepEqual(image.toBytes(), reference.slice(0, 3000));
    image.truncate(3100);
    assert.deepEqual(image.peek(2900, 500), Uint8Array.from([...reference.slice(2900, 3000), ...new Uint8Array(100)]));
  });

  it('refuses chunks that overlap or pass its end', () => {
    const bytes = new Uint8Array(10);
    assert.throws(() => new SparseImage(100, [{ offset: 0, bytes }, { offset: 9, bytes }]), RangeError);
    assert.throws(() => new SparseImage(5, [{ offset: 0, bytes }]), RangeError);
  });
});
