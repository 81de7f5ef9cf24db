import assert from 'node:assert/strict';
import type { ByteSource, CheckReport, Job } from '../../../../../../src/core';
import { finish } from '../../../../../../src/core';
import type { CheckRoom } from '../../../../../../src/core/formats/qcow2/check';
import { checkImage } from '../../../../../../src/core/formats/qcow2/check';
import { readHeader } from '../../../../../../src/core/formats/qcow2/header';
import { Geometry } from '../../../../../../src/core/formats/qcow2/mapping';
import { Use } from '../../../../../../src/core/model';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../../../../../fixtures/build/index';
import { buildQcow2, compressed, data, noise, SparseImage, zeroAllocated } from '../../../../../fixtures/build/index';
import { extentsOf, MemoryDisk, memorySource } from '../../../../../support/memory';

const CLUSTER = 512;
/** Guest clusters that one L2 table maps. */
const SPAN = 64;
const PAGE_CLUSTERS = 1024;
const COPIED = 1n << 63n;
/** Room for the counters of 64 pages, the least that there can be. */
const SMALL: CheckRoom = { counterBytes: 1, windows: 256, l2Tables: 2 ** 21 };

function check(image: SparseImage, room?: CheckRoom): CheckReport {
  return checkFile(memorySource(image), room);
}

const checkFile = (source: ByteSource, room?: CheckRoom): CheckReport => finish(jobOf(source, room));

function jobOf(source: ByteSource, room?: CheckRoom): Job<CheckReport> {
  const header = readHeader(source);
  return checkImage({ source, header }, new Geometry(header), room);
}

/** Clusters of noise at the first guest clusters. */
const filled = (count: number): Map<number, Cluster> =>
  new Map(Array.from({ length: count }, (_, index) => [index, data(noise(index + 1, CLUSTER))]));

const build = (spec: Partial<Qcow2Spec> = {}): BuiltQcow2 =>
  buildQcow2({ size: 2 * SPAN * CLUSTER, clusterBits: 9, clusters: filled(4), ...spec });

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** Says how often a cluster of the file is counted, in counts of 16 bits. */
function setCount({ image, layout }: BuiltQcow2, offset: number, count: number): void {
  const cluster = offset / CLUSTER;
  const block = layout.refcountBlocks.get(Math.floor(cluster / 256)) ?? assert.fail();
  image.poke(block + (cluster % 256) * 2, [count >>> 8, count & 0xff]);
}

const placeOf = ({ layout, spec }: BuiltQcow2, guest: number): number =>
  layout.places.get(spec.clusters?.get(guest) ?? assert.fail())?.offset ?? assert.fail();

/** The numbers in which the faults of an image are told. */
const faults = ({ counts: { checkErrors, corruptions, leaks, further } }: CheckReport): Record<string, number> => ({
  checkErrors,
  corruptions,
  leaks,
  further,
});
const NO_FAULTS = { checkErrors: 0, corruptions: 0, leaks: 0, further: 0 };

/** Code → how many of it were told. */
function told({ problems }: CheckReport): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { code, times } of problems) sums[code] = (sums[code] ?? 0) + times;
  return sums;
}

function useAt({ file }: CheckReport, offset: number): Use | undefined {
  const next = file.start.findIndex((start) => start > offset);
  return next < 1 ? undefined : (file.use[next - 1] as Use);
}

const endOf = ({ file }: CheckReport): number | undefined => file.start[file.count];

describe('checking an image', () => {
  it('of which all is right finds nothing, and knows what lies where', () => {
    const built = build({
      clusters: new Map([...filled(4), [9, zeroAllocated()], [70, compressed(noise(5, CLUSTER).fill(7, 40))]]),
    });
    const { image, layout } = built;
    const report = check(image);
    assert.deepEqual(faults(report), NO_FAULTS);
    assert.deepEqual(report.problems, []);
    const { imageEnd, totalClusters, allocatedClusters, compressedClusters } = report.counts;
    assert.deepEqual([imageEnd, totalClusters], [image.size, 2 * SPAN]);
    assert.deepEqual([allocatedClusters, compressedClusters], [6, 1]);
    const expected: readonly (readonly [number | undefined, Use])[] = [
      [0, Use.Header],
      [layout.l1.offset, Use.L1],
      [layout.l2Table(0), Use.L2],
      [layout.l2Table(1), Use.L2],
      [layout.refcountTable.offset, Use.Refcounts],
      [layout.refcountBlocks.get(0), Use.Refcounts],
      [placeOf(built, 3), Use.Data],
      [placeOf(built, 9), Use.Preallocated],
      [placeOf(built, 70), Use.Compressed],
    ];
    for (const [offset = -1, use] of expected) assert.equal(useAt(report, offset), use, `at ${offset}`);
    assert.equal(endOf(report), image.size);
  });

  it('tells clusters that are counted too often as leaks, neighbours in one', () => {
    const built = build();
    const free = new SparseImage(built.image.size + 3 * CLUSTER, built.image.chunks());
    const longer = { ...built, image: free };
    for (const more of [0, 1]) setCount(longer, built.image.size + more * CLUSTER, 1);
    setCount(longer, placeOf(built, 2), 3);
    const report = check(free);
    // A cluster that is counted three times must not be flagged as copied.
    assert.deepEqual(faults(report), { ...NO_FAULTS, leaks: 3, corruptions: 1 });
    assert.deepEqual(told(report), { leaked: 2, overcounted: 1, 'copied-flag': 1 });
    const leak = report.problems.find(({ code }) => code === 'leaked');
    assert.deepEqual(leak?.host, { start: built.image.size, end: built.image.size + 2 * CLUSTER });
    assert.equal(useAt(report, built.image.size), Use.Leaked);
    assert.equal(useAt(report, placeOf(built, 2)), Use.Data);
    assert.equal(useAt(report, free.size - 1), Use.Free);
    assert.equal(report.counts.imageEnd, built.image.size + 2 * CLUSTER);
  });

  it('tells whose data is counted as free', () => {
    const built = build();
    const place = placeOf(built, 2);
    setCount(built, place, 0);
    const report = check(built.image);
    assert.deepEqual(faults(report), { ...NO_FAULTS, corruptions: 2 });
    const problem = report.problems.find(({ code }) => code === 'uncounted') ?? assert.fail();
    assert.deepEqual(problem.host, { start: place, end: place + CLUSTER });
    assert.deepEqual(problem.guest, [{ view: '', start: 2 * CLUSTER, end: 3 * CLUSTER }]);
    assert.deepEqual(problem.claims, ['L2 entry 2 of the table at L1 index 0, the current state']);
    assert.equal(useAt(report, place), Use.Uncounted);
  });

  it('lists the first places of the disk that a problem touches, and counts them all', () => {
    const built = build();
    const { image, layout } = built;
    // Every other cluster of the first table is said to lie where the first one does.
    const place = placeOf(built, 0);
    for (let guest = 4; guest < SPAN; guest += 2)
      image.poke(layout.l2Entry(guest) ?? assert.fail(), u64(BigInt(place)));
    const problem = check(image).problems.find(({ code }) => code === 'uncounted') ?? assert.fail();
    assert.equal(problem.guest.length, 16);
    assert.equal(problem.claims.length, 16);
    assert.deepEqual(problem.guest[1], { view: '', start: 4 * CLUSTER, end: 5 * CLUSTER });
    assert.equal(problem.guestPlaces, 1 + (SPAN - 4) / 2);
  });

  it('counts a cluster that two entries claim, by all widths of counts, and tells one that goes past a count', () => {
    for (let refcountOrder = 0; refcountOrder <= 6; refcountOrder += 1) {
      const built = build({ refcountOrder });
      const { image, layout } = built;
      // What guest cluster 1 had leaks; both claim what guest cluster 0 has, which is counted once.
      image.poke(layout.l2Entry(1) ?? assert.fail(), u64(BigInt(placeOf(built, 0)) | COPIED));
      const report = check(image);
      const overflows = refcountOrder === 0;
      const expected = overflows ? { corruptions: 1, leaks: 1, further: 1 } : { corruptions: 1, leaks: 1 };
      assert.deepEqual(faults(report), { ...NO_FAULTS, ...expected }, `counts of ${2 ** refcountOrder} bits`);
      const codes = overflows ? { 'refcount-overflow': 1, contested: 1 } : { uncounted: 1 };
      assert.deepEqual(told(report), { ...codes, leaked: 1 });
      assert.equal(useAt(report, placeOf(built, 0)), Use.Contested);
      for (const { code, guest } of report.problems) {
        if (code !== 'leaked') assert.deepEqual(guest, [{ view: '', start: 0, end: 2 * CLUSTER }], code);
      }
    }
  });

  describe('with an L2 table at two places of the disk', () => {
    const twofold = (): BuiltQcow2 => {
      const built = build();
      const table = built.layout.l2Table(0) ?? assert.fail();
      built.image.poke(built.layout.l1.offset + 8, u64(BigInt(table) | COPIED));
      return built;
    };

    it('tells the table and all its data: each is referred to twice', () => {
      const built = twofold();
      const report = check(built.image);
      assert.deepEqual(faults(report), { ...NO_FAULTS, corruptions: 5 });
      assert.deepEqual(told(report), { uncounted: 5 });
      const guests = report.problems.flatMap(({ guest }) => guest);
      assert(guests.some(({ start, end }) => start <= SPAN * CLUSTER && end > SPAN * CLUSTER));
    });

    it('tells them even where they are counted twice', () => {
      const built = twofold();
      const { image, layout } = built;
      const table = layout.l2Table(0) ?? assert.fail();
      for (const offset of [table, ...[0, 1, 2, 3].map((guest) => placeOf(built, guest))]) setCount(built, offset, 2);
      const flagged = check(image);
      // By their flags two L1 entries, and four L2 entries that each stand for two places, may be written in place.
      assert.deepEqual(faults(flagged), { ...NO_FAULTS, corruptions: 2 + 2 * 4, further: 5 });
      for (const index of [0, 1]) image.poke(layout.l1.offset + index * 8, u64(BigInt(table)));
      for (const guest of [0, 1, 2, 3]) {
        image.poke(layout.l2Entry(guest) ?? assert.fail(), u64(BigInt(placeOf(built, guest))));
      }
      const report = check(image);
      assert.deepEqual([faults(report), told(report)], [{ ...NO_FAULTS, further: 5 }, { contested: 5 }]);
      assert.deepEqual([useAt(report, table), useAt(report, placeOf(built, 3))], [Use.Contested, Use.Contested]);
    });
  });

  it('tells counts that can’t be read, and of what they count nothing else', () => {
    const built = build();
    const { image, layout } = built;
    image.poke(layout.refcountTable.offset, u64(BigInt(layout.refcountBlocks.get(0) ?? 0) + 0x100n));
    const reserved = check(image);
    assert.equal(told(reserved)['refcount-table-entry'], 1, 'reserved bits');
    const large = buildQcow2({ size: 16 * 4096, clusterBits: 12, clusters: filled(4) });
    large.image.poke(large.layout.refcountTable.offset, u64(BigInt(large.layout.refcountBlocks.get(0) ?? 0) + 0x200n));
    const report = check(large.image);
    const clusters = large.image.size / 4096;
    assert.deepEqual(faults(report), { ...NO_FAULTS, checkErrors: clusters, corruptions: 1 });
    assert.deepEqual(told(report), { 'refcount-table-entry': 1, 'refcount-unreadable': clusters });
    assert.equal(useAt(report, large.layout.l1.offset), Use.L1);
    assert.equal(useAt(report, large.layout.refcountBlocks.get(0) ?? 0), Use.Unknown);
  });

  describe('that refers to more of its file than there is room to count at once', () => {
    const PAGES = 200;
    /** The data of each of 200 guest clusters lies in a page of its own, and where it was before is leaked. */
    const strewn = (snapshot: boolean): BuiltQcow2 => {
      const clusters = filled(PAGES);
      const snapshots = snapshot ? [{ id: '1', name: 'before', clusters: filled(3) }] : [];
      const built = build({ size: PAGES * CLUSTER, clusters, snapshots });
      const image = new SparseImage((PAGES + 2) * PAGE_CLUSTERS * CLUSTER, built.image.chunks());
      for (let guest = 0; guest < PAGES; guest += 1) {
        const place = BigInt((guest + 2) * PAGE_CLUSTERS * CLUSTER);
        image.poke(built.layout.l2Entry(guest) ?? assert.fail(), u64(place));
      }
      return { ...built, image };
    };

    for (const snapshot of [false, true]) {
      it(`finds in several windows what it finds in one${snapshot ? ', with a snapshot' : ''}`, () => {
        const { image } = strewn(snapshot);
        const one = check(image);
        assert.deepEqual(faults(one), { ...NO_FAULTS, corruptions: PAGES, leaks: PAGES });
        assert.deepEqual(told(one), { uncounted: PAGES, leaked: PAGES });
        const many = check(image, SMALL);
        assert.deepEqual(many, one);
        assert.throws(() => assert.deepEqual(check(image, { ...SMALL, windows: 1 }), one), 'one window is enough');
      });
    }

    it('and to count at all says so, and tells nothing of what it did not reach', () => {
      const { image } = strewn(false);
      const report = check(image, { ...SMALL, windows: 2 });
      const { checkErrors, corruptions, imageEnd } = report.counts;
      assert.deepEqual([checkErrors, imageEnd], [1, undefined]);
      assert(corruptions > 0 && corruptions < PAGES);
      assert.equal(told(report)['check-incomplete'], 1);
      assert.deepEqual([useAt(report, 0), useAt(report, image.size - 1)], [Use.Header, Use.Unknown]);
      assert.equal(endOf(report), image.size);
    });
  });

  it('of more clusters than QEMU checks says so, and of none of them what it is', () => {
    const size = 2 ** 31 * CLUSTER;
    const report = check(new SparseImage(size, build().image.chunks()));
    assert.deepEqual(faults(report), { ...NO_FAULTS, checkErrors: 1 });
    assert.deepEqual([told(report), report.counts.imageEnd], [{ 'check-incomplete': 1 }, undefined]);
    assert.deepEqual(report.file, { count: 1, start: Float64Array.of(0, size), use: Uint8Array.of(Use.Unknown) });
  });

  it('pauses while it reads the large table of a bitmap', () => {
    const built = build({ bitmaps: [{ name: 'dirty', granularityBits: 16, dirty: [] }] });
    const [{ entry } = assert.fail()] = built.layout.bitmaps;
    const longTable = (pieces: number): SparseImage => {
      const bytes = pieces * 2 ** 20;
      const image = new SparseImage(built.image.size + bytes, built.image.chunks());
      image.poke(entry, u64(BigInt(built.image.size)));
      image.poke(entry + 8, u64(BigInt(bytes / 8)).subarray(4));
      return image;
    };
    const pauses = (image: SparseImage): number => [...jobOf(memorySource(image))].length;
    assert(pauses(longTable(8)) >= pauses(longTable(1)) + 7);
    // The new table is not counted, and where it was before is leaked.
    assert.deepEqual(told(check(longTable(8))), { uncounted: (8 * 2 ** 20) / CLUSTER, leaked: 1 });
  });

  it('reads no L2 tables that lie in holes of the file, and counts them all the same', () => {
    const bits = 21;
    const clusterSize = 2 ** bits;
    const tables = 40;
    const span = (clusterSize / 8) * clusterSize;
    const built = buildQcow2({ size: tables * span, clusterBits: bits, clusters: new Map([[0, data(noise(1, 512))]]) });
    const { layout } = built;
    const end = Math.ceil(built.image.size / clusterSize) * clusterSize;
    const image = new SparseImage(end + tables * clusterSize, built.image.chunks());
    // All but the first of the L1 entries lead to tables in a hole behind everything else; they are not counted.
    for (let index = 1; index < tables; index += 1) {
      image.poke(layout.l1.offset + index * 8, u64(BigInt(end + index * clusterSize)));
    }
    const extents = extentsOf(image.size, [[0, end]]);
    const reports = [{}, { extents, diskUsage: 10 * clusterSize }].map((file) => {
      const disk = new MemoryDisk().put('/file', { bytes: image, ...file });
      const report = checkFile(disk.leaf('/file').source);
      return { report, behind: disk.reads.filter(({ position }) => position >= end).length };
    });
    const [all, some] = reports;
    assert(all && some);
    assert.deepEqual(faults(all.report), { ...NO_FAULTS, corruptions: tables - 1 });
    assert.deepEqual(some.report, all.report);
    assert(all.behind > 0);
    assert.equal(some.behind, 0);
  });

  it('that has more L2 tables than are read tells no leaks: what was not read may refer to them', () => {
    const built = build({ clusters: new Map([...filled(2), [SPAN, data(noise(9, CLUSTER))]]) });
    const report = check(built.image, { ...SMALL, l2Tables: 1 });
    assert.deepEqual(faults(report), { ...NO_FAULTS, checkErrors: 1 });
    assert.deepEqual(told(report), { 'check-incomplete': 1 });
    assert.equal(useAt(report, placeOf(built, 1)), Use.Data);
    assert.equal(useAt(report, placeOf(built, SPAN)), Use.Unknown);
    assert.equal(useAt(report, built.layout.l2Table(1) ?? -1), Use.Unknown);
  });

  it('whose snapshot table can’t be read does not call leaked what its snapshots use', () => {
    const built = build({ snapshots: [{ id: '1', name: 'before', clusters: filled(3) }] });
    const { image, layout } = built;
    const { entry, l1 } = layout.snapshots[0] ?? assert.fail();
    // More extra data than QEMU takes.
    image.poke(entry + 36, [0xff, 0xff, 0xff, 0xff]);
    const report = check(image);
    assert.deepEqual(faults(report), { ...NO_FAULTS, checkErrors: 1 });
    assert.equal(useAt(report, l1), Use.Unknown);
    const [problem] = report.problems;
    const host = { start: entry, end: entry + 37 };
    assert.deepEqual([problem?.code, problem?.offset, problem?.host], ['snapshot-table', entry + 36, host]);
  });
});
