/**
 * Broken images: bytes of the header and of every table are changed at random, sometimes the file is cut. Whatever
 * comes of it, the reader ends with a DiskError or with an answer that agrees with itself.
 */
import assert from 'node:assert/strict';
import type { Picture, Session as CoreSession } from '../../src/core';
import { DiskError, finish, Session } from '../../src/core';
import { runAt } from '../../src/core/runs';
import type { BuiltQcow2, Cluster, Qcow2Spec } from '../fixtures/build/index';
import { buildQcow2, compressed, data, noise, prose, subclusters, zero, zeroAllocated } from '../fixtures/build/index';
import { mapEntries } from '../support/map';
import { MemoryDisk } from '../support/memory';
import { Draw } from '../support/random';

const DEFAULT_SEED = 20_260_101;
const seed = Number(process.env['VMDISK_SEED'] ?? DEFAULT_SEED);
const rounds = Number(process.env['VMDISK_FUZZ_ROUNDS'] ?? 4000);
/** With these a scan stops early, where a trace of one byte still finds its way. */
const STOPPED_EARLY = ['tables-exceed-file', 'too-many-runs'];

const SPECS: readonly Qcow2Spec[] = [
  {
    size: 512 * 300,
    clusterBits: 9,
    backing: 'base',
    backingFormat: 'raw',
    snapshots: [{ id: '1', name: 'before', clusters: new Map([[1, data(noise(3, 512))]]) }],
    bitmaps: [{ name: 'bitmap', granularityBits: 16, dirty: [] }],
    clusters: new Map<number, Cluster>([
      [0, data(noise(1, 512))],
      [5, zero()],
      [70, zeroAllocated()],
      [71, compressed(prose(1, 512))],
      [200, data(noise(2, 512))],
    ]),
  },
  {
    size: 16384 * 6,
    clusterBits: 14,
    extendedL2: true,
    featureNames: true,
    clusters: new Map<number, Cluster>([
      [0, subclusters(`${'dz.'.repeat(10)}dd`, noise(1, 16384))],
      [2, data(noise(1, 100))],
      [3, compressed(prose(2, 16384))],
    ]),
  },
];

/** Where a changed byte changes most: header and extensions, tables, directories. */
function places({ layout }: BuiltQcow2): (readonly [offset: number, length: number])[] {
  return [
    [0, 160],
    [layout.l1.offset, 24],
    [layout.l2Table(0) ?? 0, layout.clusterSize],
    [layout.refcountTable.offset, 16],
    [layout.snapshotTable?.offset ?? 0, 64],
    [layout.bitmapDirectory?.offset ?? 0, 48],
  ];
}

function breakImage(draw: Draw): Uint8Array {
  const built = buildQcow2(draw.pick(SPECS));
  const bytes = built.image.toBytes();
  for (let changes = draw.between(1, 6); changes > 0; changes -= 1) {
    const [offset, length] = draw.pick(places(built));
    bytes[offset + draw.below(length)] = draw.pick([0, 1, 2, 0x7f, 0x80, 0xff, draw.below(256)]);
  }
  return draw.chance(0.1) ? bytes.subarray(0, draw.below(bytes.length)) : bytes;
}

/** @throws AssertionError when what is said of one state of the disk contradicts itself */
function assertAgrees(session: CoreSession, picture: Picture, draw: Draw): void {
  const { map, accounting } = picture;
  const { guestSize } = session.view;
  const owned = accounting.layers.reduce((sum, layer) => sum + layer.owned, 0);
  assert.equal(owned + accounting.nobody + accounting.unknown, guestSize, 'the owners add up');
  assert(accounting.layers.every(({ shadowed }) => shadowed >= 0));
  let end = 0;
  for (const entry of mapEntries(session)) {
    assert.equal(entry.start, end, 'the map has no gap');
    end += entry.length;
  }
  assert.equal(end, guestSize);
  const early = session.findings(0).some(({ code }) => STOPPED_EARLY.includes(code));
  for (const part of guestSize === 0 ? [] : [0, 1, draw.next() / 2 ** 32, draw.next() / 2 ** 32]) {
    const offset = Math.min(Math.floor(part * guestSize), guestSize - 1);
    const trace = session.trace(offset);
    const run = runAt(map, offset);
    if (!early) assert.deepEqual([trace.owner, trace.kind], [map.owner[run], map.kind[run]], `byte ${offset}`);
    session.read(picture, offset, new Uint8Array(Math.min(700, guestSize - offset)));
    session.pixels(picture, offset, 4096, 16);
  }
}

describe(`broken qcow2 images (VMDISK_SEED=${seed}, VMDISK_FUZZ_ROUNDS=${rounds})`, () => {
  const STEPS = 10;
  for (let step = 0; step < STEPS; step += 1) {
    it(`${step + 1} of ${STEPS}: end with an error or with answers that agree`, () => {
      let answered = 0;
      for (let round = step; round < rounds; round += STEPS) {
        const draw = Draw.named(seed, `round ${round}`);
        const disk = new MemoryDisk().put('/image', breakImage(draw)).put('/base', noise(1, 512 * 200));
        try {
          const session = new Session(disk.environment, disk.leaf('/image'), { format: 'qcow2' });
          for (const { id } of session.chain.layers[0]?.layer.views ?? []) {
            session.stand({ depth: 0, view: id });
            assertAgrees(session, finish(session.scan()), draw);
          }
          session.close();
          assert.deepEqual(disk.openFiles, [], 'every file is closed');
          answered += 1;
        } catch (error) {
          if (error instanceof DiskError) continue;
          throw new Error(`round ${round} of seed ${seed}`, { cause: error });
        }
      }
      assert(answered > rounds / STEPS / 4, `only ${answered} images could be opened`);
    });
  }
});
