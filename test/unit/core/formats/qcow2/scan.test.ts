import assert from 'node:assert/strict';
import type { Finding, LayerScan, OwnershipMap } from '../../../../../src/core';
import { Kind } from '../../../../../src/core';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import { L1Table } from '../../../../../src/core/formats/qcow2/l1';
import { Geometry } from '../../../../../src/core/formats/qcow2/mapping';
import { findingsOf } from '../../../../../src/core/formats/qcow2/oddities';
import { TableScan } from '../../../../../src/core/formats/qcow2/scan';
import { Kernel } from '../../../../../src/core/kernel/kernel';
import { WINDOW_BYTES } from '../../../../../src/core/scan/chainScans';
import { MapOfParts } from '../../../../../src/core/scan/mapOfParts';
import { Resolver } from '../../../../../src/core/scan/resolver';
import { formatOffset } from '../../../../../src/core/units';
import type { BuiltQcow2, Cell, Cluster, Qcow2Spec } from '../../../../fixtures/build/index';
import {
  buildQcow2,
  cellsOf,
  compressed,
  data,
  noise,
  prose,
  Random,
  subclusters,
  zero,
  zeroAllocated,
} from '../../../../fixtures/build/index';
import { MemoryDisk, memorySource } from '../../../../support/memory';
import { joined, letterOf, told } from '../../../../support/runs';

interface Scanned {
  readonly runs: OwnershipMap;
  readonly findings: readonly Finding[];
  readonly reads: { readonly position: number; readonly length: number }[];
  /** Messages of tables that could not be read. */
  readonly failures: readonly string[];
  /** In how many parts the disk was told. */
  readonly parts: number;
}

interface Options {
  readonly host?: boolean;
  /** Of the L1 table, other than the header says. */
  readonly entries?: number;
  readonly windowBytes?: number;
  /** Bytes of the disk that are asked for one after the other. */
  readonly step?: number;
  /** In which order such pieces are, by their indexes. */
  readonly order?: readonly number[];
  readonly failsFrom?: number;
  /** Other than the header says, as a snapshot's may be. */
  readonly guestSize?: number;
}

interface Asked {
  readonly guestSize: number;
  readonly step: number;
  readonly order?: readonly number[] | undefined;
}

function* parts(kernel: Kernel, scan: LayerScan, { guestSize, step, order }: Asked, failures: string[]) {
  const layers = [{ depth: 0, guestSize, scan }];
  const resolver = new Resolver(kernel, layers, 'base', { hosts: true, holdings: false }, (_, { message }) => {
    failures.push(message);
  });
  const maps = new MapOfParts(kernel);
  const steps = order ?? Array.from({ length: step === Infinity ? 1 : Math.ceil(guestSize / step) }, (_, i) => i);
  for (const from of steps.map((index) => (index === 0 ? 0 : index * step))) {
    for (const part of resolver.parts(from, Math.min(from + step, guestSize))) yield maps.of(part);
  }
}

function scan(
  built: BuiltQcow2,
  { host = true, entries, windowBytes = WINDOW_BYTES, step = Infinity, order, failsFrom, guestSize }: Options = {},
): Scanned {
  const disk = new MemoryDisk().put('/image', {
    bytes: built.image,
    ...(failsFrom === undefined ? {} : { failsFrom }),
  });
  const { source } = disk.leaf('/image');
  const header = readHeader(source);
  const geometry = new Geometry(header);
  disk.reads.length = 0;
  const place = { offset: header.l1Offset, entries: entries ?? header.l1Entries };
  const kernel = Kernel.take();
  const failures: string[] = [];
  const size = guestSize ?? header.guestSize;
  const tables = new TableScan({ source, dataEnd: source.size }, geometry, place, size, kernel, { windowBytes });
  const maps = [...parts(kernel, tables, { guestSize: size, step, order }, failures)];
  kernel.release();
  return {
    runs: joined(
      maps.sort((a, b) => (a.start[0] ?? 0) - (b.start[0] ?? 0)),
      host,
    ),
    findings: findingsOf(tables.oddities, (count) => geometry.mapped(count, size)),
    reads: disk.reads,
    failures,
    parts: maps.length,
  };
}

const LETTER: Readonly<Record<Cell['kind'], string>> = {
  absent: '.',
  data: 'd',
  zero: 'z',
  'zero-allocated': 'a',
  compressed: 'c',
};

/** The runs that the builder's own account of an image comes to. */
function expectedRuns(built: BuiltQcow2): (readonly [number, number, string, number])[] {
  const runs: [number, number, string, number][] = [];
  for (const { start, length, kind, hostOffset } of cellsOf(built)) {
    const letter = LETTER[kind];
    const host = hostOffset ?? -1;
    const last = runs.at(-1);
    const contiguous = last && (host < 0 ? last[3] < 0 : last[3] >= 0 && last[3] + (start - last[0]) === host);
    if (last?.[2] === letter && contiguous) last[1] = start + length;
    else runs.push([start, start + length, letter, host]);
  }
  return runs;
}

/** Clusters of every kind that the spec has, here and there. */
function mixed(count: number, clusterBits: number, seed: number, extended = false): Map<number, Cluster> {
  const random = new Random(seed);
  const size = 2 ** clusterBits;
  const shared = data(noise(seed, 100));
  const makers: ((i: number) => Cluster | undefined)[] = [
    () => undefined,
    () => undefined,
    (i) => data(noise(i, 64)),
    (i) => data(noise(i, 64)),
    zero,
    () => zeroAllocated(),
    (i) => compressed(prose(i, size)),
    () => shared,
    ...(extended
      ? [
          () =>
            subclusters(
              Array.from({ length: 32 }, () => random.pick(['d', 'z', '.'])).join(''),
              undefined,
              random.below(2) === 1,
            ),
        ]
      : []),
  ];
  const clusters = new Map<number, Cluster>();
  for (let i = 0; i < count; i += 1) {
    const cluster = random.pick(makers)(i);
    if (cluster) clusters.set(i, cluster);
  }
  return clusters;
}

describe('scanning the tables of a qcow2 image', () => {
  const specs: Readonly<Record<string, Qcow2Spec>> = {
    'clusters of 512 bytes, in many tables': {
      size: 512 * 3000 - 200 * 512,
      clusterBits: 9,
      clusters: mixed(2800, 9, 1),
      placement: 'scattered',
    },
    'clusters of 64 KiB': { size: 65536 * 40 - 1024, clusterBits: 16, clusters: mixed(40, 16, 2) },
    'clusters of 64 KiB from the last to the first': {
      size: 65536 * 40,
      clusterBits: 16,
      clusters: mixed(40, 16, 3),
      placement: 'descending',
    },
    'tables here and there': {
      size: 2 ** 30,
      clusterBits: 12,
      clusters: new Map([
        [0, zero()],
        [511, zero()],
        [512, zero()],
        [262143, zero()],
      ]),
    },
    'subclusters of 512 bytes': {
      size: 16384 * 30 + 512 * 5,
      clusterBits: 14,
      extendedL2: true,
      clusters: mixed(31, 14, 4, true),
    },
    'subclusters of clusters that have no place': {
      size: 16384 * 4,
      clusterBits: 14,
      extendedL2: true,
      clusters: new Map<number, Cluster>([
        [0, subclusters('z'.repeat(8) + '.'.repeat(24))],
        [1, subclusters('.'.repeat(32), undefined, true)],
        [3, subclusters('.z'.repeat(16))],
      ]),
    },
    'places past 4 GiB': { size: 65536 * 9, clusters: mixed(9, 16, 5), dataStart: 5 * 2 ** 30 },
    'empty tables': { size: 512 * 64 * 4, clusterBits: 9, emptyTables: [1, 3] },
    'a disk of no bytes': { size: 0 },
  };
  for (const [name, spec] of Object.entries(specs)) {
    it(`of ${name} gives what was built`, () => {
      const built = buildQcow2(spec);
      const { runs, findings } = scan(built);
      assert.deepEqual(findings, []);
      assert.deepEqual(told(runs), expectedRuns(built));
      assert.equal(runs.start[runs.count], spec.size);
    });

    it(`of ${name} gives the same when asked for piece by piece, with hardly any memory`, () => {
      const built = buildQcow2(spec);
      for (const step of [spec.size / 7 + 512 - ((spec.size / 7) % 512), 2 ** 20]) {
        const { runs, findings } = scan(built, { windowBytes: 1, step });
        assert.deepEqual(told(runs), expectedRuns(built));
        assert.deepEqual(findings, []);
      }
    });
  }

  it('joins runs of one kind where places are not kept', () => {
    const built = buildQcow2({
      size: 512 * 4,
      clusterBits: 9,
      clusters: new Map([
        [0, data(noise(1, 1))],
        [1, data(noise(2, 1))],
        [2, zero()],
      ]),
      placement: 'descending',
    });
    assert.deepEqual(told(scan(built, { host: false }).runs), [
      [0, 1024, 'd'],
      [1024, 1536, 'z'],
      [1536, 2048, '.'],
    ]);
  });

  it('reads tables that lie together in one go', () => {
    // 2,000 tables of 512 bytes, one behind the other but for their data clusters.
    const clusters = new Map(Array.from({ length: 2000 }, (_, i) => [i * 64, zero()] as const));
    const { reads, runs } = scan(buildQcow2({ size: 512 * 64 * 2000, clusterBits: 9, clusters }));
    assert.equal(runs.count, 4000);
    assert.deepEqual(
      reads.map(({ length }) => length),
      [16_000, 2000 * 512],
      'the L1 table, all L2 tables',
    );
  });

  it('reads tables with little between them in one go, and leaves out what is far away', () => {
    const near = new Map(Array.from({ length: 50 }, (_, i) => [i * 64, data(noise(i, 512))] as const));
    const together = scan(buildQcow2({ size: 512 * 64 * 50, clusterBits: 9, clusters: near }));
    assert.equal(together.reads.length, 2);
    const far = new Map(
      Array.from({ length: 5 }, (_, i) => [i * 8192, data(noise(i, 1))] as const).flatMap(([at, cluster]) => {
        return [
          [at, cluster],
          [at + 1, data(noise(at, 1))],
          [at + 2, data(noise(at, 1))],
        ] as const;
      }),
    );
    const { reads } = scan(buildQcow2({ size: 65536 * 8192 * 5, clusters: far }));
    assert.deepEqual(
      reads.map(({ length }) => length),
      [40, ...new Array<number>(5).fill(65536)],
    );
  });

  it('knows tables to lie together in a range, also after one in which they do not', () => {
    const strewn = Array.from({ length: 4 }, (_, i) => (8 + i) * 8192).flatMap((at) =>
      [0, 1, 2].map((next) => [at + next, data(noise(at + next, 1))] as const),
    );
    const together = Array.from({ length: 8 }, (_, i) => [i * 8192, zero()] as const);
    const built = buildQcow2({ size: 65536 * 8192 * 12, clusters: new Map([...together, ...strewn]) });
    const range = 4 * 8192 * 65536;
    const { reads } = scan(built, { step: range, order: [2, 0, 1] });
    assert.deepEqual(
      reads.map(({ length }) => length),
      [96, ...new Array<number>(4).fill(65536), 4 * 65536, 4 * 65536],
    );
  });

  it('reads 4 MiB of tables at a time', () => {
    // 200 tables of 64 KiB one behind the other: 3 × 64 of them, and 8.
    const clusters = new Map(Array.from({ length: 200 }, (_, i) => [i * 8192, zero()] as const));
    const { reads, failures } = scan(buildQcow2({ size: 65536 * 8192 * 200, clusters }));
    assert.deepEqual(
      reads.map(({ length }) => length),
      [1600, 4 << 20, 4 << 20, 4 << 20, 8 * 65536],
    );
    assert.deepEqual(failures, []);
  });

  it('has 16 KiB of the L1 table in memory, which is gone through four times', () => {
    // 5,000 entries of 8 bytes are 2 × 16 KiB + 7,232 bytes; they are gone through for where tables are, for reading
    // them, for decoding them, and for what is odd. All 5,000 tables of 512 bytes are read in one go.
    const l1 = [16384, 16384, 7232];
    const clusters = new Map(Array.from({ length: 5000 }, (_, i) => [i * 64, zero()] as const));
    const { reads } = scan(buildQcow2({ size: 512 * 64 * 5000, clusterBits: 9, clusters }));
    assert.deepEqual(
      reads.map(({ length }) => length),
      [...l1, ...l1, 5000 * 512, ...l1, ...l1],
    );
  });

  it('tells a long gap as a whole, and a short one with the tables around it', () => {
    // 2^44 bytes are 2^28 clusters; in parts of 16,384 at most they would be 16,384 parts.
    const ends = new Map([
      [0, zero()],
      [2 ** 28 - 1, zero()],
    ]);
    assert.equal(scan(buildQcow2({ size: 2 ** 44, clusters: ends })).parts, 3);
    // 200 tables of 64 clusters are 12,800 clusters.
    const halves = new Map(Array.from({ length: 100 }, (_, i) => [i * 128 + 64, zero()] as const));
    const { parts, runs } = scan(buildQcow2({ size: 512 * 64 * 200, clusterBits: 9, clusters: halves }));
    assert.deepEqual([parts, runs.count], [2, 201], 'the first table is not there');
  });

  it('reads tables one by one where one of them can not be read, and knows what the others tell', () => {
    // Ten tables of 64 KiB one behind the other, of which the file gives eight. Parts are of two tables.
    const clusters = new Map(Array.from({ length: 10 }, (_, i) => [i * 8192, zero()] as const));
    const built = buildQcow2({ size: 65536 * 8192 * 10, clusters });
    const failsFrom = built.layout.l2Table(8);
    assert(failsFrom !== undefined);
    const { reads, runs, failures } = scan(built, { failsFrom });
    // Eight that are there, the ninth in a part of two and then alone, and the tenth.
    const single = new Array<number>(11).fill(65536);
    assert.deepEqual(
      reads.map(({ length }) => length),
      [80, 10 * 65536, ...single],
    );
    assert.deepEqual(failures, new Array<string>(3).fill('reading failed'));
    assert.equal(runs.count, 17);
    assert.deepEqual(told(runs).at(-1), [8 * 8192 * 65536, 10 * 8192 * 65536, 'u', -1]);
  });

  it('reads no more of the L1 table than the disk needs', () => {
    const built = buildQcow2({
      size: 512 * 64 * 3,
      clusterBits: 9,
      l1Entries: 60_000,
      clusters: new Map([[0, zero()]]),
    });
    assert.deepEqual(
      scan(built).reads.map(({ length }) => length),
      [24, 512],
    );
  });
});

describe('scanning tables that can not be true', () => {
  const CLUSTER = 4096;
  const SPAN = CLUSTER * 512;
  const COPIED = 1n << 63n;
  const full = (count: number): Map<number, Cluster> =>
    new Map(Array.from({ length: count }, (_, i) => [i, data(noise(i, 8))]));
  const build = (clusters: ReadonlyMap<number, Cluster>, size = 4 * SPAN): BuiltQcow2 =>
    buildQcow2({ size, clusterBits: 12, clusters });
  const codes = ({ findings }: Scanned): string[] => findings.map(({ code, severity }) => `${code} ${severity}`);
  const letters = ({ runs }: Scanned): string => Array.from(runs.kind, letterOf).join('');

  it('an L1 entry in the middle of a cluster: all that it maps is broken', () => {
    const built = build(
      new Map([
        [0, zero()],
        [512, zero()],
      ]),
    );
    built.image.pokeU64(built.layout.l1.offset + 8, COPIED | 0x10200n);
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs), [
      [0, CLUSTER, 'z', -1],
      [CLUSTER, SPAN, '.', -1],
      [SPAN, 2 * SPAN, 'i', -1],
      [2 * SPAN, 4 * SPAN, '.', -1],
    ]);
    assert.deepEqual(codes(scanned), ['l2-offset error']);
  });

  it('an L2 table past the end of the file reads as empty, as QEMU reads it', () => {
    const built = build(
      new Map([
        [0, zero()],
        [512, zero()],
      ]),
    );
    built.image.pokeU64(built.layout.l1.offset + 8, COPIED | (1n << 40n));
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs), [
      [0, CLUSTER, 'z', -1],
      [CLUSTER, 4 * SPAN, '.', -1],
    ]);
    assert.deepEqual(codes(scanned), ['l2-past-end error']);
    assert.equal(scanned.findings[0]?.lost, SPAN);
    assert.match(scanned.findings[0].message, /what was in the 2 MiB of the disk that is mapped there is unknown/);
  });

  it('an L2 table cut by the end of the file reads as far as it goes', () => {
    const built = build(
      new Map([
        [0, zero()],
        [1, zero()],
        [300, zero()],
      ]),
      SPAN,
    );
    built.image.truncate((built.layout.l2Table(0) ?? 0) + 16);
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs), [
      [0, 2 * CLUSTER, 'z', -1],
      [2 * CLUSTER, SPAN, '.', -1],
    ]);
    assert.deepEqual(codes(scanned), ['l2-past-end error']);
  });

  it('data past the end of the file is broken, and keeps its place', () => {
    const built = build(full(3), SPAN);
    const place = built.layout.l2Entry(1) ?? 0;
    built.image.pokeU64(place, COPIED | (1n << 40n));
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs)[1], [CLUSTER, 2 * CLUSTER, 'i', 2 ** 40]);
    assert.deepEqual(codes(scanned), ['data-past-end error']);
  });

  it('compressed data past the end of the file stays compressed, and is told', () => {
    const built = build(new Map([[0, compressed(prose(1, CLUSTER))]]), SPAN);
    assert.deepEqual(codes(scan(built)), []);
    // The descriptor of an L2 entry: bit 62, then for clusters of 4 KiB 58 bits of offset.
    built.image.pokeU64(built.layout.l2Entry(0) ?? 0, (1n << 62n) | (1n << 40n));
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs)[0], [0, CLUSTER, 'c', 2 ** 40]);
    assert.deepEqual(codes(scanned), ['data-past-end error']);
  });

  it('compressed data that the file ends inside is told; a last sector that is not whole is not', () => {
    const built = build(new Map([[0, compressed(noise(1, 1000))]]), SPAN);
    const place = built.image.size;
    const at = (sectors: bigint): BuiltQcow2 => {
      built.image.pokeU64(built.layout.l2Entry(0) ?? 0, (1n << 62n) | (sectors << 58n) | BigInt(place - 600));
      return built;
    };
    assert.deepEqual(codes(scan(at(1n))), []);
    assert.deepEqual(codes(scan(at(3n))), ['data-past-end error']);
  });

  it('an offset that a number can not hold exactly is no offset', () => {
    const built = build(full(2), SPAN);
    built.image.pokeU64(built.layout.l2Entry(1) ?? 0, COPIED | (1n << 53n));
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs)[1], [CLUSTER, 2 * CLUSTER, 'i', -1]);
    assert.deepEqual(codes(scanned), ['entry error']);
  });

  it('a million bad entries are one finding with a count', () => {
    const built = build(full(512), SPAN);
    for (let i = 5; i < 512; i += 1) built.image.pokeU64(built.layout.l2Entry(i) ?? 0, 0x200n);
    const scanned = scan(built);
    assert.equal(letters(scanned), 'di.'.slice(0, 2));
    assert.deepEqual(codes(scanned), ['entry error']);
    assert.match(scanned.findings[0]?.message ?? '', /^507 table entries.*guest byte 0x5000/);
  });

  it('an L1 table that is too short leaves the rest absent, and says so', () => {
    const built = build(new Map([[0, zero()]]));
    const scanned = scan(built, { entries: 1 });
    assert.deepEqual(told(scanned.runs), [
      [0, CLUSTER, 'z', -1],
      [CLUSTER, 4 * SPAN, '.', -1],
    ]);
    assert.deepEqual(codes(scanned), ['l1-too-small error']);
    assert.match(scanned.findings[0]?.message ?? '', new RegExp(`guest byte ${formatOffset(SPAN)}`));
  });

  it('an L1 table that is too short and ends in a broken entry: only what that maps is broken', () => {
    const built = build(new Map([[0, zero()]]));
    built.image.pokeU64(built.layout.l1.offset, 0x1200n);
    assert.deepEqual(told(scan(built, { entries: 1 }).runs), [
      [0, SPAN, 'i', -1],
      [SPAN, 4 * SPAN, '.', -1],
    ]);
  });

  it('an L1 table that is too short for a huge disk costs nothing past its end', () => {
    const built = buildQcow2({ size: 512 * 64, clusterBits: 9, clusters: new Map([[0, zero()]]) });
    const { runs, parts, reads } = scan(built, { guestSize: 2 ** 50 });
    assert.deepEqual(told(runs), [
      [0, 512, 'z', -1],
      [512, 2 ** 50, '.', -1],
    ]);
    assert.deepEqual([parts, reads.map(({ length }) => length)], [2, [8, 512]]);
  });

  it('tables used over and over are read no more often than the file could hold them', () => {
    // 2^22 L1 entries, all of one table: read for each of them they would be 16 GiB.
    const entries = (32 * 2 ** 20) / 8;
    const built = buildQcow2({ size: SPAN, clusterBits: 12, clusters: full(4) });
    const table = (built.layout.l2Table(0) ?? 0) | 0;
    const l1 = new DataView(new ArrayBuffer(entries * 8));
    for (let i = 0; i < entries; i += 1) l1.setUint32(i * 8 + 4, table);
    const at = 1 << 20;
    built.image
      .poke(at, new Uint8Array(l1.buffer))
      .pokeU64(40, BigInt(at))
      .pokeU32(36, entries)
      .pokeU64(24, BigInt(entries) * BigInt(SPAN));
    const scanned = scan(built);
    const bytes = scanned.reads.reduce((sum, { length }) => sum + length, 0);
    assert(
      bytes <= 32 * 2 ** 20 + built.image.size + CLUSTER,
      `${bytes} bytes were read of a file of ${built.image.size}`,
    );
    assert.deepEqual(codes(scanned), ['tables-exceed-file error']);
    assert.equal(scanned.runs.kind.at(-1), Kind.Unknown);
    assert.equal(scanned.runs.start[scanned.runs.count], entries * SPAN);
  });

  it("an L1 table past QEMU's limit is refused before anything is allocated", () => {
    const built = build(new Map());
    assert.throws(() => scan(built, { entries: 4 * 2 ** 20 + 1 }), { code: 'limit' });
    assert.doesNotThrow(() => scan(built, { entries: 4 * 2 ** 20 }));
  });

  it('an L1 table of a snapshot in the middle of a cluster is refused', () => {
    const { image } = build(new Map());
    const { source } = new MemoryDisk().put('/image', image).leaf('/image');
    const geometry = new Geometry(readHeader(source));
    assert.throws(() => new L1Table(source, geometry, { offset: 0x1200, entries: 1 }, SPAN), {
      code: 'corrupt',
      offset: 0x1200,
    });
  });

  it('an L1 table past the end of the file reads as empty, and says so', () => {
    const built = build(new Map([[0, zero()]]));
    const { offset } = built.layout.l1;
    const lost = (place: number, size: number): unknown[] => {
      const source = { ...memorySource(built.image), size };
      const geometry = new Geometry(readHeader(memorySource(built.image)));
      const { findings } = new L1Table(source, geometry, { offset: place, entries: 4 }, 4 * SPAN - 512);
      return findings.map((finding) => [finding.code, finding.lost]);
    };
    assert.deepEqual(lost(offset, offset + 32), []);
    assert.deepEqual(lost(offset, offset + 31), [['l1-past-end', SPAN]]);
    assert.deepEqual(lost(offset, offset), [['l1-past-end', 4 * SPAN - 512]]);
    built.image.pokeU64(40, 1n << 40n);
    const scanned = scan(built);
    assert.deepEqual(told(scanned.runs), [[0, 4 * SPAN, '.', -1]]);
    assert.deepEqual(lost(2 ** 40, built.image.size), [['l1-past-end', 4 * SPAN - 512]]);
  });
});
