import assert from 'node:assert/strict';
import type { Session } from '../../../src/core';
import { finish, lostBytes, NOBODY, NOW, Picture, scanChunks, Session as CoreSession } from '../../../src/core';
import { UNKNOWN_OWNER } from '../../../src/core/model';
import { data, noise, zero } from '../../fixtures/build/index';
import type { BuiltChain } from '../../support/open';
import { openBuilt } from '../../support/open';
import { MemoryDisk } from '../../support/memory';
import { toldMap } from '../../support/runs';

const CLUSTER = 4096;
const bytes = (seed: number): Uint8Array => noise(seed, CLUSTER);
const look = (session: Session): Picture => finish(session.scan());

/** Three layers; the middle one is shorter and has two snapshots, one of another size. */
function chain(): BuiltChain {
  const first = data(bytes(1));
  const second = data(bytes(2));
  const old = new Map([[0, first]]);
  const later = new Map([
    [0, first],
    [1, second],
    [5, second],
  ]);
  const now = new Map([
    [1, data(bytes(3))],
    [2, zero()],
  ]);
  return openBuilt({
    layers: [
      { size: 6 * CLUSTER, clusterBits: 12, clusters: new Map([[0, data(bytes(9))]]) },
      {
        size: 4 * CLUSTER,
        clusterBits: 12,
        clusters: now,
        snapshots: [
          { id: '1', name: 'before', clusters: old, diskSize: 2 * CLUSTER },
          { id: '2', name: '1', clusters: later, diskSize: 7 * CLUSTER },
        ],
      },
    ],
    base: new Uint8Array(3 * CLUSTER),
  });
}

describe('a session', () => {
  it('looks at the disk as it is now', () => {
    const { session } = chain();
    assert.deepEqual(session.standpoint, NOW);
    const picture = look(session);
    assert.deepEqual(toldMap(picture.map), [
      [0, CLUSTER, 0, 'd'],
      [CLUSTER, 2 * CLUSTER, 1, 'd'],
      [2 * CLUSTER, 3 * CLUSTER, 1, 'z'],
      [3 * CLUSTER, 6 * CLUSTER, NOBODY, '.'],
    ]);
    assert.equal(picture.complete, true);
  });

  it('looks from an older layer, as that layer saw the disk', () => {
    const { session } = chain();
    session.stand({ depth: 1, view: '' });
    assert.equal(session.view.guestSize, 4 * CLUSTER);
    const { map, accounting } = look(session);
    assert.deepEqual(toldMap(map), [
      [0, CLUSTER, 2, 'd'],
      [CLUSTER, 2 * CLUSTER, 1, 'd'],
      [2 * CLUSTER, 3 * CLUSTER, 1, 'z'],
      [3 * CLUSTER, 4 * CLUSTER, NOBODY, '.'],
    ]);
    assert.deepEqual(
      accounting.layers.map(({ owned }) => owned / CLUSTER),
      [0, 2, 1],
    );
    assert.equal(session.trace(0).steps[0]?.depth, 1);
  });

  it('looks at an internal snapshot with its own size and tables, over the parents as they are', () => {
    const { session } = chain();
    session.stand({ depth: 1, view: '1' });
    assert.equal(session.view.name, 'before');
    assert.deepEqual(toldMap(look(session).map), [
      [0, CLUSTER, 1, 'd'],
      [CLUSTER, 2 * CLUSTER, 2, 'd'],
    ]);
    session.stand({ depth: 1, view: '2' });
    assert.deepEqual(toldMap(look(session).map), [
      [0, 2 * CLUSTER, 1, 'd'],
      [2 * CLUSTER, 3 * CLUSTER, 2, 'd'],
      [3 * CLUSTER, 5 * CLUSTER, NOBODY, '.'],
      [5 * CLUSTER, 6 * CLUSTER, 1, 'd'],
      [6 * CLUSTER, 7 * CLUSTER, NOBODY, '.'],
    ]);
    const target = new Uint8Array(CLUSTER);
    assert.deepEqual(session.read(look(session), 5 * CLUSTER, target), []);
    assert.deepEqual(target, bytes(2));
    assert.equal(session.trace(5 * CLUSTER).owner, 1);
  });

  it('finds snapshots of the leaf by id before name', () => {
    const { built } = chain();
    const image = built[1]?.image;
    assert(image);
    const disk = new MemoryDisk().put('/leaf', image).put('/base', new Uint8Array(3 * CLUSTER));
    const session = new CoreSession(disk.environment, disk.leaf('/leaf'));
    assert.deepEqual(session.snapshotNamed('1'), { depth: 0, view: '1' });
    assert.deepEqual(session.snapshotNamed('before'), { depth: 0, view: '1' });
    assert.deepEqual(session.snapshotNamed('2'), { depth: 0, view: '2' });
    assert.throws(() => session.snapshotNamed('after'), {
      code: 'not-found',
      file: '/leaf',
      advice: 'It has: before, 1.',
    });
    assert.throws(() => session.snapshotNamed(''), { code: 'not-found' });
  });

  it('stands nowhere that is not there, and stays where it was', () => {
    const { session } = chain();
    session.stand({ depth: 1, view: '1' });
    for (const at of [
      { depth: 3, view: '' },
      { depth: -1, view: '' },
      { depth: 0, view: '1' },
      { depth: 1, view: 'before' },
    ]) {
      assert.throws(
        () => {
          session.stand(at);
        },
        { code: 'not-found' },
        JSON.stringify(at),
      );
    }
    assert.deepEqual(session.standpoint, { depth: 1, view: '1' });
  });

  it('sees the same again when it comes back', () => {
    const { session } = chain();
    const first = look(session);
    session.stand({ depth: 1, view: '' });
    look(session);
    session.stand(NOW);
    assert.deepEqual(look(session), first);
  });

  it('knows nothing of the disk before it is scanned, and yet reads it', () => {
    const { session } = chain();
    const before = session.newPicture();
    assert.deepEqual(toldMap(before.map), [[0, 6 * CLUSTER, UNKNOWN_OWNER, 'u']]);
    assert.equal(before.complete, false);
    assert.equal(before.accounting.unknown, 6 * CLUSTER);
    const target = new Uint8Array(CLUSTER);
    assert.deepEqual(session.read(before, CLUSTER / 2, target), []);
    const expected = new Uint8Array(CLUSTER);
    expected.set(bytes(9).subarray(CLUSTER / 2));
    expected.set(bytes(3).subarray(0, CLUSTER / 2), CLUSTER / 2);
    assert.deepEqual(target, expected);
  });

  it('reads the same from a picture of which a part is there, gaps in their places', () => {
    const { session } = openBuilt({
      layers: [{ size: 6 * CLUSTER, clusterBits: 12, clusters: new Map([1, 3, 4].map((i) => [i, data(bytes(i))])) }],
      damage: ([leaf]) => leaf?.image.pokeU64(leaf.layout.l2Entry(3) ?? 0, 0x200n),
    });
    const { guestSize } = session.view;
    const whole = new Uint8Array(guestSize);
    const gaps = session.read(look(session), 0, whole);
    assert.deepEqual(
      gaps.map(({ start, end }) => [start, end]),
      [[3 * CLUSTER, 4 * CLUSTER]],
    );
    const { chain, from } = session;
    for (let known = 0; known < 6; known += 1) {
      const picture = new Picture(guestSize, 0, 1, CLUSTER);
      const claims = [known];
      for (const scanned of scanChunks(chain, from, CLUSTER, () => claims.shift())) {
        if (scanned) picture.put(scanned.index, scanned.chunk);
      }
      assert.deepEqual([picture.known, picture.complete], [1, false]);
      const target = new Uint8Array(guestSize);
      assert.deepEqual(session.read(picture, 0, target), gaps);
      assert.deepEqual(target, whole);
    }
  });

  it('tells progress by chunks of the disk, and may be dropped at any moment', () => {
    const { session } = chain();
    const picture = new Picture(6 * CLUSTER, 0, 3, CLUSTER);
    const told: number[] = [];
    for (const { done, total } of session.scan(picture)) {
      assert.deepEqual([done, total], [picture.known, 6]);
      told.push(done);
      if (done === 2) break;
    }
    assert.deepEqual([told.at(-1), picture.complete], [2, false]);
    assert.deepEqual(toldMap(picture.map), [
      [0, CLUSTER, 0, 'd'],
      [CLUSTER, 2 * CLUSTER, 1, 'd'],
      [2 * CLUSTER, 6 * CLUSTER, UNKNOWN_OWNER, 'u'],
    ]);
    assert.equal(look(session).complete, true);
  });

  it('goes on without a layer whose tables can not be read', () => {
    const { session } = openBuilt({
      layers: [
        { size: 2 * CLUSTER, clusterBits: 12, clusters: new Map([[0, data(bytes(1))]]) },
        { size: 2 * CLUSTER, clusterBits: 12, clusters: new Map([[1, data(bytes(2))]]) },
      ],
      base: new Uint8Array(2 * CLUSTER),
      damage: ([, middle]) => middle?.image.pokeU32(36, 0x7fffffff),
    });
    const picture = look(session);
    assert.deepEqual(toldMap(picture.map), [
      [0, CLUSTER, 0, 'd'],
      [CLUSTER, 2 * CLUSTER, UNKNOWN_OWNER, 'u'],
    ]);
    assert.equal(picture.complete, true);
    assert.deepEqual(session.findings(0), []);
    assert.deepEqual(
      session.findings(1).map(({ code, severity }) => `${code} ${severity}`),
      ['scan-failed error'],
    );
    session.stand({ depth: 2, view: '' });
    assert.deepEqual(toldMap(look(session).map), [[0, 2 * CLUSTER, 2, 'd']]);
  });

  it('blames a broken snapshot only while it is looked at', () => {
    const clusters = new Map([[0, data(bytes(1))]]);
    const { session } = openBuilt({
      layers: [{ size: CLUSTER, clusterBits: 12, clusters, snapshots: [{ id: '1', name: 'one', clusters }] }],
      // Its L1 table begins in the middle of a cluster.
      damage: ([leaf]) => leaf?.image.pokeU64(leaf.layout.snapshots[0]?.entry ?? 0, 0x1200n),
    });
    assert.equal(look(session).accounting.unknown, 0);
    session.stand({ depth: 0, view: '1' });
    const broken = look(session);
    assert.deepEqual([broken.accounting.unknown, broken.complete], [CLUSTER, true]);
    assert.deepEqual(
      session.findings(0).map(({ code }) => code),
      ['scan-failed'],
    );
    session.stand(NOW);
    assert.deepEqual(session.findings(0), []);
    assert.equal(look(session).accounting.unknown, 0);
  });

  it('counts what is odd once, also where tables below or beside it can not be read', () => {
    // Tables of 64 entries: hundreds of them are scanned together.
    const clusters = 64 * 40;
    const full = new Map(Array.from({ length: clusters }, (_, i) => [i, zero()] as const));
    const layer = { size: clusters * 512, clusterBits: 9, clusters: full };
    const past = 2n ** 40n;
    const { disk, built } = openBuilt({
      layers: [layer, layer],
      damage: (images) => {
        for (const { image, layout } of images)
          for (let i = 0; i < clusters; i += 10) image.pokeU64(layout.l2Entry(i) ?? 0, past);
      },
    });
    const [leaf, base] = built;
    assert(leaf && base);
    disk.put('/1', { bytes: base.image, failsFrom: base.layout.l2Table(30) ?? 0 });
    const session = new CoreSession(disk.environment, disk.leaf('/0'));
    look(session);
    const odd = (depth: number): string[] =>
      session.findings(depth).map(({ code, message }) => `${code} ${/\d+ piece/.exec(message)?.[0] ?? ''}`);
    assert.deepEqual(odd(0), ['data-past-end 256 piece']);
    assert.deepEqual(odd(1), ['data-past-end 192 piece', 'scan-failed ']);
  });

  it('tells what is odd in the tables of the state that is looked at, and of no other', () => {
    const { session } = openBuilt({
      layers: [
        {
          size: 4 * CLUSTER,
          clusterBits: 12,
          clusters: new Map([[0, data(bytes(1))]]),
          snapshots: [{ id: '1', name: 'old', clusters: new Map([[1, data(bytes(2))]]) }],
        },
      ],
      damage: ([base]) => {
        base?.image.pokeU64(base.layout.snapshots[0]?.l1 ?? 0, 2n ** 40n);
      },
    });
    const odd = (): unknown[] => {
      const { nobody } = look(session).accounting;
      const findings = session.findings(0);
      return [findings.map(({ code }) => code), lostBytes(findings, nobody)];
    };
    session.stand({ depth: 0, view: '1' });
    assert.deepEqual(odd(), [['l2-past-end'], 4 * CLUSTER]);
    session.stand(NOW);
    assert.deepEqual(odd(), [[], 0]);
  });

  it('does not count against a whole snapshot that the current state has lost its tables', () => {
    const { session } = openBuilt({
      layers: [
        {
          size: 4 * CLUSTER,
          clusterBits: 12,
          snapshots: [{ id: '1', name: 'old', clusters: new Map([[1, data(bytes(2))]]) }],
        },
      ],
      // The header's offset of the current state's L1 table.
      damage: ([base]) => base?.image.pokeU64(40, 2n ** 40n),
    });
    assert.deepEqual(
      session.findings(0).map(({ code }) => code),
      ['l1-past-end'],
    );
    session.stand({ depth: 0, view: '1' });
    look(session);
    assert.deepEqual(session.findings(0), []);
  });

  it('tries a layer again that failed', () => {
    const { disk, built } = openBuilt({
      layers: [{ size: CLUSTER, clusterBits: 12, clusters: new Map([[0, data(bytes(1))]]) }],
    });
    const l2 = built[0]?.layout.l2Table(0);
    assert(l2 !== undefined);
    let broken = false;
    const leaf = disk.leaf('/0');
    const source = {
      size: leaf.source.size,
      close: () => {
        leaf.source.close();
      },
      readInto: (target: Uint8Array, position: number): void => {
        if (broken && position >= l2) leaf.source.readInto(target, 2 ** 40);
        else leaf.source.readInto(target, position);
      },
    };
    const session = new CoreSession(disk.environment, { ...leaf, source });
    broken = true;
    assert.deepEqual(
      [look(session).accounting.unknown, session.findings(0).map(({ code }) => code)],
      [CLUSTER, ['scan-failed']],
    );
    broken = false;
    assert.deepEqual([look(session).accounting.unknown, session.findings(0)], [0, []]);
  });

  it('closes every file it opened, data files too', () => {
    const { session, disk } = openBuilt({
      layers: [
        { size: CLUSTER, clusterBits: 12 },
        { size: CLUSTER, clusterBits: 12, dataFile: { name: 'data' } },
      ],
      base: new Uint8Array(CLUSTER),
    });
    assert.deepEqual(disk.openFiles.sort(), ['/0', '/1', '/base', '/data']);
    session.close();
    assert.deepEqual(disk.openFiles, []);
  });
});
