/** Disks of which a file was cut short: a copy is the disk as it was, or there is none. */
import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiskError } from '../../src/core';
import type { Cluster, Qcow2Spec } from '../fixtures/build/index';
import {
  buildQcow2,
  compressed,
  data,
  guestBytes,
  noise,
  prose,
  subclusters,
  writeImage,
  zero,
} from '../fixtures/build/index';
import { runCli, runCliJson } from '../support/cli';
import { flattenImage } from '../support/flatten';
import { lacksQemu, qemuImg, qemuIo, qemuMap } from '../support/qemu';
import { withSession } from '../support/session';
import { makeTempFolder, removeFolder } from '../support/temp';

const MIB = 2 ** 20;

type Clusters = ReadonlyMap<number, Cluster>;

describe('a disk of which a file was cut short', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeEach(() => {
    folder = makeTempFolder('cut-short');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  /** @returns its bytes, or why there is none */
  async function copyOf(
    image: string,
    more: { snapshot?: string; salvage?: boolean } = {},
  ): Promise<Buffer | DiskError> {
    try {
      await flattenImage(at(image), at('out'), 'raw', { replace: true, ...more });
      return readFileSync(at('out'));
    } catch (error) {
      if (error instanceof DiskError) return error;
      throw error;
    }
  }

  async function assertRefused(image: string, lost: { readonly guest: number; readonly file: string }): Promise<void> {
    const answer = await copyOf(image);
    assert(answer instanceof DiskError, 'a copy was made');
    assert.deepEqual([answer.code, answer.file], ['short-read', at(lost.file)]);
    assert.match(answer.message, new RegExp(`^guest byte ${lost.guest} `));
  }

  describe('by its data file', () => {
    if (lacksQemu()) return;
    for (const options of ['cluster_size=64k', 'extended_l2=on,cluster_size=64k']) {
      it(`(${options}) is not copied, and is told of`, async () => {
        qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-o', `data_file=d.raw,${options}`, 'e.qcow2', '64M');
        qemuIo(folder, ['-f', 'qcow2', 'e.qcow2'], ['write -P 0x55 0 32M']);
        const codes = (): Promise<string[]> =>
          withSession(at('e.qcow2'), undefined, ({ session }) => session.findings(0).map(({ code }) => code));
        assert.deepEqual(await codes(), []);
        truncateSync(at('d.raw'), 8 * MIB);

        await assertRefused('e.qcow2', { guest: 8 * MIB, file: 'd.raw' });
        qemuImg(folder, 'convert', '-O', 'raw', 'e.qcow2', 'theirs');
        const salvaged = await copyOf('e.qcow2', { salvage: true });
        assert(salvaged instanceof Buffer);
        assert.equal(Buffer.compare(salvaged, readFileSync(at('theirs'))), 0);

        assert.deepEqual(await codes(), ['data-file-short', 'data-past-end']);
        for (const verb of ['info', 'chain'])
          assert.match(runCli([verb, 'e.qcow2'], { cwd: folder }).stdout, /data file .*ends 56 MiB before the disk/);
        assert.match(
          runCli(['chain', 'e.qcow2'], { cwd: folder }).stdout,
          /the data file ends before \d+ pieces of data \(the first for guest byte 0x80_0000\)/,
        );
        const ours = runCliJson(['map', 'e.qcow2'], { cwd: folder }) as {
          start: number;
          length: number;
          offset: number;
        }[];
        const places = (map: readonly { start: number; length: number; offset?: number }[]): unknown[] =>
          map.map(({ start, length, offset }) => [start, length, offset]);
        assert.deepEqual(places(ours), places(qemuMap(folder, 'e.qcow2')));
      });
    }
  });

  describe('behind what newer layers hold', () => {
    const CLUSTER = 65536;
    const COUNT = 12;
    const cells = {
      plain: (i: number) => data(noise(i, CLUSTER)),
      compressed: (i: number) => compressed(prose(i, CLUSTER)),
      mixed: (i: number) =>
        i % 3 === 0 ? compressed(prose(i, CLUSTER)) : i % 3 === 1 ? zero() : data(noise(i, CLUSTER)),
      fine: (i: number) => subclusters(`d${'.'.repeat(30)}d`, noise(i, CLUSTER)),
    };
    for (const [name, cell] of Object.entries(cells)) {
      it(`is copied as it was, or not at all, wherever it was cut (${name})`, async () => {
        const size = COUNT * CLUSTER;
        const extendedL2 = name === 'fine';
        const held = (from: number, to: number): Clusters =>
          new Map(Array.from({ length: to - from }, (_, i) => [from + i, cell(from + i)] as const));
        const base: Qcow2Spec = { size, extendedL2, clusters: held(0, COUNT) };
        const { image } = buildQcow2(base);
        writeImage(at('whole.qcow2'), image);
        const bytes = readFileSync(at('whole.qcow2'));
        const below = guestBytes(base);
        for (const covered of [0, 5, COUNT]) {
          const clusters = new Map(
            Array.from({ length: covered }, (_, i) => [i, data(noise(100 + i, CLUSTER))] as const),
          );
          const leaf: Qcow2Spec = { size, backing: 'cut.qcow2', backingFormat: 'qcow2', clusters };
          writeImage(at('leaf.qcow2'), buildQcow2(leaf).image);
          const intact = guestBytes(leaf, below);
          let copies = 0;
          for (let end = 2 * CLUSTER; end <= bytes.length; end += CLUSTER / 2) {
            writeFileSync(at('cut.qcow2'), bytes.subarray(0, end));
            // In the middle of a plain cluster no cut can be told from an honest end.
            const told = end % CLUSTER === 0 || end === bytes.length || name === 'compressed' || name === 'fine';
            const copy = await copyOf('leaf.qcow2');
            if (copy instanceof DiskError) {
              const salvaged = await copyOf('leaf.qcow2', { salvage: true });
              assert(
                salvaged instanceof DiskError || Buffer.compare(salvaged, intact) !== 0,
                `${covered} covered, cut at ${end}: nothing is lost, and yet: ${copy.message}`,
              );
            } else if (told || covered === COUNT) {
              assert.equal(Buffer.compare(copy, intact), 0, `${covered} covered, cut at ${end}`);
              copies += 1;
            }
          }
          if (covered === COUNT) assert(copies > 5, `${copies} copies`);
        }
      });
    }
  });

  it('is not copied when a newer layer has lost what would hide the older one', async () => {
    const CLUSTER = 65536;
    const size = 4 * CLUSTER;
    writeFileSync(at('base.raw'), noise(1, size));
    const leaf = buildQcow2({
      size,
      backing: 'base.raw',
      backingFormat: 'raw',
      clusters: new Map([[3, data(noise(2, CLUSTER))]]),
    });
    leaf.image.truncate(leaf.layout.l2Table(0) ?? NaN);
    writeImage(at('leaf.qcow2'), leaf.image);
    await assertRefused('leaf.qcow2', { guest: 0, file: 'leaf.qcow2' });
  });

  it('is copied past the end of a shorter layer in between: nobody sees what is lost there', async () => {
    const CLUSTER = 65536;
    const base = buildQcow2({ size: 4 * CLUSTER, clusters: new Map([[3, data(noise(2, CLUSTER))]]) });
    base.image.truncate(base.layout.l1.offset);
    writeImage(at('base.qcow2'), base.image);
    const held = (count: number): Clusters =>
      new Map(Array.from({ length: count }, (_, i) => [i, data(noise(i, CLUSTER))] as const));
    const between: Qcow2Spec = { size: 2 * CLUSTER, backing: 'base.qcow2', backingFormat: 'qcow2', clusters: held(2) };
    writeImage(at('between.qcow2'), buildQcow2(between).image);
    const leaf: Qcow2Spec = { size: 4 * CLUSTER, backing: 'between.qcow2', backingFormat: 'qcow2' };
    writeImage(at('leaf.qcow2'), buildQcow2(leaf).image);
    const copy = await copyOf('leaf.qcow2');
    assert(copy instanceof Buffer, String(copy));
    const expected = new Uint8Array(4 * CLUSTER);
    expected.set(guestBytes(between));
    assert.equal(Buffer.compare(copy, expected), 0);
  });

  it('in its current state alone is copied in the state of a snapshot', async () => {
    const CLUSTER = 65536;
    const old = new Map([[0, data(noise(2, CLUSTER))]]);
    const size = 4 * CLUSTER;
    const { image } = buildQcow2({
      size,
      clusters: new Map([[1, data(noise(1, CLUSTER))]]),
      snapshots: [{ id: '7', name: 'before', clusters: old, date: 1_700_000_000 }],
    });
    // The header's offset of the active L1 table.
    image.pokeU64(40, 1n << 40n);
    writeImage(at('disk.qcow2'), image);
    await assertRefused('disk.qcow2', { guest: 0, file: 'disk.qcow2' });
    const copy = await copyOf('disk.qcow2', { snapshot: 'before' });
    assert(copy instanceof Buffer, String(copy));
    assert.equal(Buffer.compare(copy, guestBytes({ size, clusters: old })), 0);
  });
});
