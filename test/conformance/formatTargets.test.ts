/**
 * Random chains converted by qemu-img into each format that it writes, and read back: content, map and info.
 *
 * VMDISK_TARGET_CHAINS is how many, VMDISK_SEED draws others, VMDISK_CHAIN picks one of them by its number. A long run is
 * `npm run differential -- --formats 20`.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mapEntries } from '../support/map';
import { lacksQemu, qemuImg, qemuInfo, qemuMap } from '../support/qemu';
import { withSession } from '../support/session';
import { makeTempFolder, removeFolder } from '../support/temp';
import { mapDifferences } from './compare';
import { Specimen } from './differential/specimen';
import { ContentHash } from './formats/contentHash';
import { assertReadsAs } from './formats/reads';
import { type Target, TARGETS } from './formats/targets';
import { vhdxMap } from './formats/vhdxBlocks';

const DEFAULT_SEED = 20_260_101;
const seed = Number(process.env['VMDISK_SEED'] ?? DEFAULT_SEED);
const chains = Number(process.env['VMDISK_TARGET_CHAINS'] ?? 2);
const only = process.env['VMDISK_CHAIN'];
const numbers = only === undefined ? Array.from({ length: chains }, (_, index) => index + 1) : [Number(only)];

describe(`random chains converted into each format (VMDISK_SEED=${seed})`, () => {
  if (lacksQemu()) return;
  for (const number of numbers) {
    describe(`chain ${number} (VMDISK_SEED=${seed} VMDISK_CHAIN=${number})`, () => {
      let specimen: Specimen;
      let folder: string;

      before(() => {
        specimen = new Specimen(seed, number);
        folder = makeTempFolder('targets');
      });

      after(() => {
        // Not there when it could not be made.
        (specimen as Specimen | undefined)?.remove();
        removeFolder(folder);
      });

      for (const target of TARGETS) {
        it(`to ${target.title}`, async () => {
          await assertReadsBack(specimen, target, join(folder, target.title.replaceAll(' ', '-')));
        });
      }
    });
  }
});

/** @throws AssertionError unless the converted image holds what the chain does, where qemu-img says that it is */
async function assertReadsBack(specimen: Specimen, target: Target, folder: string): Promise<void> {
  const source = specimen.readable.at(-1);
  if (source === undefined) return;
  const { format } = target;
  const name = `disk.${format}`;
  const image = join(folder, name);
  mkdirSync(folder);
  const options = Object.entries(target.options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const compress = target.compress ? ['-c'] : [];
  qemuImg(specimen.folder, 'convert', '-q', '-U', ...compress, '-O', format, ...options, source, image);
  // Space that was kept but never written counts as a hole until it was read once: as in `Specimen`.
  for (const file of readdirSync(folder)) readFileSync(join(folder, file));

  const bytes = specimen.content({ image: source });
  // Sizes are rounded up, to cylinders for one.
  const size = Number(qemuInfo(folder, '-f', format, name)['virtual-size']);
  assert(size >= bytes.length, `${size} bytes are less than ${bytes.length}`);
  const hash = new ContentHash(size);
  hash.add(0, bytes);
  await assertReadsAs(folder, name, hash.digest());

  await withSession(image, undefined, ({ session }) => {
    assert.equal(session.chain.layers[0]?.layer.format, format);
    assert.equal(session.chain.end.kind, 'base');
    const findings = session.findings(0).filter(({ severity }) => severity !== 'info');
    assert.deepEqual(findings, [], 'nothing is odd about what QEMU wrote');
    const expected = format === 'vhdx' ? vhdxMap(image) : qemuMap(folder, '-f', format, name);
    assert.deepEqual(mapDifferences(mapEntries(session), expected), []);
  });
}
