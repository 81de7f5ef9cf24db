import assert from 'node:assert/strict';
import { guestOffset, Use } from '../../../../../src/core';
import { noise, SparseImage } from '../../../../fixtures/build/index';
import { buildQed } from '../../../../fixtures/build/qed';
import type { QedSpec } from '../../../../fixtures/build/qed';
import { bytesOf, checkOf, findingsOf, openOne, runsOf } from '../../../../support/oneLayer';

const CLUSTER = 4096;
/** Of tables of two clusters. */
const SPAN = 1024 * CLUSTER;

const SPEC: QedSpec = {
  size: 3 * SPAN,
  clusters: new Map<number, Uint8Array | 'zero'>([
    [1, noise(1, CLUSTER)],
    [2, noise(2, CLUSTER)],
    [3, 'zero'],
    [2048 + 5, noise(3, CLUSTER)],
    [7, noise(4, CLUSTER)],
  ]),
};

const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

describe('a QED image', () => {
  it('has clusters where its tables say, and zeros where they say so', () => {
    const { image, dataAt } = buildQed(SPEC);
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, CLUSTER, '.', -1],
      [CLUSTER, 3 * CLUSTER, 'd', dataAt(1)],
      [3 * CLUSTER, 4 * CLUSTER, 'z', -1],
      [4 * CLUSTER, 7 * CLUSTER, '.', -1],
      [7 * CLUSTER, 8 * CLUSTER, 'd', dataAt(7)],
      [8 * CLUSTER, 2 * SPAN + 5 * CLUSTER, '.', -1],
      [2 * SPAN + 5 * CLUSTER, 2 * SPAN + 6 * CLUSTER, 'd', dataAt(2053)],
      [2 * SPAN + 6 * CLUSTER, 3 * SPAN, '.', -1],
    ]);
    const disk = new SparseImage(3 * SPAN);
    for (const [cluster, bytes] of SPEC.clusters ?? []) if (bytes !== 'zero') disk.poke(cluster * CLUSTER, bytes);
    assert.deepEqual(bytesOf(layer), disk.toBytes());
    assert.deepEqual(findingsOf(layer), []);
  });

  it('tells what it is, in its own words and in those of qemu-img', () => {
    const { layer } = openOne(buildQed({ ...SPEC, backing: 'base.raw', features: 7 }).image);
    assert.deepEqual(layer.info, { 'cluster-size': CLUSTER, 'dirty-flag': false, 'backing-filename-format': 'raw' });
    assert.deepEqual(
      layer.facts.map(({ label, value }) => [label, value]),
      [
        ['Disk size', 3 * SPAN],
        ['Cluster size', CLUSTER],
        ['Table size', 2 * CLUSTER],
        ['Backing file', 'base.raw'],
        ['Backing format', 'raw'],
        ['Needs a check', true],
      ],
    );
    assert.deepEqual([layer.parent?.format, layer.parent?.formatHasNoPlace], ['raw', false]);
    const probed = openOne(buildQed({ ...SPEC, backing: 'base', features: 1 }).image).layer;
    assert.deepEqual([probed.parent?.format, probed.parent?.formatHasNoPlace], [undefined, true]);
    assert.deepEqual(probed.info, { 'cluster-size': CLUSTER, 'dirty-flag': false });
  });

  it('traces a byte through both tables', () => {
    const { image, dataAt, entryAt, l1At } = buildQed(SPEC);
    const { layer } = openOne(image);
    const [view] = layer.views;
    assert(view);
    const trace = layer.trace(view, guestOffset(2 * SPAN + 5 * CLUSTER + 9));
    assert.deepEqual(
      trace.lookups.map(({ table, index, entryOffset, entry }) => [table, index, entryOffset, Number(entry)]),
      [
        ['L1', 2, l1At(2), entryAt(2048)],
        ['L2', 5, entryAt(2053), dataAt(2053)],
      ],
    );
    assert.deepEqual([trace.hostOffset, trace.write.effect], [dataAt(2053) + 9, 'in-place']);
    assert.deepEqual(layer.trace(view, guestOffset(3 * CLUSTER)).lookups[1]?.flags, ['zero']);
  });

  it('calls an entry broken that QEMU gives an error for: unaligned, in the header, past the end', () => {
    const kindOf = (entry: bigint, truncated = 0): string | undefined => {
      const { image, entryAt } = buildQed({ size: CLUSTER, clusters: new Map([[0, noise(1, CLUSTER)]]) });
      return runsOf(openOne(image.poke(entryAt(0), u64(entry)).truncate(image.size - truncated)))[0]?.[2];
    };
    const last = 5n * 4096n;
    assert.equal(kindOf(last), 'd');
    assert.equal(kindOf(last + 1n), 'i');
    assert.equal(kindOf(last + 2048n), 'i');
    assert.equal(kindOf(2n), 'i');
    assert.equal(kindOf(last + 4096n), 'i');
    // A cluster that is not whole is none.
    assert.equal(kindOf(last, 1), 'i');
    assert.equal(kindOf(1n << 60n), 'i');
    assert.equal(kindOf(1n << 32n), 'i');
  });

  it('knows nothing of what a table maps that can not be where its entry says (iotest 116)', () => {
    const { image, l1At } = buildQed(SPEC);
    for (const entry of [4096n * 100n, 4096n + 512n, 1n, 1n << 63n, BigInt(image.size) - 4096n]) {
      const layer = openOne(buildQed(SPEC).image.poke(l1At(2), u64(entry)));
      assert.deepEqual(findingsOf(layer), ['l2-offset error'], String(entry));
      assert.deepEqual(runsOf(layer).at(-1), [2 * SPAN, 3 * SPAN, 'i', -1]);
    }
  });

  it('reads tables of many clusters a piece at a time', () => {
    const clusterSize = 65536;
    const clusters = new Map(
      [3, 8191, 8192, 50_000, 131_071, 131_073].map((at) => [at, noise(at, clusterSize)] as const),
    );
    const { image, dataAt } = buildQed({ size: 131_072 * 2 * clusterSize, clusterSize, tableSize: 16, clusters });
    const data = runsOf(openOne(image)).filter(([, , kind]) => kind === 'd');
    assert.deepEqual(
      data.map(([start, end, , host]) => [start, end, host]),
      [3, 8191, 50_000, 131_071, 131_073].map((at) => [
        at * clusterSize,
        (at === 8191 ? at + 2 : at + 1) * clusterSize,
        dataAt(at),
      ]),
    );
  });
});

describe('the check of a QED image', () => {
  const problemsOf = (image: SparseImage): unknown[] =>
    checkOf(openOne(image)).problems.map(({ code, counts, times, host }) => [code, counts, times, host?.start]);

  it('finds nothing in a sound image, and counts fragments in each table by itself', () => {
    const report = checkOf(openOne(buildQed(SPEC).image));
    assert.deepEqual(report.problems, []);
    const { allocatedClusters, fragmentedClusters, totalClusters } = report.counts;
    assert.deepEqual([allocatedClusters, fragmentedClusters, totalClusters], [4, 1, 3072]);
    assert.deepEqual([...report.file.use], [Use.Header, Use.L1, Use.L2, Use.Data, Use.L2, Use.Data]);
  });

  it('finds no leaks in a file of more clusters than a cluster has bytes, where QEMU miscounts', () => {
    const clusters = new Map(Array.from({ length: 4200 }, (_, at) => [at, noise(0, CLUSTER)] as const));
    assert.deepEqual(problemsOf(buildQed({ size: 5 * SPAN, clusters }).image), []);
  });

  it('counts what is claimed twice by the cluster, and looks at a table once', () => {
    const twice = buildQed(SPEC);
    twice.image.poke(twice.entryAt(7), u64(BigInt(twice.dataAt(1))));
    assert.deepEqual(problemsOf(twice.image), [
      ['claimed-twice', 'corruption', 1, twice.dataAt(1)],
      ['leak', 'leak', 1, twice.dataAt(7)],
    ]);
    const shared = buildQed(SPEC);
    shared.image.poke(shared.l1At(1), u64(BigInt(shared.tableAt(0))));
    assert.deepEqual(problemsOf(shared.image), [['claimed-twice', 'corruption', 2, shared.tableAt(0)]]);
    const claims = checkOf(openOne(shared.image)).problems[0]?.claims;
    assert.deepEqual(claims, ['the L2 table at L1 index 0', 'the L2 table at L1 index 1']);
  });

  it('tells what lies past the end, and what can not be true', () => {
    const { image, entryAt, l1At, dataAt } = buildQed(SPEC);
    image
      .poke(entryAt(2), u64(BigInt(image.size)))
      .poke(entryAt(7), u64(513n))
      .poke(l1At(2), u64(511n));
    assert.deepEqual(problemsOf(image), [
      ['l2-offset', 'corruption', 1, l1At(2)],
      ['past-end', 'corruption', 1, entryAt(2)],
      ['entry', 'corruption', 1, entryAt(7)],
      ['leak', 'leak', 5, dataAt(2)],
    ]);
  });
});
