import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, runCliJson } from '../support/cli';
import { type MapEntry, qemuCheck, qemuImg, qemuMap, qemuVersion, isAtLeast } from '../support/qemu';
import { removeFolder } from '../support/temp';
import { assertAccountsMatch, assertAddsUp, type ChainOutput, sizeOf } from './accounts';
import { type CheckOutput, qemuKeys } from './checks';
import { mapDifferences } from './compare';
import { assertReads } from './content';
import { ARCHIVE, inCi, SHARED, unpackCorpus } from './corpus';
import { CORPUS_TRUTHS, MERGED_OTHERWISE } from './corpusTruth';
import { assertReadsAs } from './formats/reads';

/**
 * No measure of speed: a reader that follows what these images say goes on for ever, and its process is then ended
 * after this many milliseconds, so that the test fails by name and the others still run.
 */
const KILL_AFTER_MS = 60_000;

const SECTOR = 512;
const version = qemuVersion();
const comparable = version !== undefined && isAtLeast(version, 8, 2);

describe('images that others made', function () {
  if (!existsSync(ARCHIVE)) {
    // Who has the folder that the archive belongs in is to have the archive; a copy of the repository alone need not.
    if (inCi && existsSync(SHARED)) {
      it('are there', () => {
        assert.fail(`there is no ${ARCHIVE}`);
      });
    } else {
      it('are not tested: ../shared/corpus is not there');
    }
    return;
  }
  const corpus = unpackCorpus();
  if (!corpus) {
    it('are not tested: tar -xJf failed');
    return;
  }
  const { folder, images, orphans, hostile } = corpus;

  after(() => {
    removeFolder(folder);
  });

  it('are there', () => {
    assert(images.length >= 17, `${images.length} qcow2 and raw images`);
    assert.equal(hostile.length, 4);
    assert.equal(orphans.length, 2);
  });

  for (const image of images) {
    const format = image.endsWith('.raw') ? 'raw' : 'qcow2';

    it(`${image}: info, map and chain agree`, () => {
      const info = runCliJson(['info', image], { cwd: folder }) as Record<string, unknown>;
      const map = runCliJson(['map', image], { cwd: folder }) as MapEntry[];
      const chain = runCliJson(['chain', image], { cwd: folder }) as ChainOutput;
      assert.equal(info['format'], format);
      assert.equal(sizeOf(map), info['virtual-size']);
      assertAddsUp(chain);
      assertAccountsMatch(chain, map);
    });

    if (!comparable) continue;

    it(`${image}: map equals qemu-img's`, () => {
      const actual = runCliJson(['map', image], { cwd: folder }) as MapEntry[];
      assert.deepEqual(mapDifferences(actual, qemuMap(folder, '-f', format, image)), []);
    });

    it(`${image}: check counts as qemu-img does`, () => {
      assertChecks(folder, image, '-f', format, image);
    });

    it(`${image}: reads as qemu-img convert reads`, async () => {
      const out = join(folder, 'out.raw');
      qemuImg(folder, 'convert', '-q', '-f', format, '-O', 'raw', image, out);
      const bytes = readFileSync(out);
      rmSync(out);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await assertReads(folder, image, { size: bytes.length, sha256 });
    });
  }

  for (const { image, format, layers, content, judges, qemuMaps } of CORPUS_TRUTHS) {
    it(`${image}: info, map and chain agree`, () => {
      const info = runCliJson(['info', image], { cwd: folder }) as Record<string, unknown>;
      const map = runCliJson(['map', image], { cwd: folder }) as MapEntry[];
      const chain = runCliJson(['chain', image], { cwd: folder }) as ChainOutput;
      assert.equal(info['format'], format);
      assert.equal(info['virtual-size'], content.size);
      assert.equal(sizeOf(map), content.size);
      assert.deepEqual([chain.end, chain.layers.length], ['base', layers]);
      assertAddsUp(chain);
      assertAccountsMatch(chain, map);
    });

    it(`${image}: reads as ${judges} read it`, async () => {
      await assertReadsAs(folder, image, content);
    });

    if (!comparable || !qemuMaps) continue;

    it(`${image}: map equals qemu-img's`, () => {
      const actual = runCliJson(['map', image], { cwd: folder }) as MapEntry[];
      assert.deepEqual(mapDifferences(actual, qemuMap(folder, '-f', format, image)), []);
    });
  }

  const { image, merged, parent, sectors } = MERGED_OTHERWISE;
  it(`${merged}: is what ${image} reads as, but for sector ${sectors.join(', ')}, which is its parent's`, async () => {
    const theirs = readFileSync(join(folder, merged));
    const fromParent = readFileSync(join(folder, parent));
    for (const sector of sectors) {
      const [start, end] = [sector * SECTOR, (sector + 1) * SECTOR];
      assert.notDeepEqual(theirs.subarray(start, end), fromParent.subarray(start, end));
      // The parent is a fixed VHD: the disk as it is, and a footer.
      fromParent.copy(theirs, start, start, end);
    }
    const sha256 = createHash('sha256').update(theirs).digest('hex');
    await assertReads(folder, image, { size: theirs.length, sha256 });
  });

  for (const image of orphans) {
    it(`${image}: what is there is shown, the rest is unknown`, () => {
      const chain = runCliJson(['chain', image], { cwd: folder }) as ChainOutput;
      assertAddsUp(chain);
      assert.equal(chain.end, 'missing');
      assert.equal(chain.layers.length, 1 + orphans.indexOf(image));
      assert(chain.unknown > 0);
      if (!comparable) return;
      assert.equal(chain.layers[0]?.owned, sizeOf(qemuMap(folder, alone(image)).filter(({ present }) => present)));
    });

    if (!comparable) continue;

    it(`${image}: is checked without its parent`, () => {
      assertChecks(folder, image, alone(image));
    });
  }

  for (const image of hostile) {
    for (const verb of ['info', 'map', 'chain', 'check', 'convert']) {
      it(`${image}: ${verb} comes to an end and says why`, () => {
        const out = join(folder, 'out');
        assertPlainEnd(folder, verb, image, ...(verb === 'convert' ? [out] : []));
        rmSync(out, { force: true });
      });
    }
  }
});

/** The name by which QEMU opens an image without its parent. */
function alone(image: string): string {
  return `json:${JSON.stringify({ driver: 'qcow2', backing: null, file: { driver: 'file', filename: image } })}`;
}

/** @param opening the arguments by which qemu-img opens the image */
function assertChecks(folder: string, image: string, ...opening: readonly string[]): void {
  const { code, stdout, stderr } = runCli(['check', '--output', 'json', image], { cwd: folder });
  const expected = qemuCheck(folder, ...opening);
  assert.equal(code, expected.code, stderr + expected.messages);
  if (!expected.report) return;
  assert.deepEqual(qemuKeys(JSON.parse(stdout) as CheckOutput), expected.report, expected.messages);
}

/** JSON and what is wrong, in it or on stderr; or nothing but one line on stderr. */
function assertPlainEnd(folder: string, verb: string, image: string, ...more: readonly string[]): void {
  const args = [verb, '--output', 'json', image, ...more];
  const { code, stdout, stderr, timedOut } = runCli(args, { cwd: folder, timeout: KILL_AFTER_MS });
  assert.equal(timedOut, false, 'it did not come to an end');
  const lines = stderr.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    assert(line.includes(image.split('/').at(-1) ?? image), `the line names the file: ${line}`);
    assert(!/\bat .+:\d+:\d+|Error:|undefined|NaN/.test(line), `the line is for people: ${line}`);
  }
  if (stdout === '') {
    assert.deepEqual([code, lines.length], [1, 1], stderr);
    return;
  }
  assert.doesNotThrow(() => JSON.parse(stdout), 'stdout is JSON');
  assert(stdout.length < 1_000_000, `${stdout.length} characters of JSON`);
  // Findings and problems all have a code.
  assert(lines.length > 0 || stdout.includes('"code":'), 'nothing tells what is wrong');
}
