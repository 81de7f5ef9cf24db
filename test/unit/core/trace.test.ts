import assert from 'node:assert/strict';
import type { Trace } from '../../../src/core';
import { Kind, NOBODY } from '../../../src/core';
import { UNKNOWN_OWNER } from '../../../src/core/model';
import type { BuiltQcow2, Cluster } from '../../fixtures/build/index';
import { compressed, data, noise, prose, subclusters, zero, zeroAllocated } from '../../fixtures/build/index';
import { extentsOf } from '../../support/memory';
import type { ChainSpec } from '../../support/open';
import { openBuilt } from '../../support/open';
import { letterOf, toldMap } from '../../support/runs';

const CLUSTER = 4096;
const FULL = noise(1, CLUSTER);

const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
const COPIED = 1n << 63n;
const stepsOf = ({ steps }: Trace): string[] =>
  steps.map(({ depth, role, kind }) => `${depth} ${role} ${letterOf(kind)}`);

/** Place of a cluster in its file. @throws when the builder gave it none */
function placeOf(image: BuiltQcow2 | undefined, cluster: Cluster): number {
  const place = image?.layout.places.get(cluster)?.offset;
  assert(place !== undefined);
  return place;
}

/** One image with one cluster at index 2, and what tracing that cluster's byte 100 says. */
function traceOne(
  cluster: Cluster | undefined,
  spec: Partial<ChainSpec> = {},
  at = 2 * CLUSTER + 100,
): { trace: Trace; image: BuiltQcow2 } {
  const clusters = new Map(cluster ? [[2, cluster]] : []);
  const { session, built } = openBuilt({
    layers: [{ size: 5 * CLUSTER, clusterBits: 12, clusters, emptyTables: [0] }],
    ...spec,
  });
  const [image] = built;
  assert(image);
  return { trace: session.trace(at), image };
}

describe('the walk of a read', () => {
  it('passes layers that have nothing, ends at the owner and tells what lies hidden', () => {
    const { session } = openBuilt({
      layers: [
        { size: 4 * CLUSTER, clusterBits: 12 },
        { size: 4 * CLUSTER, clusterBits: 12, clusters: new Map([[1, zero()]]) },
        { size: 4 * CLUSTER, clusterBits: 12 },
      ],
      base: new Uint8Array(4 * CLUSTER),
    });
    const trace = session.trace(CLUSTER + 5);
    assert.deepEqual(stepsOf(trace), ['0 passed .', '1 owner z', '2 hidden .', '3 hidden d']);
    assert.deepEqual([trace.owner, trace.kind, trace.ended], [1, Kind.Zero, undefined]);
    assert.deepEqual(
      trace.steps.map(({ filename }) => filename),
      ['/0', '/1', '/2', '/base'],
    );
  });

  it('does not know what tables tell that the file has no room for, as the map does not', () => {
    const entries = 32;
    const span = (CLUSTER / 8) * CLUSTER;
    const { session, built, picture } = openBuilt({
      layers: [{ size: entries * span, clusterBits: 12, clusters: new Map([[2, data(FULL)]]) }],
      base: noise(2, 8 * CLUSTER),
      // All of them are one table: so many tables of their own would not fit.
      damage: ([leaf]) => {
        const { layout, image } = leaf ?? assert.fail();
        const table = BigInt(layout.l2Table(0) ?? 0);
        for (let index = 1; index < entries; index += 1) image.pokeU64(layout.l1.offset + 8 * index, table);
      },
    });
    const room = (built[0]?.image.size ?? 0) / CLUSTER;
    assert(room < entries, `the file has room for ${room} tables`);
    const shown = toldMap(picture().part(0, entries * span));
    for (let index = 0; index < entries; index += 1) {
      const { owner, kind, ended } = session.trace(index * span + 2 * CLUSTER);
      if (index < room) assert.deepEqual([owner, kind], [0, Kind.Data]);
      else {
        assert.deepEqual([owner, kind], [UNKNOWN_OWNER, Kind.Unknown]);
        assert.match(ended ?? '', /more L2 tables than the file has room for/);
      }
    }
    assert.deepEqual(shown.at(-1), [room * span, entries * span, UNKNOWN_OWNER, 'u']);
  });

  it('names the tables, the entries and where they stand', () => {
    const cluster = data(FULL);
    const { trace, image } = traceOne(cluster);
    const { layout } = image;
    const l2Table = layout.l2Table(0) ?? NaN;
    const host = placeOf(image, cluster);
    assert.deepEqual(trace.steps[0]?.lookups, [
      { table: 'L1', index: 0, entryOffset: layout.l1.offset, entry: hex(COPIED | BigInt(l2Table)), flags: ['copied'] },
      { table: 'L2', index: 2, entryOffset: l2Table + 16, entry: hex(COPIED | BigInt(host)), flags: ['copied'] },
    ]);
    assert.equal(trace.steps[0].hostOffset, host + 100);
    assert.deepEqual([trace.steps[0].unitStart, trace.steps[0].unitEnd], [2 * CLUSTER, 3 * CLUSTER]);
  });

  it('looks into the table that the offset is in', () => {
    const cluster = data(noise(1, 512));
    const { session, built } = openBuilt({
      layers: [{ size: 512 * 200, clusterBits: 9, clusters: new Map([[64 * 2 + 7, cluster]]) }],
    });
    const [step] = session.trace((64 * 2 + 7) * 512 + 511).steps;
    assert.deepEqual(
      step?.lookups.map(({ table, index }) => `${table}[${index}]`),
      ['L1[2]', 'L2[7]'],
    );
    assert.equal(step.lookups[1]?.entryOffset, built[0]?.layout.l2Entry(64 * 2 + 7));
    assert.equal(step.hostOffset, placeOf(built[0], cluster) + 511);
    assert.deepEqual(
      session.trace(0).steps[0]?.lookups.map(({ table, entry }) => `${table} ${entry}`),
      [`L1 ${hex(0n)}`],
    );
  });

  it('shows the bitmap of subclusters, and the place of the byte in its subcluster', () => {
    const cluster = subclusters(`dz.${'.'.repeat(28)}d`, noise(1, 16384));
    const { session, built } = openBuilt({
      layers: [{ size: 32768, clusterBits: 14, extendedL2: true, clusters: new Map([[1, cluster]]) }],
    });
    const steps = [0, 1, 2, 31].map((index) => session.trace(16384 + index * 512 + 3).steps[0]);
    assert.deepEqual(
      steps.map((step) => letterOf(step?.kind ?? -1)),
      ['d', 'a', '.', 'd'],
    );
    assert.deepEqual(
      steps.map((step) => step?.hostOffset),
      [0, 1, 2, 31].map((index) => placeOf(built[0], cluster) + index * 512 + 3),
    );
    const [first] = steps;
    assert.deepEqual(first?.lookups.map(({ table, entry }) => `${table} ${entry}`).slice(2), [
      `subclusters ${hex((2n << 32n) | 0x80000001n)}`,
    ]);
    assert.equal(first.lookups[2]?.entryOffset, (built[0]?.layout.l2Entry(1) ?? 0) + 8);
    assert.deepEqual([first.unitStart, first.unitEnd], [16384, 16384 + 512]);
  });

  it('gives the start and length of compressed data, sectors counted whole', () => {
    const cluster = compressed(prose(1, CLUSTER));
    const { trace, image } = traceOne(cluster);
    const [step] = trace.steps;
    const place = image.layout.places.get(cluster);
    assert(place && step);
    assert.equal(step.kind, Kind.Compressed);
    assert.equal(step.hostOffset, place.offset);
    const lastSectorEnd = Math.ceil((place.offset + place.length) / 512) * 512;
    assert.equal(step.compressedLength, lastSectorEnd - place.offset);
    assert.deepEqual(step.lookups[1]?.flags, ['compressed']);
    assert.deepEqual([step.unitStart, step.unitEnd], [2 * CLUSTER, 3 * CLUSTER]);
  });

  it('cuts the last cluster where the disk ends', () => {
    const { session } = openBuilt({
      layers: [{ size: CLUSTER + 512, clusterBits: 12, clusters: new Map([[1, data(FULL)]]) }],
    });
    const [step] = session.trace(CLUSTER + 511).steps;
    assert.deepEqual([step?.unitStart, step?.unitEnd], [CLUSTER, CLUSTER + 512]);
  });

  it('ends at nobody past the end of a shorter layer, and says so', () => {
    const { session } = openBuilt({
      layers: [
        { size: 4 * CLUSTER, clusterBits: 12 },
        { size: 2 * CLUSTER, clusterBits: 12 },
      ],
      base: new Uint8Array(4 * CLUSTER),
    });
    const trace = session.trace(3 * CLUSTER);
    assert.deepEqual(stepsOf(trace), ['0 passed .']);
    assert.equal(trace.owner, NOBODY);
    assert.match(trace.ended ?? '', /^1 ends at byte 8192/);
    assert.equal(session.trace(CLUSTER).owner, 2);
  });

  it('ends at nobody where no layer has anything', () => {
    const trace = traceOne(undefined).trace;
    assert.deepEqual([trace.owner, trace.kind, trace.ended], [NOBODY, Kind.Absent, undefined]);
  });

  it('ends unknown below a missing parent', () => {
    const layers = [{ size: CLUSTER, clusterBits: 12, backing: 'gone' }];
    const trace = openBuilt({ layers }).session.trace(0);
    assert.deepEqual(
      [trace.owner, trace.kind, trace.ended],
      [UNKNOWN_OWNER, Kind.Unknown, '/gone is not opened: missing'],
    );
  });

  it('goes on where the tables of one layer can not be read', () => {
    const chain = openBuilt({
      layers: [
        { size: 2 * CLUSTER, clusterBits: 12, clusters: new Map([[0, data(FULL)]]) },
        { size: 2 * CLUSTER, clusterBits: 12 },
      ],
      base: new Uint8Array(2 * CLUSTER),
      // An L1 table past QEMU's limit.
      damage: ([, middle]) => middle?.image.pokeU32(36, 0x7fffffff),
    });
    assert.deepEqual(stepsOf(chain.session.trace(0)), ['0 owner d', '1 hidden u', '2 hidden d']);
    assert.equal(chain.session.trace(0).ended, undefined);
    const unknown = chain.session.trace(CLUSTER);
    assert.deepEqual(stepsOf(unknown), ['0 passed .', '1 owner u', '2 hidden d']);
    assert.equal(unknown.owner, UNKNOWN_OWNER);
    assert.match(unknown.ended ?? '', /^the tables of 1 can't be read: .*L1 table/);
  });

  it('tells data from holes in a raw layer', () => {
    const { session } = openBuilt({
      layers: [{ size: 4096, clusterBits: 9 }],
      base: { bytes: new Uint8Array(4000), extents: extentsOf(4000, [[1024, 2048]]) },
    });
    const kinds = [0, 1023, 1024, 2047, 2048, 3999, 4000, 4095].map((offset) => session.trace(offset).kind);
    assert.deepEqual(kinds.map(letterOf).join(''), 'zzddzzzz');
    assert.equal(session.trace(1500).steps[1]?.hostOffset, 1500);
    const full = { bytes: new Uint8Array(1000), extents: extentsOf(1000, [[0, 1000]]) };
    const odd = openBuilt({ layers: [{ size: 1024, clusterBits: 9 }], base: full }).session;
    assert.deepEqual([999, 1000, 1023].map((offset) => letterOf(odd.trace(offset).kind)).join(''), 'dzz');
    assert.deepEqual(session.trace(1500).steps[1]?.lookups, []);
  });

  it('of a byte outside the disk is refused', () => {
    const { session } = openBuilt({ layers: [{ size: CLUSTER, clusterBits: 12 }] });
    for (const offset of [-1, CLUSTER, CLUSTER + 1, 0.5, NaN, 2 ** 60]) {
      assert.throws(() => session.trace(offset), { code: 'out-of-range', file: '/0' }, String(offset));
    }
  });

  it('finds what the map says, everywhere in a chain of every kind', () => {
    const clusters = new Map<number, Cluster>([
      [0, data(FULL)],
      [1, zero()],
      [2, zeroAllocated(FULL)],
      [3, compressed(FULL)],
      [6, data(FULL)],
    ]);
    const chain = openBuilt({
      layers: [
        {
          size: 9 * CLUSTER,
          clusterBits: 9,
          clusters: new Map([
            [0, data(noise(1, 512))],
            [17, zero()],
            [71, data(noise(2, 512))],
          ]),
        },
        { size: 8 * CLUSTER + 512, clusterBits: 12, clusters },
      ],
      base: { bytes: new Uint8Array(5 * CLUSTER), extents: extentsOf(5 * CLUSTER, [[0, CLUSTER * 2]]) },
    });
    for (const [start, end, owner, kind] of toldMap(chain.picture().map)) {
      for (const offset of [start, Math.floor((start + end) / 2), end - 1]) {
        const trace = chain.session.trace(offset);
        assert.deepEqual([trace.owner, letterOf(trace.kind)], [owner, kind], `byte ${offset}`);
      }
    }
  });
});

describe('what a write would do', () => {
  const base = { base: new Uint8Array(5 * CLUSTER) };

  it("goes in place where the cluster is nobody else's", () => {
    assert.deepEqual(traceOne(data(FULL)).trace.write, { effect: 'in-place', bytes: 0 });
  });

  it('takes a new cluster where nothing is', () => {
    assert.deepEqual(traceOne(undefined).trace.write, { effect: 'allocate', bytes: CLUSTER });
    assert.deepEqual(traceOne(zero()).trace.write, { effect: 'allocate', bytes: CLUSTER });
  });

  it('copies the rest of the cluster from the layer that has it', () => {
    assert.deepEqual(traceOne(undefined, base).trace.write, { effect: 'copy', bytes: CLUSTER, copiesFrom: [1] });
  });

  it('copies what any layer holds in the cluster, also where nobody holds the byte itself', () => {
    // Clusters of 16 KiB over clusters of 4 KiB: the middle layer holds only the third of those, the base nothing.
    const { session } = openBuilt({
      layers: [
        { size: 16384, clusterBits: 14 },
        { size: 16384, clusterBits: 12, clusters: new Map([[2, data(FULL)]]) },
        {
          size: 16384,
          clusterBits: 12,
          clusters: new Map([
            [1, zero()],
            [2, data(FULL)],
            [3, data(FULL)],
          ]),
        },
      ],
    });
    for (const offset of [0, 4103, 8192, 16383]) {
      const { write } = session.trace(offset);
      assert.deepEqual(write, { effect: 'copy', bytes: 16384, copiesFrom: [1, 2] }, `at ${offset}`);
    }
  });

  it('needs no copy of what is hidden by zeros', () => {
    assert.deepEqual(traceOne(zero(), base).trace.write, { effect: 'allocate', bytes: CLUSTER });
  });

  it('goes into the space that zeros keep', () => {
    assert.deepEqual(traceOne(zeroAllocated()).trace.write, {
      effect: 'in-place',
      bytes: 0,
      reason: 'its space is kept',
    });
  });

  it('unpacks a compressed cluster into a new one', () => {
    const { effect, bytes, copiesFrom } = traceOne(compressed(FULL)).trace.write;
    assert.deepEqual({ effect, bytes, copiesFrom }, { effect: 'copy', bytes: CLUSTER, copiesFrom: [0] });
  });

  it('copies a cluster that a snapshot shares', () => {
    const shared = data(FULL);
    const clusters = new Map([[2, shared]]);
    const { session } = openBuilt({
      layers: [{ size: 5 * CLUSTER, clusterBits: 12, clusters, snapshots: [{ id: '1', name: 'one', clusters }] }],
    });
    const { effect, bytes, copiesFrom, reason } = session.trace(2 * CLUSTER).write;
    assert.deepEqual({ effect, bytes, copiesFrom }, { effect: 'copy', bytes: CLUSTER, copiesFrom: [0] });
    assert.match(reason ?? '', /snapshot/);
  });

  it('of an unused subcluster uses the space of its cluster', () => {
    const clusters = new Map([[0, subclusters(`d${'.'.repeat(31)}`, noise(1, 16384))]]);
    const spec = { size: 16384, clusterBits: 14, extendedL2: true, clusters };
    assert.deepEqual(openBuilt({ layers: [spec] }).session.trace(600).write.bytes, 0);
    const { effect, bytes, copiesFrom } = openBuilt({ layers: [spec], base: new Uint8Array(16384) }).session.trace(
      600,
    ).write;
    assert.deepEqual({ effect, bytes, copiesFrom }, { effect: 'copy', bytes: 0, copiesFrom: [1] });
  });

  it('is impossible where the table is broken, the image marked corrupt or the rest of the cluster unknown', () => {
    const broken = traceOne(data(FULL), {
      damage: ([leaf]) => leaf?.image.pokeU64(leaf.layout.l2Entry(2) ?? 0, COPIED | 0x200n),
    });
    assert.equal(broken.trace.kind, Kind.Invalid);
    assert.equal(broken.trace.write.effect, 'impossible');
    const corrupt = traceOne(data(FULL), { damage: ([leaf]) => leaf?.image.pokeU64(72, 2n) });
    assert.equal(corrupt.trace.write.effect, 'impossible');
    const orphan = openBuilt({ layers: [{ size: CLUSTER, clusterBits: 12, backing: 'gone' }] }).session.trace(0);
    assert.equal(orphan.write.effect, 'impossible');
  });

  it('goes in place into a raw image', () => {
    const chain = openBuilt({ layers: [{ size: 512, clusterBits: 9 }], base: new Uint8Array(512) });
    chain.session.stand({ depth: 1, view: '' });
    const [step] = chain.session.trace(0).steps;
    assert.deepEqual([step?.depth, chain.session.trace(0).write], [1, { effect: 'in-place', bytes: 0 }]);
  });
});
