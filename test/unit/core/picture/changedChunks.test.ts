import assert from 'node:assert/strict';
import { finish, Picture, Session } from '../../../../src/core';
import { changedChunks, scanChunks } from '../../../../src/core/picture/scanChunks';
import type { Cluster } from '../../../fixtures/build/index';
import { buildQcow2, data, noise } from '../../../fixtures/build/index';
import { MemoryDisk } from '../../../support/memory';

const CLUSTER = 512;
/** An L2 table has 64 entries: so much of the disk is one table's, and one chunk's. */
const SPAN = 64 * CLUSTER;
const TABLES = 8;

/** Two layers of eight tables each; every third cluster is the base's, every fifth the leaf's. */
function chain(): { disk: MemoryDisk; leaf: ReturnType<typeof buildQcow2>; base: ReturnType<typeof buildQcow2> } {
  const every = (step: number): Map<number, Cluster> =>
    new Map(
      Array.from({ length: TABLES * 64 }, (_, i) => i)
        .filter((i) => i % step === 0)
        .map((i) => [i, data(noise(i, CLUSTER))]),
    );
  const spec = { size: TABLES * SPAN, clusterBits: 9 };
  const leaf = buildQcow2({ ...spec, clusters: every(5), backing: 'base', backingFormat: 'qcow2' });
  const base = buildQcow2({ ...spec, clusters: every(3) });
  const disk = new MemoryDisk().put('/leaf', leaf.image).put('/base', base.image);
  return { disk, leaf, base };
}

const tablesOf = ({ layout }: ReturnType<typeof buildQcow2>): number[] =>
  Array.from({ length: TABLES }, (_, i) => layout.l2Table(i) ?? 0);

function scanned({ chain, from }: Session, picture: Picture, chunks: readonly number[]): void {
  const left = [...chunks];
  for (const each of scanChunks(chain, from, picture.chunkBytes, () => left.shift())) {
    if (each) picture.put(each.index, each.chunk);
  }
}

const open = (disk: MemoryDisk): Session => new Session(disk.environment, disk.leaf('/leaf'));
const emptyPicture = (): Picture => new Picture(TABLES * SPAN, 0, 2, SPAN);

describe('a picture of a disk that is written to', () => {
  it('is outdated only where a table of the newest layer changed, which is found by reading its tables alone', () => {
    const { disk, leaf, base } = chain();
    const picture = emptyPicture();
    scanned(open(disk), picture, picture.missing);
    // The VM writes zeros to a cluster of the sixth table that was the base's, in place: bit 0 of its entry is set.
    const table = leaf.layout.l2Table(5) ?? 0;
    leaf.image.pokeU64(table + 3 * 8, 1n);
    const again = open(disk);
    disk.takeReads();
    const changed = finish(changedChunks(again.chain, again.from, picture));
    assert.deepEqual(changed, [5]);
    assert.equal(disk.takeReads('/base').reads, 0);
    // The leaf's eight tables of 512 bytes, strewn between its data, and its L1 table, which is one piece.
    assert.deepEqual(
      [...disk.takeReads('/leaf').places].sort((a, b) => a[0] - b[0]),
      [[leaf.layout.l1.offset, TABLES * 8] as const, ...tablesOf(leaf).map((at) => [at, 512] as const)].sort(
        (a, b) => a[0] - b[0],
      ),
    );

    scanned(again, picture, changed);
    const tables = disk.takeReads('/base').places.filter(([at]) => tablesOf(base).includes(at));
    assert.deepEqual(tables, [[base.layout.l2Table(5), 512]]);
    const anew = emptyPicture();
    scanned(again, anew, anew.missing);
    assert.deepEqual(picture.map, anew.map);
    assert.deepEqual(picture.accounting, anew.accounting);
    assert.equal(anew.accounting.layers[0]?.ownedZero, CLUSTER);
  });

  it('is outdated where a table was moved to another place of the disk, though all tables are the same', () => {
    const { disk, leaf } = chain();
    const picture = emptyPicture();
    scanned(open(disk), picture, picture.missing);
    const { offset } = leaf.layout.l1;
    const [first, second] = [leaf.image.peekU64(offset), leaf.image.peekU64(offset + 8)];
    leaf.image.pokeU64(offset, second).pokeU64(offset + 8, first);
    const again = open(disk);
    assert.deepEqual(finish(changedChunks(again.chain, again.from, picture)), [0, 1]);
  });

  it('is outdated where a table came or went', () => {
    const { disk, leaf } = chain();
    const picture = emptyPicture();
    scanned(open(disk), picture, picture.missing);
    leaf.image.pokeU64(leaf.layout.l1.offset + 3 * 8, 0n);
    const again = open(disk);
    assert.deepEqual(finish(changedChunks(again.chain, again.from, picture)), [3]);
  });

  it('is outdated where two tables changed places, though what they hold did not', () => {
    const { disk, leaf } = chain();
    const picture = new Picture(TABLES * SPAN, 0, 2, TABLES * SPAN);
    scanned(open(disk), picture, picture.missing);
    const { offset } = leaf.layout.l1;
    const [first, last] = [leaf.image.peekU64(offset), leaf.image.peekU64(offset + 7 * 8)];
    leaf.image.pokeU64(offset, last).pokeU64(offset + 7 * 8, first);
    const again = open(disk);
    assert.deepEqual(finish(changedChunks(again.chain, again.from, picture)), [0]);
  });

  it('is outdated where an L1 entry can no longer be true', () => {
    const span = 512 * 4096;
    const { image, layout } = buildQcow2({
      size: 4 * span,
      clusterBits: 12,
      clusters: new Map([[0, data(noise(1, 4096))]]),
    });
    const disk = new MemoryDisk().put('/leaf', image);
    const picture = new Picture(4 * span, 0, 1, span);
    scanned(open(disk), picture, picture.missing);
    // In the middle of a cluster: it was 0, and led nowhere.
    image.pokeU64(layout.l1.offset + 2 * 8, 0x200n);
    const again = open(disk);
    assert.deepEqual(finish(changedChunks(again.chain, again.from, picture)), [2]);
  });
});
