/**
 * Deleting a layer stopped at each moment that is told, first to last, as a person's cancelling does: qemu-img is ended in
 * the middle of what it does, and every newest layer reads as before.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { TRUST_ALL } from '../../src/node/gate';
import { findQemuImg } from '../../src/node/qemuImg';
import { deleteLayer, planDelete } from '../../src/node/snapshots/delete';
import { lacksQemu, qemuImg, qemuIo } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

const MOST_MOMENTS = 100;
const LEAVES = ['one', 'two'];

describe('deleting a layer, stopped at each moment', () => {
  if (lacksQemu()) return;
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('stops');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  function make(image: string, on: string | undefined, ...writes: readonly string[]): void {
    const how = on === undefined ? [image, '8M'] : ['-b', on, '-F', 'qcow2', image];
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', ...how);
    if (writes.length > 0) qemuIo(folder, ['-f', 'qcow2', image], writes);
  }
  function family(): void {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    make('base', undefined, 'write -P 1 0 8M');
    make('layer', 'base', 'write -P 2 1M 4M');
    make('one', 'layer');
    make('two', 'layer', 'write -P 3 2M 1M');
    // What changed a moment ago is looked at twice.
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1_000_000, 1_000_000);
  }
  const hashes = (): string[] =>
    LEAVES.map((image) => {
      qemuImg(folder, 'convert', '-q', '-f', 'qcow2', '-O', 'raw', image, 'truth');
      const bytes = readFileSync(join(folder, 'truth'));
      rmSync(join(folder, 'truth'));
      return createHash('sha256').update(bytes).digest('hex');
    });

  for (const direction of ['commit', 'pull'] as const) {
    it(direction, async function () {
      this.timeout(300_000);
      const tool = await findQemuImg();
      let told = 0;
      let moment = 0;
      do {
        moment += 1;
        family();
        const before = hashes();
        const controller = new AbortController();
        told = 0;
        const tell = (): void => {
          told += 1;
          if (told === moment) controller.abort();
        };
        const conduct = { signal: controller.signal, progress: tell, running: tell, ran: tell };
        await deleteLayer({ image: join(folder, 'layer'), direction }, tool, TRUST_ALL, conduct).catch(
          (error: unknown) => {
            if (error !== controller.signal.reason) throw error;
          },
        );
        assert.deepEqual(hashes(), before, `stopped at moment ${moment}`);
      } while (told >= moment && moment < MOST_MOMENTS);
      assert(moment > 5);
    });
  }

  it('is not gone on with where an image has its other parent and not what it was to take', async () => {
    for (const left of [[], ['one']]) {
      family();
      const image = join(folder, 'layer');
      const controller = new AbortController();
      const running = (): void => {
        controller.abort();
      };
      const tool = await findQemuImg();
      const request = { image, direction: 'pull' } as const;
      await assert.rejects(deleteLayer(request, tool, TRUST_ALL, { signal: controller.signal, running }));
      // As when power is lost between the header and the tables.
      for (const leaf of LEAVES.filter((name) => !left.includes(name))) {
        qemuImg(folder, 'rebase', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base', leaf);
      }
      const { refusals } = await planDelete(request, TRUST_ALL);
      assert.deepEqual(
        refusals.map(({ code }) => code).filter((code) => code !== 'no-children'),
        ['pull-not-seen'],
      );
    }
  });
});
