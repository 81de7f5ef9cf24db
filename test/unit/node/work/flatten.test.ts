import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import type { Compressor } from '../../../../src/core';
import { finish } from '../../../../src/core';
import { TRUST_ALL } from '../../../../src/node/gate';
import { ImageServer } from '../../../../src/node/imageServer';
import { flatten } from '../../../../src/node/work/flatten';
import type { FlattenParams, WorkerEvents } from '../../../../src/protocol/worker';
import { buildQcow2, data, guestBytes, noise, writeImage } from '../../../fixtures/build/index';
import { openDescriptors } from '../../../support/specialFiles';
import { withSession } from '../../../support/session';
import { makeTempFolder, removeFolder } from '../../../support/temp';

const CLUSTER = 65536;

describe('flattening to a file', () => {
  let folder: string;
  let target: string;
  const spec = { size: 64 * CLUSTER, clusters: new Map([1, 40].map((i) => [i, data(noise(i, CLUSTER))] as const)) };
  beforeEach(() => {
    folder = makeTempFolder('flatten');
    target = join(folder, 'out');
    writeImage(join(folder, 'leaf.qcow2'), buildQcow2(spec).image);
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const names = (): string[] => readdirSync(folder).sort();
  const job = (more: Partial<Parameters<typeof flatten>[1]> = {}): Parameters<typeof flatten>[1] => ({
    target,
    replace: false,
    format: 'qcow2',
    verify: false,
    policy: TRUST_ALL,
    ...more,
  });

  it('a copy that reads back otherwise is no copy, when it is verified', async () => {
    let count = 0;
    const liar: Compressor = {
      type: 'zlib',
      compress: (input) => {
        count += 1;
        const other = input.slice();
        if (count === 2) other[1000] = (other[1000] ?? 0) ^ 0x10;
        return deflateRawSync(other.fill(0, 2000), { windowBits: 12 });
      },
    };
    writeImage(
      join(folder, 'short.qcow2'),
      buildQcow2({ ...spec, clusters: new Map([2, 5].map((i) => [i, data(noise(i, 2000))] as const)) }).image,
    );
    writeFileSync(target, 'old');
    await withSession(join(folder, 'short.qcow2'), undefined, ({ session }) => {
      const run = (): unknown => finish(flatten(session, job({ compressor: liar, verify: true, replace: true })));
      assert.throws(run, {
        name: 'DiskError',
        code: 'corrupt',
        file: target,
        message: `the sector at guest byte ${5 * CLUSTER + 512} of the copy is not that of the original`,
      });
    });
    assert.deepEqual(names(), ['leaf.qcow2', 'out', 'short.qcow2']);
    assert.equal(readFileSync(target, 'utf8'), 'old');
  });

  it('dropped at any step, it leaves no file, open or named', async () => {
    await withSession(join(folder, 'leaf.qcow2'), undefined, ({ session }) => {
      for (let steps = 1; ; steps += 1) {
        const running = flatten(session, job({ verify: true }));
        let step = running.next();
        for (let i = 1; i < steps && !step.done; i += 1) step = running.next();
        if (step.done) {
          assert(steps > 8, `${steps} steps`);
          break;
        }
        running.return({ guestSize: 0, fileSize: 0, diskUsage: undefined });
        assert.deepEqual(names(), ['leaf.qcow2']);
        if (process.platform === 'linux') {
          assert.deepEqual(
            [...openDescriptors().values()].filter((file) => file.includes('.tmp')),
            [],
          );
        }
      }
    });
    assert.deepEqual(names(), ['leaf.qcow2', 'out']);
  });

  it('tells how far it is, ever further', async () => {
    await withSession(join(folder, 'leaf.qcow2'), undefined, ({ session }) => {
      let last = 0;
      for (const { done, total } of flatten(session, job({ verify: true }))) {
        assert.equal(total, 2 * 64 * CLUSTER);
        assert(done >= last && done <= total, `${done} after ${last}`);
        last = done;
      }
      assert(last > 64 * CLUSTER, 'nothing is told of the second half');
    });
  });

  it('tells nothing of the tables that are read before, however many they are', async () => {
    const size = 2 ** 17 * 512;
    const image = join(folder, 'fine.qcow2');
    writeImage(
      image,
      buildQcow2({
        size,
        clusterBits: 9,
        clusters: new Map([0, 2 ** 17 - 1].map((i) => [i, data(noise(i, 512))] as const)),
      }).image,
    );
    await withSession(image, undefined, ({ session }) => {
      let last = 0;
      for (const { done } of flatten(session, job())) {
        assert(done >= last, `${done} after ${last}`);
        last = done;
      }
      assert(last > 0);
    });
  });

  it('a raw image is not compressed', async () => {
    await withSession(join(folder, 'leaf.qcow2'), undefined, ({ session }) => {
      const compressor: Compressor = { type: 'zlib', compress: (input) => input };
      assert.throws(() => finish(flatten(session, job({ format: 'raw', compressor }))), { code: 'unsupported' });
    });
    assert.deepEqual(names(), ['leaf.qcow2']);
  });

  describe('for the worker', () => {
    let working: WorkerEvents['working'][];
    let server: ImageServer;
    beforeEach(() => {
      working = [];
      server = new ImageServer((name, sent) => {
        if (name === 'working') working.push(sent as WorkerEvents['working']);
      });
      server.open({ path: join(folder, 'leaf.qcow2'), policy: TRUST_ALL, forceRaw: false });
    });
    afterEach(async () => {
      server.open({ path: join(folder, 'nothing'), policy: TRUST_ALL, forceRaw: false });
      await setImmediate();
    });

    const params = (more: Partial<FlattenParams> = {}): FlattenParams => ({
      target,
      replace: false,
      format: 'raw',
      verify: false,
      ...more,
    });

    it('writes what is looked at', async () => {
      const told = await server.flatten(params());
      assert.deepEqual([told?.guestSize, told?.fileSize], [64 * CLUSTER, statSync(target).size]);
      assert.equal(Buffer.compare(readFileSync(target), guestBytes(spec)), 0);
    });

    it('writes it compressed, and reads it again', async () => {
      const told = await server.flatten(params({ format: 'qcow2', compression: 'zstd', verify: true }));
      assert.equal(told?.fileSize, statSync(target).size);
      await withSession(target, undefined, ({ session, picture }) => {
        const bytes = new Uint8Array(64 * CLUSTER);
        assert.deepEqual(session.read(picture, 0, bytes), []);
        assert.equal(Buffer.compare(bytes, guestBytes(spec)), 0);
      });
    });

    it('leaves nothing when it is cancelled', async () => {
      const running = server.flatten(params());
      await setImmediate();
      server.cancel('flatten');
      assert.equal(await running, null);
      assert.deepEqual(names(), ['leaf.qcow2']);
    });
  });
});
