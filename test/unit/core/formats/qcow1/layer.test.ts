import assert from 'node:assert/strict';
import { DiskError, guestOffset } from '../../../../../src/core';
import { noise, prose, SparseImage } from '../../../../fixtures/build/index';
import { buildQcow1 } from '../../../../fixtures/build/qcow1';
import type { Qcow1Spec } from '../../../../fixtures/build/qcow1';
import { bytesOf, checkOf, findingsOf, openOne, runsOf } from '../../../../support/oneLayer';

const CLUSTER = 4096;
/** Of tables of 64 entries. */
const SPAN = 64 * CLUSTER;

const SPEC: Qcow1Spec = {
  size: 5 * SPAN,
  l2Bits: 6,
  clusters: new Map<number, Uint8Array | { compressed: Uint8Array }>([
    [1, noise(1, CLUSTER)],
    [2, noise(2, CLUSTER)],
    [3, { compressed: prose(3, CLUSTER) }],
    [4, { compressed: prose(4, CLUSTER) }],
    [64 + 5, noise(5, CLUSTER)],
    [256 + 63, noise(6, CLUSTER)],
  ]),
};

const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
};

function content(): Uint8Array {
  const disk = new SparseImage(5 * SPAN);
  for (const [cluster, bytes] of SPEC.clusters ?? [])
    disk.poke(cluster * CLUSTER, bytes instanceof Uint8Array ? bytes : bytes.compressed);
  return disk.toBytes();
}

describe('a qcow image of version 1', () => {
  it('has clusters where its tables say, as they are and compressed to the byte', () => {
    const { image, dataAt } = buildQcow1(SPEC);
    const layer = openOne(image);
    assert.equal(dataAt(2), dataAt(1) + CLUSTER);
    assert.notEqual(dataAt(4) % 512, 0);
    assert.deepEqual(runsOf(layer), [
      [0, CLUSTER, '.', -1],
      [CLUSTER, 3 * CLUSTER, 'd', dataAt(1)],
      [3 * CLUSTER, 4 * CLUSTER, 'c', dataAt(3)],
      [4 * CLUSTER, 5 * CLUSTER, 'c', dataAt(4)],
      [5 * CLUSTER, SPAN + 5 * CLUSTER, '.', -1],
      [SPAN + 5 * CLUSTER, SPAN + 6 * CLUSTER, 'd', dataAt(69)],
      [SPAN + 6 * CLUSTER, 5 * SPAN - CLUSTER, '.', -1],
      [5 * SPAN - CLUSTER, 5 * SPAN, 'd', dataAt(319)],
    ]);
    assert.deepEqual(bytesOf(layer), content());
    assert.deepEqual(
      bytesOf(layer, 3 * CLUSTER + 100, 5000),
      content()
        .subarray(3 * CLUSTER + 100)
        .subarray(0, 5000),
    );
    assert.deepEqual(findingsOf(layer), []);
  });

  it('tells what it is, in its own words and in those of qemu-img', () => {
    const { layer } = openOne(buildQcow1({ ...SPEC, backing: 'base.raw', mtime: 86_400 * 365 }).image);
    assert.deepEqual(layer.info, { 'cluster-size': CLUSTER, 'dirty-flag': false });
    const facts = Object.fromEntries(layer.facts.map(({ label, value }) => [label, value]));
    assert.deepEqual([facts['Version'], facts['L2 table size'], facts['Backing file']], [1, 512, 'base.raw']);
    assert.match(String(facts['Backing file changed']), /197[01]/);
    assert.deepEqual(layer.parent, {
      role: 'parent',
      written: 'base.raw',
      format: undefined,
      formatHasNoPlace: true,
      target: { kind: 'path', path: 'base.raw', relativeTo: 'image' },
    });
  });

  it('traces a byte through both tables', () => {
    const { image, dataAt, entryAt, l1At } = buildQcow1(SPEC);
    const { layer } = openOne(image);
    const [view] = layer.views;
    assert(view);
    const compressed = layer.trace(view, guestOffset(4 * CLUSTER + 7));
    assert.deepEqual(
      compressed.lookups.map(({ table, index, entryOffset }) => [table, index, entryOffset]),
      [
        ['L1', 0, l1At(0)],
        ['L2', 4, entryAt(4)],
      ],
    );
    assert.equal(compressed.hostOffset, dataAt(4));
    assert.deepEqual(compressed.lookups[1]?.flags, ['compressed', `${compressed.compressedLength} bytes`]);
    assert.deepEqual([compressed.write.effect, compressed.write.bytes], ['copy', CLUSTER]);
    const plain = layer.trace(view, guestOffset(SPAN + 5 * CLUSTER + 9));
    assert.deepEqual([plain.hostOffset, plain.write.effect], [dataAt(69) + 9, 'in-place']);
    assert.equal(layer.trace(view, guestOffset(2 * SPAN)).lookups.length, 1);
  });

  it('that is encrypted is described and not read', () => {
    const { layer } = openOne(buildQcow1({ ...SPEC, crypt: 1 }).image);
    const [view] = layer.views;
    assert(view);
    assert.deepEqual([layer.readable, layer.info.encrypted], [false, true]);
    assert(layer.facts.some(({ label, value }) => label === 'Encryption' && String(value).startsWith('AES')));
    assert.throws(
      () => {
        layer.read(view, guestOffset(CLUSTER), new Uint8Array(10));
      },
      (error) => error instanceof DiskError && error.code === 'encrypted',
    );
  });

  it('calls an entry broken that QEMU gives an error for: off a sector, past 2^53, compressed to nothing', () => {
    const kindOf = (entry: bigint, clusterBits = 12): string | undefined => {
      const { image, entryAt } = buildQcow1({ size: 65536, clusterBits, clusters: new Map([[0, noise(1, 512)]]) });
      return runsOf(openOne(image.poke(entryAt(0), u64(entry))))[0]?.[2];
    };
    assert.equal(kindOf(0x201n), 'i');
    assert.equal(kindOf(2n ** 60n), 'i');
    assert.equal(kindOf(2n ** 52n), 'd');
    assert.equal(kindOf((1n << 63n) | 4096n), 'i');
    assert.equal(kindOf((1n << 63n) | (5n << 51n) | 4096n), 'c');
    // With clusters of 512 bytes, an offset has 54 bits.
    assert.equal(kindOf((1n << 63n) | (5n << 54n) | (1n << 53n), 9), 'i');
    assert.equal(kindOf((1n << 63n) | (5n << 54n) | (1n << 52n), 9), 'c');
  });

  it('reads as empty where its L2 table lies past the end, and says how much that may be', () => {
    const { image, tableAt, l1At } = buildQcow1(SPEC);
    const layer = openOne(image.poke(l1At(1), u64(BigInt(image.size + 512))));
    assert.deepEqual(runsOf(layer).at(-2), [5 * CLUSTER, 5 * SPAN - CLUSTER, '.', -1]);
    assert.deepEqual(findingsOf(layer), ['l2-past-end error']);
    assert.equal(layer.layer.findings[0]?.lost, SPAN);
    const [view] = layer.layer.views;
    assert(view);
    assert.deepEqual([...(layer.layer.lostTables?.(view) ?? [])], [{ start: SPAN, end: 2 * SPAN }]);
    const cut = buildQcow1(SPEC).image.truncate(tableAt(4) + 100);
    assert.deepEqual(findingsOf(openOne(cut)), ['l2-past-end error']);
    assert.deepEqual(runsOf(openOne(cut)).at(-1), [SPAN + 6 * CLUSTER, 5 * SPAN, '.', -1]);
  });

  it('tells what is lost where its L1 table is cut, the whole entries that are there aside', () => {
    const { image, l1At } = buildQcow1(SPEC);
    for (let index = 0; index < 3; index += 1) image.poke(l1At(index), u64(0n));
    const { layer } = openOne(image.truncate(l1At(3)));
    const [view] = layer.views;
    assert(view);
    assert.deepEqual([...(layer.lostTables?.(view) ?? [])], [{ start: 3 * SPAN, end: 5 * SPAN }]);
  });

  it('knows nothing of what an L2 table maps that no file could have', () => {
    const { image, l1At } = buildQcow1(SPEC);
    const layer = openOne(image.poke(l1At(1), u64(2n ** 62n)));
    assert.deepEqual(findingsOf(layer), ['l2-offset error']);
    assert(runsOf(layer).some(([start, end, kind]) => start === SPAN && end === 2 * SPAN && kind === 'i'));
  });

  it('is not read over and over where thousands of L1 entries name one table', () => {
    const { image, l1At, tableAt } = buildQcow1({ ...SPEC, size: 4096 * SPAN });
    const table = u64(BigInt(tableAt(0)));
    for (let index = 0; index < 4096; index += 1) image.poke(l1At(index), table);
    const layer = openOne(image);
    assert.deepEqual(findingsOf(layer), ['tables-exceed-file error']);
    const tables = runsOf(layer).filter(([, , kind]) => kind === 'd').length;
    assert(tables > 4 && tables * 512 <= image.size, `${tables} tables`);
  });

  it('reads zeros past the end of a file that was cut short, and tells what can not be decompressed', () => {
    const { image, dataAt } = buildQcow1(SPEC);
    const layer = openOne(image.truncate(dataAt(319)));
    assert.deepEqual(bytesOf(layer, 5 * SPAN - CLUSTER), new Uint8Array(CLUSTER));
    const [view] = layer.layer.views;
    assert(view);
    const run = { start: 5 * SPAN - CLUSTER, end: 5 * SPAN, kind: 1, host: dataAt(319) } as const;
    assert.equal(layer.layer.firstPastEnd?.(view, run), run.start);
    const other = buildQcow1({ size: CLUSTER, l2Bits: 6, clusters: new Map([[0, { compressed: prose(1, CLUSTER) }]]) });
    const cut = openOne(other.image.truncate(other.dataAt(0) + 20));
    assert.throws(
      () => bytesOf(cut),
      (error) => error instanceof DiskError && error.code === 'corrupt',
    );
    const packed = { start: 0, end: CLUSTER, kind: 4, host: other.dataAt(0) } as const;
    assert.equal(cut.layer.firstPastEnd?.(view, packed), 0);
  });
});

describe('the check of a qcow image of version 1', () => {
  const problemsOf = (image: SparseImage): unknown[] =>
    checkOf(openOne(image)).problems.map(({ code, times, claims, host }) => [code, times, claims, host?.start]);

  it('finds nothing in a sound image, and counts its clusters', () => {
    const { image } = buildQcow1({ ...SPEC, backing: 'base' });
    const report = checkOf(openOne(image));
    assert.deepEqual(report.problems, []);
    const { allocatedClusters, compressedClusters, totalClusters, imageEnd } = report.counts;
    assert.deepEqual([allocatedClusters, compressedClusters, totalClusters, imageEnd], [6, 2, 320, image.size]);
  });

  it('tells a cluster that is claimed twice, or lies in a table', () => {
    const { image, entryAt, dataAt, tableAt } = buildQcow1(SPEC);
    image.poke(entryAt(69), u64(BigInt(dataAt(1)))).poke(entryAt(319), u64(BigInt(tableAt(4))));
    assert.deepEqual(problemsOf(image), [
      ['claimed-twice', 1, ['L2 entry 1, L1 entry 0', 'L2 entry 5, L1 entry 1'], dataAt(1)],
      ['claimed-twice', 1, ['the L2 table at L1 index 4', 'L2 entry 63, L1 entry 4'], tableAt(4)],
    ]);
  });

  it('tells compressed clusters that overlap in a byte', () => {
    const { image, entryAt, dataAt } = buildQcow1(SPEC);
    const entry = new DataView(image.peek(entryAt(4), 8).buffer).getBigUint64(0);
    image.poke(entryAt(4), u64(entry - 1n));
    assert.deepEqual(problemsOf(image), [
      ['claimed-twice', 1, ['L2 entry 3, L1 entry 0', 'L2 entry 4, L1 entry 0'], dataAt(4) - 1],
    ]);
  });

  it('tells what lies past the end, and what can not be true', () => {
    const { image, entryAt, l1At } = buildQcow1(SPEC);
    image
      .poke(entryAt(1), u64(0x201n))
      .poke(entryAt(2), u64(BigInt(image.size) + 4096n))
      .poke(l1At(1), u64(2n ** 40n))
      .poke(l1At(2), u64(2n ** 60n));
    assert.deepEqual(
      checkOf(openOne(image)).problems.map(({ code, counts, host }) => [code, counts, host?.start]),
      [
        ['l2-offset', 'further', l1At(2)],
        ['past-end', 'further', l1At(1)],
        ['entry', 'further', entryAt(1)],
        ['past-end', 'further', entryAt(2)],
      ],
    );
  });
});
