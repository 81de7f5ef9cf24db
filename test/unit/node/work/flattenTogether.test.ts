import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { Session } from '../../../../src/core';
import { PIECE } from '../../../../src/core/convert/pieces';
import { codecsReady } from '../../../../src/node/codecs';
import { Claims } from '../../../../src/node/crew/claims';
import { startTask } from '../../../../src/node/crew/start';
import { createEnvironment } from '../../../../src/node/environment';
import { fileId } from '../../../../src/node/fileId';
import { openFile } from '../../../../src/node/files';
import { TRUST_ALL } from '../../../../src/node/gate';
import { NewFile } from '../../../../src/node/newFile';
import { elsewhere, withSameDisk } from '../../../../src/node/sameDisk';
import { inSlices, StopToken } from '../../../../src/node/slices';
import { flatten } from '../../../../src/node/work/flatten';
import type { FlattenShare } from '../../../../src/node/work/flattenShare';
import { buildQcow2, compressed, data, guestBytes, noise, writeImage } from '../../../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../../../support/temp';

const CLUSTER = 65536;
const PER_PIECE = PIECE / CLUSTER;

describe('a raw copy by several threads', () => {
  /** Some of each of ten pieces, but nothing of the fourth. */
  const size = 10 * PIECE - CLUSTER / 2;
  const held = Array.from({ length: 10 * PER_PIECE }, (_, i) => i).filter(
    (i) => i % 7 < 3 && Math.floor(i / PER_PIECE) !== 3,
  );
  const spec = { size, clusters: new Map(held.map((i) => [i, data(noise(i, CLUSTER))] as const)) };
  let folder: string;
  let image: string;
  let target: string;
  beforeEach(() => {
    folder = makeTempFolder('together');
    image = join(folder, 'leaf.qcow2');
    target = join(folder, 'out');
    writeImage(image, buildQcow2(spec).image);
  });
  afterEach(() => {
    removeFolder(folder);
  });

  async function withDisk(use: (session: Session) => Promise<void>): Promise<void> {
    await codecsReady();
    const session = new Session(createEnvironment(TRUST_ALL), openFile(image, TRUST_ALL));
    try {
      await use(session);
    } finally {
      session.close();
    }
  }

  const copy = (session: Session, token = new StopToken(), tell: (done: number) => void = () => undefined) => {
    const job = { target, replace: false, format: 'raw', verify: false, policy: TRUST_ALL, threads: 3 } as const;
    const running = flatten(session, job);
    return inSlices(running, token, ({ done }) => {
      tell(done);
    }).finally(() => running.return({ guestSize: 0, fileSize: 0, diskUsage: undefined }));
  };
  const names = (): string[] => readdirSync(folder).sort();

  it('has the bytes that the disk has', async () => {
    await withDisk(async (session) => {
      const told: number[] = [];
      const written = await copy(session, undefined, (done) => told.push(done));
      assert.equal(written?.fileSize, size);
      assert.deepEqual(
        told,
        [...told].sort((a, b) => a - b),
        'progress rises',
      );
    });
    assert.equal(Buffer.compare(readFileSync(target), guestBytes(spec)), 0);
    assert.deepEqual(names(), ['leaf.qcow2', 'out']);
  });

  it('is made by one alone where the others see another file', async () => {
    await withDisk(async (session) => {
      const disk = elsewhere(session, TRUST_ALL);
      assert.equal(await withSameDisk(disk, ({ from }) => from.view.guestSize), size);
      utimesSync(image, 1, 1);
      assert.equal(await withSameDisk(disk, () => 'opened'), undefined);
      await copy(session);
    });
    assert.equal(Buffer.compare(readFileSync(target), guestBytes(spec)), 0);
  });

  it('of a disk that others can no longer open is made by one alone, too', async () => {
    await withDisk(async (session) => {
      const disk = { ...elsewhere(session, TRUST_ALL), path: join(folder, 'gone') };
      assert.equal(await withSameDisk(disk, () => 'opened'), undefined);
    });
  });

  it('ends with the first byte that can’t be read, whoever finds it, and leaves nothing', async () => {
    for (const bad of [[4], [1, 9], [6, 7, 8]]) {
      const broken = held.filter((i) => bad.includes(Math.floor(i / PER_PIECE)));
      const clusters = new Map(spec.clusters);
      for (const i of broken) clusters.set(i, compressed(noise(i, CLUSTER), noise(i, 600).fill(0xff, 0, 8)));
      writeImage(image, buildQcow2({ ...spec, clusters }).image);
      await withDisk(async (session) => {
        await assert.rejects(copy(session), {
          code: 'corrupt',
          message: new RegExp(`^guest byte ${Math.min(...broken) * CLUSTER} can't be read`),
        });
      });
      assert.deepEqual(names(), ['leaf.qcow2']);
    }
  });

  it('is written by helpers, in the file that they are told of and no other', async () => {
    await withDisk(async (session) => {
      const file = new NewFile(target, { replace: false });
      try {
        const { temporary: path } = file;
        const share = (id: string): FlattenShare => ({
          disk: elsewhere(session, TRUST_ALL),
          file: { path, id, target },
          claims: Claims.ofPieces(10).shared,
        });
        await assert.rejects(startTask('flattenShare', share('0:0')).done, { code: 'io', file: target });
        assert.equal(statSync(path).size, 0);
        assert.equal(await startTask('flattenShare', share(fileId(path) ?? '')).done, null);
        file.setSize(size);
        assert.equal(Buffer.compare(readFileSync(path), guestBytes(spec)), 0);
      } finally {
        file.abandon();
      }
    });
  });

  it('leaves nothing when it is stopped', async () => {
    await withDisk(async (session) => {
      const token = new StopToken();
      const running = copy(session, token, () => {
        token.stop();
      });
      assert.equal(await running, undefined);
    });
    assert.deepEqual(names(), ['leaf.qcow2']);
  });
});
