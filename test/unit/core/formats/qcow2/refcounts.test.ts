import assert from 'node:assert/strict';
import type { ByteSource, HostExtents } from '../../../../../src/core';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import { LIMITS } from '../../../../../src/core/formats/qcow2/limits';
import { Geometry } from '../../../../../src/core/formats/qcow2/mapping';
import { Refcounts, unwrittenSpace } from '../../../../../src/core/formats/qcow2/refcounts';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../../../../fixtures/build/index';
import { buildQcow2, data, noise } from '../../../../fixtures/build/index';
import { extentsOf, MemoryDisk, memorySource } from '../../../../support/memory';
import { PatternImage } from '../../../../support/patternImage';

const CLUSTER = 512;

/** An image in which some clusters of the file are in use and others not. */
function build(refcountOrder: number, spec: Partial<Qcow2Spec> = {}): BuiltQcow2 {
  const clusters = new Map<number, Cluster>(Array.from({ length: 300 }, (_, i) => [i, data(noise(i, 8))]));
  return buildQcow2({
    size: 300 * CLUSTER,
    clusterBits: 9,
    refcountOrder,
    clusters,
    dataStart: 200 * CLUSTER,
    ...spec,
  });
}

const open = ({ image }: BuiltQcow2): { source: ByteSource; geometry: Geometry; refcounts: Refcounts } => {
  const source = memorySource(image);
  const geometry = new Geometry(readHeader(source));
  return { source, geometry, refcounts: new Refcounts(source, geometry) };
};

/** What the builder counted, cluster by cluster. */
function usedBelow({ layout }: BuiltQcow2, clusters: number): number {
  return Array.from({ length: clusters }, (_, i) => layout.refcount(i * CLUSTER)).filter((count) => count > 0).length;
}

describe('reference counts', () => {
  for (let order = 0; order <= 6; order += 1) {
    it(`of ${2 ** order} bits are counted`, () => {
      const built = build(order);
      const { refcounts, source } = open(built);
      const clusters = Math.ceil(source.size / CLUSTER);
      assert(usedBelow(built, clusters) < clusters, 'some are not in use');
      for (const end of [0, 1, 2, 7, 8, 9, 199, 200, 201, 333, clusters]) {
        assert.equal(refcounts.countInUse(end, Infinity), usedBelow(built, end), `the first ${end} clusters`);
      }
    });
  }

  it('are counted no further than is asked for', () => {
    const built = build(6);
    const { refcounts } = open(built);
    const reads = refcounts.countInUse(1000, 1);
    assert(reads >= 1 && reads < usedBelow(built, 1000));
  });

  it('are zero where the table has no block, or none that is in the file', () => {
    const built = build(6);
    const [first] = built.layout.refcountBlocks.keys();
    const before = open(built).refcounts.countInUse(64, Infinity);
    assert(before > 0 && first === 0);
    built.image.pokeU64(built.layout.refcountTable.offset, 0n);
    assert.equal(open(built).refcounts.countInUse(64, Infinity), 0);
    built.image.pokeU64(built.layout.refcountTable.offset, 1n << 50n);
    assert.equal(open(built).refcounts.countInUse(64, Infinity), 0);
  });

  it('are counted no further than a bound, however large the table and the file are', () => {
    const clusters = new Map([[0, data(noise(1, 512))]]);
    const { image, layout } = buildQcow2({ size: 65_536, clusterBits: 16, refcountOrder: 6, clusters });
    const [block = 0] = layout.refcountBlocks.values();
    const table = 2 ** 30;
    const entry = new Uint8Array(8);
    new DataView(entry.buffer).setBigUint64(0, BigInt(block));
    // The largest table there may be, in which every entry is the same block.
    const pattern = { offset: table, length: LIMITS.maxRefcountTableBytes, piece: entry };
    const giant = new PatternImage(2 ** 53 - 1, image.chunks(), [pattern]);
    giant.pokeU64(48, BigInt(table)).pokeU32(56, LIMITS.maxRefcountTableBytes / 65_536);
    const disk = new MemoryDisk().put('/giant', giant);
    const { source } = disk.leaf('/giant');
    const refcounts = new Refcounts(source, new Geometry(readHeader(source)));
    refcounts.countInUse(2 ** 44, Infinity);
    const reads = disk.readsOf('/giant').filter(({ position }) => position === block);
    assert.equal(reads.length, (128 * 2 ** 20) / 65_536);
  });

  it('ignore the reserved bits of the table', () => {
    const built = build(6);
    const entry = built.image.peekU64(built.layout.refcountTable.offset);
    const before = open(built).refcounts.countInUse(64, Infinity);
    built.image.pokeU64(built.layout.refcountTable.offset, entry | 0x1ffn);
    assert.equal(open(built).refcounts.countInUse(64, Infinity), before);
  });
});

describe('space that was never written', () => {
  const extents = extentsOf(4096, [[0, 4096]]);
  const asked = (built: BuiltQcow2, diskUsage: number | undefined): HostExtents | undefined => {
    const { source, geometry } = open(built);
    return unwrittenSpace({ ...source, diskUsage }, { ...source, extents: () => extents }, geometry);
  };
  const built = build(4);
  const used = usedBelow(built, Math.ceil(built.image.size / CLUSTER));

  // QEMU's test: as many in use as max(given × 10 / 9, given + 2), both in whole clusters.
  it('is suspected from a tenth more clusters in use than the file has space for', () => {
    const suspicious = (given: number): boolean => used >= Math.max(Math.floor((given * 10) / 9), given + 2);
    const turning = Array.from({ length: used + 3 }, (_, given) => given).findIndex((given) => !suspicious(given));
    assert(turning > 100 && turning < used);
    assert.equal(asked(built, (turning - 1) * CLUSTER), extents);
    assert.equal(asked(built, turning * CLUSTER - 1), extents);
    assert.equal(asked(built, turning * CLUSTER), undefined);
    assert.equal(asked(built, 0), extents);
    assert.equal(asked(built, built.image.size), undefined);
  });

  it('of a small image takes two clusters more', () => {
    const small = buildQcow2({ size: 512, clusterBits: 16, clusters: new Map([[0, data(noise(1, 512))]]) });
    const count = Math.ceil(small.image.size / 65536);
    assert.equal(asked(small, (count - 2) * 65536), extents);
    assert.equal(asked(small, (count - 1) * 65536), undefined);
  });

  it('is not asked about where the platform tells nothing', () => {
    assert.equal(asked(built, undefined), undefined);
    const { source, geometry } = open(built);
    assert.equal(unwrittenSpace({ ...source, diskUsage: 0 }, source, geometry), undefined);
  });
});
