import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import type { Codecs } from '../../../../src/core';
import { finish, guestOffset, Kind, probeInput, ReadCache, Session, sniff } from '../../../../src/core';
import { TRUSTED_MS } from '../../../../src/core/cache/pagedSource';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../../../fixtures/build/index';
import { buildQcow2, compressed, data, noise, prose, Random } from '../../../fixtures/build/index';
import type { Tally } from '../../../support/countingSource';
import { readsAt } from '../../../support/countingSource';
import { MemoryDisk } from '../../../support/memory';
import { openBuilt } from '../../../support/open';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const CLUSTER = 64 * KIB;
const PAGE = 16 * KIB;

/*
 * Clusters of these images have 64 KiB, and every table begins with a cluster: no two of them share a page of 16 KiB, so
 * what is read of each table is told by its offset alone. An entry of 8 bytes for 64 KiB: a page of an L2 table maps
 * 128 MiB, and a table 512 MiB.
 */

/** The page that a byte is in. */
const pageOf = (offset: number): readonly [number, number] => [offset - (offset % PAGE), PAGE];

const NOTHING: Tally = readsAt();

/** Clusters of noise from a guest cluster on. */
const filled = (from: number, count: number, seed = 1): Map<number, Cluster> =>
  new Map(Array.from({ length: count }, (_, i) => [from + i, data(noise(seed + i, CLUSTER))]));

function place({ layout }: BuiltQcow2, cluster: Cluster | undefined): number {
  const found = cluster && layout.places.get(cluster);
  assert(found);
  return found.offset;
}

const layerOf = ({ built }: { readonly built: readonly BuiltQcow2[] }, depth: number): BuiltQcow2 => {
  const layer = built[depth];
  assert(layer);
  return layer;
};

describe('opening a chain', () => {
  it('is one read for each image: header, extensions and the name of the parent', () => {
    const size = 10 * GIB;
    const { disk } = openBuilt({
      layers: [{ size }, { size, featureNames: true }, { size, version: 2 }, { size, clusters: filled(0, 2) }],
    });
    for (const name of ['/0', '/1', '/2', '/3']) assert.deepEqual(disk.takeReads(name), readsAt([0, PAGE]));
    assert.deepEqual(disk.takeReads(), NOTHING);
  });

  it('is 60 reads where it has 60 images', () => {
    const layers = Array.from({ length: 60 }, () => ({ size: GIB }));
    const { disk, session } = openBuilt({ layers });
    assert.equal(session.chain.layers.length, 60);
    const { reads, bytes } = disk.takeReads();
    assert.deepEqual({ reads, bytes }, { reads: 60, bytes: 60 * PAGE });
  });

  it('reads nothing of a raw base that is known to be one', () => {
    const { disk } = openBuilt({ layers: [{ size: 4 * CLUSTER }], base: noise(1, 4 * CLUSTER) });
    assert.deepEqual(disk.takeReads(), readsAt([0, PAGE]));
  });

  it('takes a read more for each table that lies elsewhere', () => {
    const snapshots = [{ id: '1', name: 'before', clusters: filled(0, 1) }];
    const bitmaps = [{ name: 'dirty', granularityBits: 16, dirty: [] }];
    const chain = openBuilt({ layers: [{ size: GIB, snapshots, bitmaps }] });
    const { snapshotTable, bitmapDirectory } = layerOf(chain, 0).layout;
    assert(snapshotTable && bitmapDirectory);
    // Tables of entries of any length are read by 64 KiB, which is a cluster.
    assert.deepEqual(
      chain.disk.takeReads(),
      readsAt([0, PAGE], [snapshotTable.offset, CLUSTER], [bitmapDirectory.offset, CLUSTER]),
    );
  });

  it('takes no read more for finding out what the file is', () => {
    const disk = new MemoryDisk().put('/leaf', buildQcow2({ size: GIB }).image);
    const leaf = disk.leaf('/leaf');
    const cache = new ReadCache();
    const sniffed = sniff(probeInput(cache.of(leaf.source)), 'leaf');
    assert.equal(sniffed.kind, 'image');
    new Session(disk.environment, leaf, { format: 'qcow2', cache });
    assert.deepEqual(disk.takeReads(), readsAt([0, PAGE]));
  });

  it('keeps no page without a cache: every look reads its entry anew', () => {
    const chain = openBuilt({ layers: [{ size: GIB, clusters: filled(0, 1) }] });
    const l2 = layerOf(chain, 0).layout.l2Entry(0) ?? NaN;
    chain.session.trace(0);
    chain.disk.takeReads();
    chain.session.trace(0);
    assert.deepEqual(chain.disk.takeReads(), readsAt([l2, 8]));
  });
});

describe('tracing', () => {
  const openTwo = (): ReturnType<typeof openBuilt> => {
    const chain = openBuilt({
      cache: new ReadCache(),
      layers: [
        // Both halves of the disk have a table in both layers.
        { size: GIB, clusters: new Map([...filled(10, 1), ...filled(8192, 1)]) },
        { size: GIB, clusters: new Map([...filled(0, 1), ...filled(8193, 1)]) },
      ],
    });
    chain.disk.takeReads();
    return chain;
  };

  it('is at first one read for each table that is consulted', () => {
    const chain = openTwo();
    const trace = chain.session.trace(5);
    assert.deepEqual([trace.owner, trace.kind], [1, Kind.Data]);
    for (const [depth, file] of ['/0', '/1'].entries()) {
      const { layout } = layerOf(chain, depth);
      assert.deepEqual(chain.disk.takeReads(file), readsAt(pageOf(layout.l1.offset), pageOf(layout.l2Table(0) ?? NaN)));
    }
  });

  it('is none from then on, nor for what the same pages tell', () => {
    const chain = openTwo();
    chain.session.trace(5);
    chain.disk.takeReads();
    chain.session.trace(5);
    chain.session.trace(128 * MIB - 1);
    assert.deepEqual(chain.disk.takeReads(), NOTHING);
  });

  it('is one read for each other page of a table', () => {
    const chain = openTwo();
    chain.session.trace(5);
    chain.disk.takeReads();
    // The table's third page, which maps the disk from 256 MiB on; then the other table, by the L1 table that is known.
    chain.session.trace(300 * MIB);
    chain.session.trace(512 * MIB);
    for (const [depth, file] of ['/0', '/1'].entries()) {
      const { layout } = layerOf(chain, depth);
      assert.deepEqual(
        chain.disk.takeReads(file),
        readsAt(pageOf((layout.l2Table(0) ?? NaN) + 2 * PAGE), pageOf(layout.l2Table(1) ?? NaN)),
      );
    }
  });
});

describe("reading the guest's bytes", () => {
  it('in sequence is a few reads that grow, beside one of each table', () => {
    const clusters = filled(0, 16);
    const chain = openBuilt({ cache: new ReadCache(), layers: [{ size: GIB, clusters }] });
    const image = layerOf(chain, 0);
    const picture = chain.picture();
    chain.disk.takeReads();
    const piece = new Uint8Array(4 * KIB);
    for (let at = 0; at < MIB; at += piece.length) {
      assert.deepEqual(chain.session.read(picture, at, piece), []);
      const { bytes } = clusters.get(Math.floor(at / CLUSTER)) as { bytes: Uint8Array };
      assert(Buffer.from(piece).equals(bytes.subarray(at % CLUSTER, (at % CLUSTER) + piece.length)));
    }
    // The clusters lie one behind the other. Of their 1024 KiB, reads of 16 to 512 KiB cover 1008; the last reaches as far
    // as the file, which ends less than 1 MiB behind that.
    const start = place(image, clusters.get(0));
    const growing = [16, 32, 64, 128, 256, 512].map((length) => [start + (length - 16) * KIB, length * KIB] as const);
    const last = start + 1008 * KIB;
    assert.equal(place(image, clusters.get(15)), start + 15 * CLUSTER);
    assert.deepEqual(
      chain.disk.takeReads(),
      readsAt(pageOf(image.layout.l1.offset), pageOf(image.layout.l2Table(0) ?? NaN), ...growing, [
        last,
        image.image.size - last,
      ]),
    );
  });

  it('at random is a page for each place, and nothing for the same places again', () => {
    const clusters = new Map([...filled(0, 3), ...filled(100, 3, 5)]);
    const chain = openBuilt({ cache: new ReadCache(), layers: [{ size: GIB, clusters }] });
    const image = layerOf(chain, 0);
    const picture = chain.picture();
    chain.disk.takeReads();
    const piece = new Uint8Array(512);
    const cells = [101, 2, 100, 0].map((cluster) => ({ cluster, at: cluster * CLUSTER + 40_000 }));
    for (const { at } of cells) chain.session.read(picture, at, piece);
    assert.deepEqual(
      chain.disk.takeReads(),
      readsAt(
        pageOf(image.layout.l1.offset),
        pageOf(image.layout.l2Table(0) ?? NaN),
        ...cells.map(({ cluster }) => pageOf(place(image, clusters.get(cluster)) + 40_000)),
      ),
    );
    for (const { at } of cells) chain.session.read(picture, at, piece);
    assert.deepEqual(chain.disk.takeReads(), NOTHING);
  });

  it('of a compressed cluster reads and decompresses it once', () => {
    const stored = compressed(prose(1, CLUSTER));
    const image = buildQcow2({ size: GIB, clusters: new Map([[7, stored]]) });
    const disk = new MemoryDisk().put('/image', image.image);
    let inflated = 0;
    const codecs: Codecs = {
      ...disk.environment.codecs,
      inflateRaw: (input, size) => {
        inflated += 1;
        return inflateRawSync(input, { maxOutputLength: size });
      },
    };
    const session = new Session({ gate: disk, codecs }, disk.leaf('/image'), { cache: new ReadCache() });
    const picture = finish(session.scan());
    disk.takeReads();
    const piece = new Uint8Array(1000);
    for (const at of [7 * CLUSTER, 7 * CLUSTER, 7 * CLUSTER + 30_000]) {
      assert.deepEqual(session.read(picture, at, piece), []);
      assert(Buffer.from(piece).equals(prose(1, CLUSTER).subarray(at % CLUSTER, (at % CLUSTER) + 1000)));
    }
    // The stream begins with a cluster of the file, and ends within 64 KiB: its pages are read at once.
    const { offset, length } = image.layout.places.get(stored) ?? { offset: NaN, length: NaN };
    assert.deepEqual([offset % CLUSTER, length < CLUSTER], [0, true]);
    const sectors = Math.ceil(length / 512) * 512;
    const end = Math.min(image.image.size, Math.ceil((offset + sectors) / PAGE) * PAGE);
    assert.deepEqual(
      disk.takeReads(),
      readsAt(pageOf(image.layout.l1.offset), pageOf(image.layout.l2Table(0) ?? NaN), [offset, end - offset]),
    );
    assert.equal(inflated, 1);
  });
});

describe('the memory of a cache', () => {
  it('is one for all layers, their tables, data and decompressed clusters', () => {
    const limit = 512 * KIB;
    const cache = new ReadCache({ limit });
    const spec = (seed: number): Qcow2Spec => ({
      size: 64 * CLUSTER,
      clusters: new Map([
        ...filled(0, 8, seed),
        ...Array.from({ length: 8 }, (_, i): [number, Cluster] => [8 + i, compressed(prose(seed + i, CLUSTER))]),
      ]),
    });
    const chain = openBuilt({ cache, layers: Array.from({ length: 12 }, (_, depth) => spec(depth)) });
    const random = new Random(3);
    const piece = new Uint8Array(3000);
    let most = 0;
    for (let step = 0; step < 600; step += 1) {
      const { layer } = chain.session.chain.layers[random.below(12)] ?? {};
      const [view] = layer?.views ?? [];
      assert(layer && view);
      layer.read(view, guestOffset(random.below(16 * CLUSTER - piece.length)), piece);
      chain.session.trace(random.below(64 * CLUSTER));
      most = Math.max(most, cache.used);
    }
    // Full to within the largest piece that is kept.
    assert(most <= limit && most > limit - 2 * CLUSTER, `${most} bytes`);
  });
});

describe('an image that is written to while it is open', () => {
  /** An image of 1 GiB, of which a test can say that it was written to. */
  function running(): {
    disk: MemoryDisk;
    image: BuiltQcow2;
    session: Session;
    clock: { now: number };
    write: () => void;
  } {
    const clock = { now: 0 };
    let written = false;
    const image = buildQcow2({ size: GIB, clusters: filled(0, 2) });
    const changed = (): boolean => {
      const answer = written;
      written = false;
      return answer;
    };
    const disk = new MemoryDisk().put('/leaf', { bytes: image.image, changed });
    const cache = new ReadCache({ now: () => clock.now });
    const session = new Session(disk.environment, disk.leaf('/leaf'), { cache });
    return { disk, image, session, clock, write: () => (written = true) };
  }
  const kindAt = (session: Session, offset: number): Kind => session.trace(offset).kind;

  it('is traced as it was at most a quarter of a second ago, from its L1 table on', () => {
    const { image, session, clock, write } = running();
    assert.deepEqual([kindAt(session, 0), kindAt(session, 512 * MIB)], [Kind.Data, Kind.Absent]);
    // The first cluster is given up; the second half of the disk gets the table of the first.
    image.image.pokeU64(image.layout.l2Entry(0) ?? NaN, 0n);
    image.image.pokeU64(image.layout.l1.offset + 8, BigInt(image.layout.l2Table(0) ?? NaN));
    write();
    assert.equal(kindAt(session, 0), Kind.Data);
    clock.now = TRUSTED_MS;
    assert.deepEqual([kindAt(session, 0), kindAt(session, 512 * MIB + CLUSTER)], [Kind.Absent, Kind.Data]);
  });

  it('is scanned and checked as it is', () => {
    const { image, session } = running();
    assert.equal(kindAt(session, 0), Kind.Data);
    image.image.pokeU64(image.layout.l2Entry(0) ?? NaN, 0n);
    assert.equal(finish(session.scan()).accounting.layers[0]?.owned, CLUSTER);
    const report = session.chain.layers[0]?.layer.check?.();
    // What the first cluster was is counted, and nothing refers to it.
    assert.equal(report && finish(report).counts.leaks, 1);
  });

  it('is read anew by the next opening', () => {
    const { disk, image, session } = running();
    assert.equal(kindAt(session, 0), Kind.Data);
    image.image.pokeU64(image.layout.l2Entry(0) ?? NaN, 0n);
    const again = new Session(disk.environment, disk.leaf('/leaf'), { cache: new ReadCache({ now: () => 0 }) });
    assert.equal(kindAt(again, 0), Kind.Absent);
  });

  it('has its compressed clusters decompressed anew', () => {
    const clock = { now: 0 };
    const [before, after] = [prose(1, CLUSTER), prose(2, CLUSTER)];
    const stored = compressed(before);
    const image = buildQcow2({ size: GIB, clusters: new Map([[0, stored]]) });
    const other = compressed(after);
    const rewritten = buildQcow2({ size: GIB, clusters: new Map([[0, other]]) });
    const disk = new MemoryDisk().put('/leaf', { bytes: image.image, changed: () => true });
    const session = new Session(disk.environment, disk.leaf('/leaf'), {
      cache: new ReadCache({ now: () => clock.now }),
    });
    const picture = finish(session.scan());
    // What is asked for whole is not kept.
    const piece = new Uint8Array(CLUSTER / 2);
    const readsAs = (expected: Uint8Array): boolean => {
      assert.deepEqual(session.read(picture, 0, piece), []);
      return Buffer.from(piece).equals(expected.subarray(0, piece.length));
    };
    assert(readsAs(before));
    // Another stream in the same place, as long as the sectors that the entry tells of allow.
    const { offset } = rewritten.layout.places.get(other) ?? { offset: NaN };
    assert.equal(offset, place(image, stored));
    image.image.poke(0, rewritten.image.peek(0, Math.min(image.image.size, rewritten.image.size)));
    assert(readsAs(before));
    clock.now = TRUSTED_MS;
    assert(readsAs(after));
  });
});
