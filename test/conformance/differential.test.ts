/**
 * Random chains made with qemu-img and qemu-io, and the questions of the command line put to both: `info`, `map`,
 * `check`, `compare`, `convert`, and what only we can say held against what they say.
 *
 * VMDISK_CHAINS is how many, VMDISK_SEED draws others, VMDISK_CHAIN picks one of them by its number. A long run is
 * `npm run differential`.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { startCli, startCliJson } from '../support/cli';
import {
  isAtLeast,
  type MapEntry,
  qemuCheck,
  qemuCompare,
  qemuImg,
  qemuInfo,
  qemuMap,
  qemuVersion,
} from '../support/qemu';
import { assertAccountsMatch, assertAddsUp, type ChainOutput } from './accounts';
import { type CheckOutput, qemuKeys } from './checks';
import { mapDifferences } from './compare';
import { assertReads } from './content';
import { assertDifferences, type CompareOutput } from './differences';
import { nameOf, Specimen, type State } from './differential/specimen';
import { assertInfo, type Facts, lastingInfo } from './info';
import { assertPrintedTrace, assertTraces, samplesOf, type TraceOutput } from './traces';

const DEFAULT_SEED = 20_260_101;
const seed = Number(process.env['VMDISK_SEED'] ?? DEFAULT_SEED);
const chains = Number(process.env['VMDISK_CHAINS'] ?? 25);
const only = process.env['VMDISK_CHAIN'];
const numbers = only === undefined ? Array.from({ length: chains }, (_, index) => index + 1) : [Number(only)];
const version = qemuVersion();
/** qemu-img 6.1 was the first to tell `present`; `compressed` came with 8.2. */
const usable = version !== undefined && isAtLeast(version, 6, 1);
/** Exit code of `qemu-img check` for a format that has nothing to check. */
const NO_CHECK = 63;
/** Pairs of states compared in each chain, and states converted. */
const MOST_PAIRS = 5;
const MOST_CONVERTED = 2;
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

describe(`random chains beside qemu-img ${version?.text ?? ''} (VMDISK_SEED=${seed})`, () => {
  if (!usable) {
    const required = (process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '';
    const title = 'are not made: there is no qemu-img (6.1 or newer) on PATH; install qemu-utils';
    // Without a body mocha lists it as pending.
    const found = version ? `qemu-img ${version.text} is too old` : 'there is no qemu-img on PATH';
    if (required) it('has qemu-img', () => assert.fail(`${found} and VMDISK_REQUIRE_QEMU is set: install qemu-utils`));
    else it(title);
    return;
  }

  for (const number of numbers) {
    describe(`chain ${number} (VMDISK_SEED=${seed} VMDISK_CHAIN=${number})`, () => {
      let specimen: Specimen;

      before(() => {
        specimen = new Specimen(seed, number);
      });

      after(() => {
        // Not there when it could not be made.
        (specimen as Specimen | undefined)?.remove();
      });

      it('info, of each layer and of the chain', async () => {
        const { folder, images, leaf } = specimen;
        const cwd = folder;
        const expected = (image: string): Facts => lastingInfo(qemuInfo(folder, '-U', image));
        const facts = await Promise.all(images.map((image) => startCliJson(['info', image], { cwd })));
        images.forEach((image, index) => {
          assertInfo(folder, facts[index] as Facts, expected(image));
        });
        const list = (await startCliJson(['info', '--backing-chain', leaf], { cwd })) as Facts[];
        const layers = qemuInfo(folder, '-U', '--backing-chain', leaf) as unknown as Facts[];
        assert.equal(list.length, layers.length);
        layers.forEach((layer, depth) => {
          assertInfo(folder, list[depth] ?? {}, lastingInfo(layer));
        });
      });

      it('map, of each layer as a leaf', async () => {
        const { folder, images } = specimen;
        const maps = await Promise.all(images.map((image) => startCliJson(['map', image], { cwd: folder })));
        images.forEach((image, index) => {
          const actual = maps[index] as MapEntry[];
          const expected = qemuMap(folder, ...specimen.opening(image));
          const differences: string[] = isAtLeast(version, 8, 2)
            ? mapDifferences(actual, expected)
            : mapDifferences(joined(actual), expected, FIELDS);
          assert.deepEqual(differences, [], `${image} of ${images.join(' <- ')}`);
        });
      });

      it('chain counts as the map does', async () => {
        const { folder, leaf } = specimen;
        const chain = (await startCliJson(['chain', leaf], { cwd: folder })) as ChainOutput;
        assertAddsUp(chain);
        assert.equal(chain.end, 'base');
        assert.equal(chain.layers.length, specimen.depth);
        if (isAtLeast(version, 8, 2)) assertAccountsMatch(chain, qemuMap(folder, ...specimen.opening(leaf)));
      });

      it('trace finds the owners', async () => {
        const { folder, leaf, draw } = specimen;
        const samples = samplesOf(qemuMap(folder, ...specimen.opening(leaf)), draw);
        for (const sample of draw.shuffle(samples).slice(0, 3)) {
          const trace = await startCliJson(['trace', leaf, String(sample.offset)], { cwd: folder });
          assertPrintedTrace(trace as TraceOutput, sample);
        }
        await assertTraces(folder, leaf, samples);
      });

      it('check, of each image', async () => {
        const { folder, images } = specimen;
        const args = (image: string): string[] => ['check', '--output', 'json', image];
        const checks = await Promise.all(images.map((image) => startCli(args(image), { cwd: folder })));
        checks.forEach(({ code, stdout, stderr }, index) => {
          const image = images[index] ?? '';
          const expected = qemuCheck(folder, ...specimen.opening(image));
          assert.equal(code, expected.code, `${image}: ${stderr}${expected.messages}`);
          if (code === NO_CHECK) return;
          const output = JSON.parse(stdout) as CheckOutput;
          assert.deepEqual(qemuKeys(output), expected.report, `${image}: ${expected.messages}`);
          assert.equal(output.further, 0, `${image}: QEMU made it, so there is nothing that it overlooks`);
        });
      });

      it('compare, of layers and internal snapshots', async () => {
        const { folder, draw } = specimen;
        const pairs = draw.shuffle(pairsOf(specimen.states())).slice(0, MOST_PAIRS);
        const args = ([a, b]: Pair): string[] => ['compare', '--output', 'json', nameOf(a), nameOf(b)];
        const answers = await Promise.all(pairs.map((pair) => startCli(args(pair), { cwd: folder })));
        answers.forEach(({ code, stdout, stderr }, index) => {
          const [a, b] = pairs[index]!;
          const title = `${nameOf(a)} and ${nameOf(b)}`;
          const expected = specimen.asFile(a, (fileA) => {
            return specimen.asFile(b, (fileB) => qemuCompare(folder, fileA, fileB));
          });
          assert.equal(code, expected, `${title}: ${stderr}`);
          assert.notEqual(stdout, '', `${title}: ${stderr}`);
          assertDifferences(JSON.parse(stdout) as CompareOutput, specimen.content(a), specimen.content(b), title);
        });
      });

      it('convert, to raw and to qcow2', async () => {
        const { draw } = specimen;
        const states = draw.shuffle(specimen.states()).slice(0, MOST_CONVERTED);
        for (const state of states) await assertConverts(specimen, state);
      });

      it('reads as qemu-img convert reads', async () => {
        for (const state of specimen.states()) {
          const bytes = specimen.content(state);
          const sha256 = createHash('sha256').update(bytes).digest('hex');
          await assertReads(specimen.folder, state.image, { size: bytes.length, sha256 }, state.snapshot?.id);
        }
      });
    });
  }
});

type Pair = readonly [State, State];

function pairsOf(states: readonly State[]): Pair[] {
  return states.flatMap((a, index) => states.slice(index + 1).map((b): Pair => [a, b]));
}

/** @throws AssertionError unless flattened copies of a state, a raw and a qcow2 one, read as it does */
async function assertConverts(specimen: Specimen, state: State): Promise<void> {
  const { folder } = specimen;
  const expected = specimen.content(state);
  const view = state.snapshot ? ['--snapshot', state.snapshot.id] : [];
  const qcow2 = specimen.draw.pick([['qcow2'], ['qcow2', '-c', 'zlib'], ['qcow2', '-c', 'zstd']] as const);
  const kinds = [['raw'], qcow2] as const;
  await Promise.all(
    kinds.map(async ([format, ...compression]) => {
      const title = [nameOf(state), format, ...compression].join(' ');
      const copy = specimen.output(`copy-${[format, ...compression].join('')}`);
      const args = ['convert', '-O', format, ...compression, ...view, state.image, copy];
      const { code, stderr } = await startCli(args, { cwd: folder });
      assert.equal(code, 0, `${title}: ${stderr}`);
      assert(contentOf(specimen, copy, format).equals(expected), `${title}: reads otherwise`);
      if (format === 'qcow2') assert.equal(qemuCheck(folder, '-f', format, copy).code, 0, `${title}: is consistent`);
      rmSync(copy);
    }),
  );
}

function contentOf(specimen: Specimen, file: string, format: string): Buffer {
  if (format === 'raw') return readFileSync(file);
  const out = specimen.output('copy.raw');
  qemuImg(specimen.folder, 'convert', '-q', '-f', format, '-O', 'raw', file, out);
  const bytes = readFileSync(out);
  rmSync(out);
  return bytes;
}
