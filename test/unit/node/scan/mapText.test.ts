import assert from 'node:assert/strict';
import { Session } from '../../../../src/core';
import type { Side } from '../../../../src/core/compareSide';
import { layoutOf } from '../../../../src/node/scan/mapLayout';
import { MapPieces } from '../../../../src/node/scan/mapPiece';
import { MapJoiner } from '../../../../src/node/scan/mapText';
import type { MapFormat } from '../../../../src/protocol/worker';
import type { Cluster } from '../../../fixtures/build/index';
import { data, noise, SparseImage, subclusters, zero } from '../../../fixtures/build/index';
import { mapEntries } from '../../../support/map';
import { fromDepth, lettersChain } from '../../../support/letters';
import { extentsOf, MemoryDisk } from '../../../support/memory';
import type { ChainSpec } from '../../../support/open';
import { openBuilt } from '../../../support/open';

const CLUSTER = 512;
const CLUSTERS = 65536;
const TIB = 2 ** 40;

/** Every third cluster is the leaf's, every sixth as zeros, and a raw base with holes lies below. */
function fragmented(damage?: ChainSpec['damage']): Session {
  const content = data(noise(1, CLUSTER));
  const clusters = new Map<number, Cluster>();
  for (let i = 0; i < CLUSTERS; i += 3) clusters.set(i, i % 2 === 0 ? zero() : content);
  const size = CLUSTERS * CLUSTER;
  const extents = extentsOf(size, [
    [4096, 8192],
    [size / 2 - 4096, size - 8192],
  ]);
  return openBuilt({
    layers: [{ size, clusterBits: 9, clusters }],
    base: { bytes: new Uint8Array(size), extents },
    ...(damage ? { damage } : {}),
  }).session;
}

interface Joined {
  readonly text: string;
  /** Most entries of a piece. */
  readonly most: number;
  readonly pieces: number;
  readonly entries: number;
  /** What is odd about the leaf: how often, by code. */
  readonly odd: Readonly<Record<string, number>>;
}

/** The map from pieces, each joined with what follows where it ends early. */
function joined(session: Session, pieceBytes: number, maxEntries: number, format: MapFormat = 'json'): Joined {
  const written: Uint8Array[] = [];
  const layout = layoutOf(format, session);
  const joiner = new MapJoiner(layout, (bytes) => written.push(bytes));
  const pieces = new MapPieces(session, layout, { pieceBytes, maxEntries });
  let most = 0;
  let count = 0;
  for (let index = 0; index * pieceBytes < session.view.guestSize; index += 1) {
    for (const piece of pieces.whole(pieces.make(index))) {
      const between = piece.text.length === 0 ? 0 : Buffer.from(piece.text).toString().split('\n').length;
      assert.equal(piece.between, between);
      most = Math.max(most, between + (piece.last ? 2 : 1));
      count += 1;
      joiner.piece(piece);
    }
  }
  joiner.end();
  pieces.close();
  const odd = [...(pieces.result.oddities[0] ?? [])].map(([code, oddity]) => [code, oddity.count] as const);
  return {
    text: Buffer.concat(written).toString(),
    most,
    pieces: count,
    entries: joiner.entries,
    odd: Object.fromEntries(odd),
  };
}

describe('the text of a map', () => {
  it('is the same in whatever pieces it is made, and none has more entries than it may', () => {
    const session = fragmented();
    const { guestSize } = session.view;
    const whole = joined(session, guestSize, Infinity);
    assert.equal(whole.pieces, 1);
    const entries = mapEntries(session);
    assert.deepEqual(JSON.parse(whole.text), entries);
    // One that ends between two maps, one that ends in the middle of them.
    for (const most of [20_000, 1000]) {
      for (const bytes of [guestSize, guestSize / 4]) {
        const parts = joined(session, bytes, most);
        assert.ok(parts.pieces > guestSize / bytes, 'some end early');
        assert.ok(parts.most <= most, `${parts.most} entries`);
        assert.deepEqual([parts.text, parts.entries], [whole.text, entries.length]);
      }
    }
  });

  it('is made in one piece where it has fewer entries than that may have, though of several maps', () => {
    const clusters = new Map(Array.from({ length: 64 }, (_, i) => [i * 1024, zero()] as const));
    const { session } = openBuilt({ layers: [{ size: CLUSTERS * CLUSTER, clusterBits: 9, clusters }] });
    const { pieces, entries } = joined(session, session.view.guestSize, 65536);
    assert.deepEqual([pieces, entries], [1, 128]);
  });

  it('has the same entries as CSV, a row each', () => {
    const session = fragmented();
    const { guestSize } = session.view;
    const rows = mapEntries(session).map(({ start, length, depth, present, zero, data, compressed, offset }) => [
      start,
      length,
      depth,
      present ? ['"/0"', '"/base"'][depth] : '',
      present,
      zero,
      data,
      compressed,
      offset,
      false,
    ]);
    const head = 'start,length,depth,file,present,zero,data,compressed,offset,unknown';
    for (const most of [Infinity, 1000]) {
      const { text, entries } = joined(session, guestSize / 4, most, 'csv');
      assert.deepEqual(text.split('\n'), [head, ...rows.map((row) => row.join(',')), '']);
      assert.equal(entries, rows.length);
    }
  });

  it('is made with each oddity counted once, in whatever pieces', () => {
    const past = 2n ** 40n;
    const odd = { entry: 0, 'data-past-end': 0, 'l2-past-end': 0 };
    const session = fragmented(([leaf]) => {
      const { image, layout } = leaf ?? assert.fail();
      const tables = layout.l1.entries;
      for (let cluster = 3; cluster < CLUSTERS / 2; cluster += 30) {
        const code = cluster % 60 === 3 ? 'entry' : 'data-past-end';
        image.pokeU64(layout.l2Entry(cluster) ?? 0, code === 'entry' ? 2n ** 55n : past);
        odd[code] += 1;
      }
      for (let table = tables / 2; table < tables; table += 3) {
        image.pokeU64(layout.l1.offset + 8 * table, past);
        odd['l2-past-end'] += 1;
      }
    });
    const { guestSize } = session.view;
    for (const most of [Infinity, 20_000, 1000]) assert.deepEqual(joined(session, guestSize, most).odd, odd);
  });

  it('is the same where subclusters lie in the middle of a piece', () => {
    const content = noise(2, 65536);
    const clusters = new Map<number, Cluster>();
    for (let i = 0; i < 64; i += 1) clusters.set(i, subclusters('d.z.'.repeat(8), content));
    const { session } = openBuilt({ layers: [{ size: 64 * 65536, extendedL2: true, clusters }] });
    const whole = joined(session, session.view.guestSize, Infinity);
    assert.deepEqual(JSON.parse(whole.text), mapEntries(session));
    assert.equal(joined(session, session.view.guestSize, 7).text, whole.text);
  });
});

describe('a piece of a map', () => {
  const pieceBytes = (side: Side, format: MapFormat = 'json'): number => {
    const pieces = new MapPieces(side, layoutOf(format, side));
    pieces.close();
    return pieces.pieceBytes;
  };
  const piecesOf = (spec: ChainSpec): number => TIB / pieceBytes(openBuilt(spec).session);
  const layers = [{ size: TIB, clusterBits: 16 }];

  it('is so much of the disk as the finest tables have 65536 units for', () => {
    assert.equal(piecesOf({ layers }), TIB / (65536 * 65536));
    assert.equal(piecesOf({ layers: [{ size: TIB, clusterBits: 12 }] }), TIB / (65536 * 4096));
    const half = { size: TIB / 2, clusterBits: 16, extendedL2: true };
    assert.equal(pieceBytes(openBuilt({ layers: [half] }).session), 65536 * 2048);
  });

  it('is so large that a disk of nothing has few', () => {
    assert.equal(piecesOf({ layers: [{ size: TIB, clusterBits: 16, extendedL2: true }] }), 4096);
  });

  it('follows the units that a scan tells, of whatever format', () => {
    const chain = lettersChain([{ letters: '', unit: 1024, block: 64, size: TIB / 16 }]);
    assert.equal(pieceBytes({ chain, from: fromDepth(chain) }), 65536 * 1024);
  });

  it('has fewer entries where each has more text', () => {
    const name = `/${'d/'.repeat(1000)}raw`;
    const disk = new MemoryDisk().put(name, new SparseImage(TIB));
    const session = new Session(disk.environment, disk.leaf(name));
    assert.equal(pieceBytes(session), 65536 * 65536);
    assert.equal(pieceBytes(session, 'csv'), 4096 * 65536);
  });

  it('is no smaller for a raw image at the end of the chain', () => {
    assert.equal(piecesOf({ layers, base: new SparseImage(TIB) }), piecesOf({ layers }));
  });

  it('of a raw image alone is as of one with tables', () => {
    const disk = new MemoryDisk().put('/raw', new SparseImage(TIB));
    assert.equal(TIB / pieceBytes(new Session(disk.environment, disk.leaf('/raw'))), 256);
  });
});
