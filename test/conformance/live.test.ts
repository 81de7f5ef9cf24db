import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { runCliJson } from '../support/cli';
import { isAtLeast, type MapEntry, qemuImg, qemuMap, qemuVersion } from '../support/qemu';
import { snapshotEntries } from '../support/qcow2Patch';
import { Draw } from '../support/random';
import { makeTempFolder, removeFolder } from '../support/temp';
import { pack, unpack } from '../support/sparse';
import { Workshop } from '../support/workshop';
import { assertAccountsMatch, assertAddsUp, type ChainOutput } from './accounts';
import { mapDifferences } from './compare';
import { assertReads } from './content';
import { randomChain } from './randomChain';
import { assertPrintedTrace, assertTraces, samplesOf, type TraceOutput } from './traces';

const DEFAULT_SEED = 20_260_101;
const seed = Number(process.env['VMDISK_SEED'] ?? DEFAULT_SEED);
const chains = Number(process.env['VMDISK_CHAINS'] ?? 16);
const version = qemuVersion();
/** qemu-img 6.1 was the first to tell `present`; `compressed` came with 8.2. */
const usable = version !== undefined && isAtLeast(version, 6, 1);
const STATUS = ['depth', 'present', 'zero', 'data'] as const;
const FIELDS = ['start', 'length', 'offset', ...STATUS] as const;

/** Older ones do not part compressed clusters from others that have no offset either: then neither may we. */
function joined(map: readonly MapEntry[]): MapEntry[] {
  const entries: MapEntry[] = [];
  for (const entry of map) {
    const last = entries.at(-1);
    const noPlace = last?.offset === undefined && entry.offset === undefined;
    if (last && noPlace && STATUS.every((field) => last[field] === entry[field])) {
      entries[entries.length - 1] = { ...last, length: last.length + entry.length };
    } else entries.push(entry);
  }
  return entries;
}

describe(`live comparison with qemu-img ${version?.text ?? ''} (VMDISK_SEED=${seed})`, () => {
  if (!usable) {
    const required = (process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '';
    const title = 'is not run: there is no qemu-img (6.1 or newer) on PATH; install qemu-utils';
    // Without a body mocha lists it as pending.
    const found = version ? `qemu-img ${version.text} is too old` : 'there is no qemu-img on PATH';
    if (required) it('has qemu-img', () => assert.fail(`${found} and VMDISK_REQUIRE_QEMU is set: install qemu-utils`));
    else it(title);
    return;
  }

  for (let number = 1; number <= chains; number += 1) {
    describe(`chain ${number}`, () => {
      const draw = Draw.named(seed, `chain ${number}`);
      let folder: string;
      let images: string[] = [];

      before(() => {
        const temp = makeTempFolder('live');
        folder = join(temp, 'images');
        const built = join(temp, 'built');
        const scratch = join(temp, 'scratch');
        for (const path of [folder, built, scratch]) mkdirSync(path);
        // Half of them as QEMU leaves them on this file system, half with every block of zeroes a hole.
        const asLeft = draw.chance(0.5);
        const shop = new Workshop(asLeft ? folder : built, scratch, draw);
        images = randomChain(shop);
        if (!asLeft) unpack(pack(built, new Map([...shop.files.keys()].map((file) => [file, 'sparse']))), folder);
        // Linux counts space that was kept but never written as a hole until its zeroes were read once: read them now,
        // since whoever asks second would otherwise see fewer holes than who asks first.
        for (const file of shop.files.keys()) {
          for (const where of new Set([folder, shop.folder])) readFileSync(join(where, file));
        }
      });

      after(() => {
        removeFolder(join(folder, '..'));
      });

      it('map, of each layer as a leaf', () => {
        for (const image of images) {
          const actual = runCliJson(['map', image], { cwd: folder }) as MapEntry[];
          const expected = qemuMap(folder, '-U', image);
          const differences: string[] = isAtLeast(version, 8, 2)
            ? mapDifferences(actual, expected)
            : mapDifferences(joined(actual), expected, FIELDS);
          assert.deepEqual(differences, [], `${image} of ${images.join(' <- ')}`);
        }
      });

      it('chain counts as the map does', () => {
        const leaf = images.at(-1) ?? '';
        const chain = runCliJson(['chain', leaf], { cwd: folder }) as ChainOutput;
        assertAddsUp(chain);
        assert.equal(chain.end, 'base');
        assert.equal(chain.layers.length, images.length);
        if (isAtLeast(version, 8, 2)) assertAccountsMatch(chain, qemuMap(folder, '-U', leaf));
      });

      it('trace finds the owners', async () => {
        const leaf = images.at(-1) ?? '';
        const samples = samplesOf(qemuMap(folder, '-U', leaf), draw);
        for (const sample of draw.shuffle(samples).slice(0, 3)) {
          const trace = runCliJson(['trace', leaf, String(sample.offset)], { cwd: folder });
          assertPrintedTrace(trace as TraceOutput, sample);
        }
        await assertTraces(folder, leaf, samples);
      });

      it('reads as qemu-img convert reads', async () => {
        for (const image of images) {
          const convert = (end = Infinity, ...more: readonly string[]): { size: number; sha256: string } => {
            const out = join(folder, '..', 'out.raw');
            qemuImg(folder, 'convert', '-q', '-U', ...more, '-O', 'raw', image, out);
            const bytes = readFileSync(out).subarray(0, end);
            return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
          };
          await assertReads(folder, image, convert());
          if (image.endsWith('.raw')) continue;
          for (const { id, diskSize } of snapshotEntries(readFileSync(join(folder, image)))) {
            // convert -l keeps the active state's size, so that a longer snapshot is not read to its end.
            await assertReads(folder, image, convert(diskSize, '-l', `snapshot.id=${id}`), id);
          }
        }
      });
    });
  }
});
